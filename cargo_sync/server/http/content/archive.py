"""A zip archive of files and folders, made while it is read: stored, with zip64 where it is needed.

Nothing is kept but the archive's own directory, which comes at its end. One file that fails does
not end it: a text at the end of the archive names it.

Python's own zipfile writes to what cannot be sought in: a data descriptor follows each file.
"""

import contextlib
import logging
import stat
import struct
import zipfile
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from cargo_sync.lanes.ports import BlockingReader
from cargo_sync.model import paths
from cargo_sync.model.entries import FILE, FOLDER, Entry
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.server.grants.view import WorkspaceView
from cargo_sync.server.http.content.attachment import archive_path
from cargo_sync.server.refusals import public

CHUNK: Final = 1024 * 1024
MOST: Final = 100_000
"""Entries of one archive: its directory is in memory, some 60 MB then."""
PAGE: Final = 1_000
"""Entries of a folder that are read at a time."""
TOLD: Final = 1_000
"""Failures that the text at the end names."""
FAILED: Final = "FILES THAT ARE MISSING.txt"

_EARLIEST: Final = (1980, 1, 1, 0, 0, 0)
_LATEST: Final = (2107, 12, 31, 23, 59, 58)
_TIME: Final = struct.Struct("<HHBi")
"""Info-ZIP's extended timestamp: the time in unix seconds, which is right in every zone."""

_log = logging.getLogger(__name__)


