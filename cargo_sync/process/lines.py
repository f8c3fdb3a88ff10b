"""One line of a log: what a record comes to, the same for every place that it goes to.

Secrets never get here: settings hold them in values that show nothing, and no message of ours has
one. What libraries say is not ours, so shapes that only secrets have are blanked as well, as the
last line of defence. Not the values of the passwords that we know: whoever can have a text logged
(a file's name) would then learn of a guess by its being blanked, and a password that is a common
word would blank the word everywhere.
"""

import logging
import re
import traceback
from datetime import UTC, datetime
from typing import Final, NamedTuple

FIELDS: Final = ("job", "user", "transfer", "command")
"""What a record may be about; given to a logger as `extra`."""
LONGEST: Final = 16_384
"""Characters of a message, or of a traceback, that are kept."""

_HIDDEN: Final = "***"
_SHAPES: Final = (
    (
        re.compile(r"(?i)\b((?:proxy-)?authorization|(?:set-)?cookie)(['\"]?\s*[:=]\s*).+"),
        rf"\1\2{_HIDDEN}",
    ),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w+/=.~-]{16,}"), rf"\1 {_HIDDEN}"),
    (
        re.compile(
            r"""(?ix) (["']) ([\w-]*(?:password|passwd|secret|token|senha)) \1 (\s*:\s*)
            (?:"(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' | [^\s,}]+)"""
        ),
        rf"\1\2\1\3{_HIDDEN}",
    ),
    (
        re.compile(
            r"(?i)\b([\w-]*(?:password|passwd|secret|token|senha)=)('[^']*'|\"[^\"]*\"|[^\s&,;)]+)"
        ),
        rf"\1{_HIDDEN}",
    ),
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^\s/@]+@"), rf"\1{_HIDDEN}@"),
)


class LogLine(NamedTuple):
    """One record.

    time    unix seconds
    level   debug, info, warning, error, critical
    about   those of FIELDS that are known
    trace   the traceback of an exception, or ""
    """

    time: float
    level: str
    logger: str
    message: str
    about: dict[str, str]
    trace: str = ""

    @property
    def values(self) -> dict[str, str]:
        """By name, in the order in which people read them."""
        found = {
            "time": rfc3339(self.time),
            "level": self.level,
            "logger": self.logger,
        }
        found |= self.about
        found["message"] = self.message
        if self.trace:
            found["trace"] = self.trace
        return found


def line_of(record: logging.LogRecord) -> LogLine:
    """The line that a record comes to. One that cannot be put into words is told by its
    template."""
    try:
        message = record.getMessage()
    except (TypeError, ValueError, KeyError):
        message = f"{record.msg} (without its arguments)"
    trace = "".join(traceback.format_exception(*record.exc_info)) if record.exc_info else ""
    about = {
        field: _clean(str(value))
        for field in FIELDS
        if (value := record.__dict__.get(field)) is not None
    }
    return LogLine(
        record.created,
        record.levelname.lower(),
        record.name,
        _clean(message),
        about,
        _clean(trace).rstrip(),
    )


def rfc3339(time: float) -> str:
    """`2026-11-25T18:54:57.123Z`."""
    return (
        datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )


def redacted(text: str) -> str:
    """`text` without what has the shape of a secret: headers of logins, fields of passwords, URLs'
    users."""
    for shape, instead in _SHAPES:
        text = shape.sub(instead, text)
    return text


def _clean(text: str) -> str:
    """Of lone surrogates (names that are no text) nothing stays that an encoder could stumble
    over."""
    return redacted(text[:LONGEST]).encode("utf-8", "backslashreplace").decode()
