"""The lines of a listing, read: MLSD's facts (RFC 3659), and what LIST shows to people.

LIST has no form that all servers share: here are those of Unix and of Windows. A line in another
one is an error of the whole listing, because what it names would look as if it were deleted.
"""

import re
from calendar import timegm
from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from cargo_sync.model.abilities import SECOND
from cargo_sync.trees.ftp.problems import bad_answer

_TIME: Final = re.compile(r"(\d{14})(?:\.\d+)?")
_UNIX: Final = re.compile(
    r"([-dlbcpsD])[-rwxsStTlL]{9}[+.@]?\s+\d+\s+(?:\S+\s+){1,2}?(\d+)\s+"
    r"\w{3}\s+\d{1,2}\s+(?:\d{4}|\d{1,2}:\d\d) (.+)"
)
_DEVICE: Final = re.compile(
    r"([bc])[-rwxsStTlL]{9}[+.@]?\s+\d+\s+(?:\S+\s+){1,2}?\d+,\s*\d+\s+"
    r"\w{3}\s+\d{1,2}\s+(?:\d{4}|\d{1,2}:\d\d) (.+)"
)
_WINDOWS: Final = re.compile(
    r"\d\d-\d\d-\d{2,4}\s+\d\d:\d\d(?:[AP]M)?\s+(?:(<DIR>)\s+|(\d+) )(.+)", re.IGNORECASE
)
_TOTAL: Final = re.compile(r"total\s+\d+\s*", re.IGNORECASE)
_KINDS: Final = {"-": "file", "d": "dir", "l": "link"}
_LARGEST: Final = 2**63 - 1
_OURSELVES: Final = frozenset({"cdir", "pdir"})


class Fact(NamedTuple):
    """What a server says of a name.

    kind   file, dir, link, or another word for what no tree holds
    size   bytes; None if it is not said
    time   modification, in ns since 1970; None if it is not said
    mode   permission bits; None if they are not said
    """

    name: str
    kind: str
    size: int | None = None
    time: int | None = None
    mode: int | None = None


def time_of(text: str) -> int | None:
    """A time of FTP, `YYYYMMDDHHMMSS` in UTC, as ns since 1970; None if it is none."""
    match = _TIME.fullmatch(text.strip())
    if match is None:
        return None
    try:
        found = datetime.strptime(match[1], "%Y%m%d%H%M%S")
    except ValueError:
        return None
    return timegm(found.timetuple()) * SECOND


def of_facts(line: str) -> Fact | None:
    """A line of MLSD or MLST; None for the folder itself and the one above.

    Raises:
        ProblemError: BAD_ANSWER.
    """
    told, space, name = line.partition(" ")
    if not space:
        raise bad_answer("a line of the listing has no name")
    facts = dict[str, str]()
    for one in told.split(";"):
        key, _, value = one.partition("=")
        facts[key.lower()] = value
    kind = facts.get("type", "").lower()
    if kind in _OURSELVES:
        return None
    if kind.startswith(("os.unix=s", "os.unix=link")):
        kind = "link"
    mode = facts.get("unix.mode", "")
    return Fact(
        name,
        kind,
        _number(facts.get("size", "")),
        time_of(facts.get("modify", "")),
        int(mode, 8) & 0o7777 if re.fullmatch(r"[0-7]{3,7}", mode) else None,
    )


def of_listing(text: str) -> Sequence[Fact]:
    """The lines of LIST, also `.` and `..`, which show that the folder is there.

    Their times are not read: they have minutes, or days alone, of a clock that nobody knows.

    Raises:
        ProblemError: BAD_ANSWER, if one of them cannot be understood.
    """
    found = list[Fact]()
    for line in text.split("\n"):
        line = line.removesuffix("\r")
        if not line or _TOTAL.fullmatch(line):
            continue
        found.append(_of_line(line))
    return found


def _of_line(line: str) -> Fact:
    if match := _UNIX.fullmatch(line):
        letter, size, name = match.groups()
        kind = _KINDS.get(letter, letter)
        if kind == "link":
            name = name.partition(" -> ")[0]
        return Fact(name, kind, _number(size))
    if match := _DEVICE.fullmatch(line):
        return Fact(match[2], match[1])
    if match := _WINDOWS.fullmatch(line):
        folder, size, name = match.groups()
        return Fact(name, "dir" if folder else "file", _number(size or ""))
    raise bad_answer("a line of the listing has a form that Cargo does not know")


def _number(text: str) -> int | None:
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        return None
    number = int(text)
    return number if number <= _LARGEST else None