class _Output:
    """What the archive has written, until it is taken."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.size = 0

    def write(self, content: bytes, /) -> int:
        self._pieces.append(content)
        self.size += len(content)
        return len(content)

    def flush(self) -> None:
        """Nothing is kept elsewhere."""

    def close(self) -> None:
        """What was not taken is dropped with it."""

    def taken(self) -> bytes:
        taken = b"".join(self._pieces)
        self._pieces.clear()
        self.size = 0
        return taken


class Archive:
    """One archive. It blocks; one thread at a time uses it.

    Args:
        view: what it is made from.
        asked: files and folders. Paths in the archive are relative to the deepest folder that has
            all of them.
        now: unix seconds, the time of folders: theirs is not kept.
        packed: called with each file of which all is in the archive.
    """

    def __init__(
        self,
        view: WorkspaceView,
        asked: Sequence[str],
        now: float,
        packed: Callable[[str, Entry], None],
    ) -> None:
        self._packed = packed
        self._view = view
        self._asked = _outermost(asked)
        self._now = int(now)
        self._above = len(_common(self._asked))
        self._output = _Output()
        self._zip = zipfile.ZipFile(self._output, "w", zipfile.ZIP_STORED)
        self._failed: list[str] = []
        self._failures = 0

    def pieces(self) -> Iterator[bytes]:
        """Its bytes, in pieces of about a MiB."""
        for path, entry in self._walked():
            if len(self._zip.filelist) >= MOST:
                message = f"an archive has at most {MOST:,} entries"
                self._fail(path, Problem(Code.TOO_LARGE, message, path, retry=False))
                break
            try:
                for _ in self._added(path, entry):
                    if self._output.size >= CHUNK:
                        yield self._output.taken()
            except ProblemError as error:
                self._fail(path, error.problem)
        if self._failures:
            name = FAILED
            while name in self._zip.NameToInfo:
                name = f"_{name}"
            self._zip.writestr(zipfile.ZipInfo(name), self._report())
        self._zip.close()
        yield self._output.taken()

    def _walked(self) -> Iterator[tuple[str, Entry]]:
        """All that is asked for and what is below it, a folder before what is in it."""
        pending: list[tuple[str, str]] = []
        for path, held in zip(self._asked, self._view.entries(self._asked), strict=True):
            if path and held is None:
                self._fail(path, Problem(Code.VANISHED, f"{path!r} is not there any more", path))
                continue
            if held is not None:
                yield path, held.entry
            if held is None or held.entry.kind == FOLDER:
                pending.append((path, ""))
            while pending:
                folder, after = pending.pop()
                page = self._view.listing(folder, after, PAGE) or []
                if len(page) == PAGE:
                    pending.append((folder, page[-1].name))
                for entry in page:
                    inside = paths.join(folder, entry.name)
                    yield inside, entry
                    if entry.kind == FOLDER:
                        pending.append((inside, ""))

    def _added(self, path: str, entry: Entry) -> Iterator[None]:
        """Adds an entry; pauses where what is written may be taken.

        Raises:
            ProblemError: it cannot be read. It may be in the archive with a part of its content.
        """
        name = archive_path(path[self._above :])
        if entry.kind == FOLDER:
            info = _info(f"{name}/", self._now, stat.S_IFDIR | 0o755)
            info.CRC = info.compress_size = 0  # mkdir takes them as set
            self._zip.mkdir(info)
            return
        if entry.kind != FILE:
            message = f"{path!r} is a symbolic link; links are never followed"
            raise ProblemError(Problem(Code.SYMLINK, message, path, retry=False))
        held, reader = self._view.open(path)
        if held is None or reader is None:
            raise ProblemError(Problem(Code.VANISHED, f"{path!r} is not there any more", path))
        with contextlib.closing(reader):
            seconds = held.entry.mtime_ns // 10**9
            info = _info(name, seconds, stat.S_IFREG | held.entry.mode & 0o777)
            info.file_size = held.entry.size  # decides whether it is written with zip64
            contents = _content(reader, path, held.entry.size)
            first = next(contents, b"")  # what cannot be read at all is not begun
            with self._zip.open(info, "w") as writing:
                writing.write(first)
                yield
                for content in contents:
                    writing.write(content)
                    yield
            self._packed(path, held.entry)

    def _fail(self, path: str, problem: Problem) -> None:
        _log.warning("not whole in an archive: %r: %s", path, problem)
        self._failures += 1
        if len(self._failed) < TOLD:
            self._failed.append(f"{archive_path(path)}: {public(problem)}")

    def _report(self) -> bytes:
        lines = ["These are missing in this archive, or not whole:", *self._failed]
        if self._failures > len(self._failed):
            lines.append(f"and {self._failures - len(self._failed):,} more")
        return "\r\n".join([*lines, ""]).encode()


def _content(reader: BlockingReader, path: str, size: int) -> Iterator[bytes]:
    """The content of one version. The last piece comes only if the file has not changed.

    Raises:
        ProblemError: `changed`; it cannot be read.
    """
    start = 0
    while start < size:
        piece = bytearray(min(CHUNK, size - start))
        count = reader.read_into(memoryview(piece), start)
        start += count
        if count < len(piece) or (start == size and not reader.unchanged()):
            raise ProblemError(Problem(Code.CHANGED, f"{path!r} changed while it was read", path))
        yield bytes(piece)


def _info(name: str, seconds: int, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _date(seconds))
    info.external_attr = mode << 16 | (0x10 if name.endswith("/") else 0)
    if -(2**31) <= seconds < 2**31:
        info.extra = _TIME.pack(0x5455, 5, 1, seconds)
    return info


def _date(seconds: int) -> tuple[int, int, int, int, int, int]:
    """The nearest time in UTC that an archive can have."""
    try:
        at = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return _LATEST if seconds > 0 else _EARLIEST
    given = (at.year, at.month, at.day, at.hour, at.minute, at.second)
    return min(max(given, _EARLIEST), _LATEST)


def _outermost(asked: Sequence[str]) -> list[str]:
    """Without what lies in another one of them."""
    found: list[str] = []
    for path in sorted(set(asked), key=lambda path: path.split("/")):
        if not found or (found[-1] and not path.startswith(f"{found[-1]}/")):
            found.append(path)
    return found


def _common(asked: Sequence[str]) -> str:
    """The folder above all of them with a slash, "" for the workspace itself."""
    above = [path.split("/")[:-1] for path in asked]
    first, last = min(above), max(above)
    same = 0
    while same < min(len(first), len(last)) and first[same] == last[same]:
        same += 1
    return "".join(f"{part}/" for part in first[:same])
