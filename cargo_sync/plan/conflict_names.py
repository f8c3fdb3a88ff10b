"""The name of a conflict copy: `report (conflict HOST 2026-11-28 1543).odt`.

The time is in UTC, so that two machines name alike. The mark stands before the extension: the copy
still opens with the program that wrote it. A copy of a copy gets a new mark in place of the old
one. A name has at most 255 bytes, as on every file system: the rest of the stem is cut off.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from typing import Final

from cargo_sync.model import paths

_MARK: Final = re.compile(r" \(conflict [A-Za-z0-9-]+ \d{4}-\d\d-\d\d \d{4}\)(?: \d+)?$")
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9]+")
_EXTENSION: Final = re.compile(r"\.(?:tar\.)?[A-Za-z0-9]{1,12}$")
_HOST: Final = 32
"""Characters of a host's name that are kept."""
NO_HOST: Final = "unknown"


def safe_host(name: str) -> str:
    """A host's name as conflict copies have it: its first part, of letters, digits and `-`."""
    return _UNSAFE.sub("-", name.partition(".")[0]).strip("-")[:_HOST].rstrip("-") or NO_HOST


def copy_paths(path: str, host: str, when: float) -> Iterator[str]:
    """Yields the paths that a conflict copy may have, best first, without end.

    Args:
        path: where the entry is now.
        host: as `safe_host` gives it.
        when: unix seconds.
    """
    folder, name = paths.parent(path), paths.name(path)
    room = min(paths.NAME_BYTES, paths.PATH_BYTES - len(paths.join(folder, "").encode()))
    stem, extension = _cut(name)
    moment = datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%d %H%M")
    for number in count(1):
        mark = f" (conflict {host} {moment})" + (f" {number}" if number > 1 else "")
        rest = mark + extension
        yield paths.join(folder, _fitting(stem, room - len(rest)) + rest)


def _cut(name: str) -> tuple[str, str]:
    """The stem, without an old mark, and the extension, which may be empty."""
    found = _EXTENSION.search(name, 1)  # a name that begins with a dot is no extension
    stem, extension = (name[: found.start()], found[0]) if found else (name, "")
    return _MARK.sub("", stem) or stem, extension


def _fitting(stem: str, room: int) -> str:
    """As much of the stem as has room, in bytes; no character is cut."""
    raw = stem.encode()
    return stem if len(raw) <= room else raw[: max(room, 0)].decode(errors="ignore").rstrip()
