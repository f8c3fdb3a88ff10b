"""One line of a log, made from a record; it is the same in all places where the log goes.

Secrets should never get here: settings keep them in values that do not print them, and our own
messages contain none. Messages of libraries might, so text that looks like a secret is replaced
too, as a last line of defence. The values of known passwords are not searched for: a person who can
cause a text to be logged (a file's name) could test guesses with it, and a password that is a
common word would be replaced everywhere.
"""

import logging
import re
import traceback
from datetime import UTC, datetime
from typing import Final, NamedTuple

from cargo_sync.api.escaping import lines_escaped

FIELDS: Final = ("job", "user", "transfer", "command")
"""Fields that a record may have; a logger gets them as `extra`."""
LONGEST: Final = 16_384
"""How many characters of a message or of a traceback are kept."""

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
    about   the FIELDS that the record has
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
        """The fields of the line by name, in an order that is good to read."""
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
    """Makes the line of a record; a record with wrong arguments becomes its template."""
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
    """Formats unix seconds as `2026-11-25T18:54:57.123Z`."""
    return (
        datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )


def redacted(text: str) -> str:
    """Replaces what looks like a secret: login headers, password fields, users in URLs."""
    for shape, instead in _SHAPES:
        text = shape.sub(instead, text)
    return text


def _clean(text: str) -> str:
    """Cuts and redacts a text; marks of direction and lone surrogates become escapes."""
    return lines_escaped(redacted(text[:LONGEST]))
