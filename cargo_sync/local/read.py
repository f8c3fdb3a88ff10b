"""Stable reads: a file is only read if it is still the one that the scan saw."""

import os
import stat
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Final, Protocol

from cargo_sync.local.content_hash import ContentHash
from cargo_sync.local.folders import Folder
from cargo_sync.local.listing import IDENT
from cargo_sync.local.matching import Digest, add_zeros, digests_of
from cargo_sync.local.root import Root
from cargo_sync.local.sparse import extent, holes_of
from cargo_sync.local.system import System
from cargo_sync.model import paths
from cargo_sync.model.entries import Entry, kept_time
from cargo_sync.model.known_hashes import KnownHash, Matched
from cargo_sync.model.problems import (
    Code,
    Problem,
    ProblemError,
    changed,
    changed_while_read,
    from_os_error,
)
from cargo_sync.model.transfers import Offer, Unread

PIECE: Final = 2**20
HOLE: Final = 64 * 2**20
"""Bytes of a hole that are hashed at a time, where zeros must be hashed like other bytes."""

FileState = tuple[int, int, int, int]
"""What shows that a file is still the same: size, mtime_ns, ctime_ns, inode."""

Expect = Callable[[Sequence[Offer]], Sequence[FileState | Problem]]
"""Returns the local files that offers mean; a problem for one that does not exist any more."""

Going = Callable[[], bool]
"""Asked between two pieces of a long read: False ends it."""


def always() -> bool:
    """Ends nothing."""
    return True


def as_offered(offers: Sequence[Offer]) -> list[FileState | Problem]:
    """The files that offers mean if they were made from this folder itself."""
    return [(offer.size, offer.mtime_ns, offer.version, offer.ident) for offer in offers]


class OpenContent(Protocol):
    """An open file, in whatever place, that can be read now."""

    def read_into(self, view: memoryview, offset: int) -> int: ...
    def extent(self, offset: int, until: int) -> tuple[int, bool]: ...
    def unchanged(self) -> bool: ...
    def close(self) -> None: ...


class FileReader:
    """One open file; `close` is called exactly once.

    holes  how many of its bytes take no room on the disk
    """

    __slots__ = ("_fd", "_path", "_state", "holes")

    def __init__(self, fd: int, path: str, state: FileState, holes: int) -> None:
        self._fd = fd
        self._path = path
        self._state = state
        self.holes = holes

    def read_into(self, view: memoryview, offset: int) -> int:
        """Reads from `offset` into `view`; fewer bytes than fit only at the end of the file.

        Raises:
            ProblemError: the file cannot be read.
        """
        try:
            done = os.preadv(self._fd, [view], offset)
            while 0 < done < len(view):
                more = os.preadv(self._fd, [view[done:]], offset + done)
                if not more:
                    break
                done += more
        except OSError as error:
            raise ProblemError(from_os_error(error, self._path)) from error
        return done

    def extent(self, offset: int, until: int) -> tuple[int, bool]:
        """What is at `offset`: up to where it is the same, at most `until`; whether it is a hole.

        Raises:
            ProblemError: the file cannot be read.
        """
        if not self.holes:
            return until, False
        try:
            return extent(self._fd, offset, until)
        except OSError as error:
            raise ProblemError(from_os_error(error, self._path)) from error

    def unchanged(self) -> bool:
        """True when size, mtime_ns, ctime_ns and inode are still what they were at `open`."""
        try:
            return _is(os.fstat(self._fd), self._state)
        except OSError:
            return False

    def close(self) -> None:
        os.close(self._fd)


class FolderSource:
    """The source of a sender: a local folder.

    On a server, where offers have versions of the catalogue, `expect` translates them.
    """

    def __init__(self, root: Root, expect: Expect = as_offered) -> None:
        self._root = root
        self._expect = expect

    def wakes(self, wake: Callable[[], None]) -> None:
        """All that is here can be read at once."""

    def coming(self, offers: Iterable[Offer]) -> None:
        """Nothing is fetched ahead: the system does that itself, and a look costs too much."""

    def open(self, offer: Offer) -> FileReader:
        """Opens the file that an offer names, if it is still what was offered.

        Raises:
            ProblemError: vanished, changed since the scan, unreadable.
        """
        [expected] = self._expect([offer])
        if isinstance(expected, Problem):
            raise ProblemError(expected)
        return _opened(self._root, offer.path, expected)

    def holes(self, offer: Offer) -> int:
        """How many bytes of a file are holes; 0 if it cannot be looked at.

        Whether the file is still what was offered is found out when it is read.
        """
        above, _, name = offer.path.rpartition("/")
        try:
            with self._root.folder(above) as folder:
                return holes_of(os.lstat(name, dir_fd=folder.fd))
        except (OSError, ProblemError):
            return 0

    def read(self, offers: Sequence[Offer], views: Sequence[memoryview]) -> Unread | None:
        """Reads whole files. Neighbours open their folder once, and only for this call."""
        expected: list[FileState] = []
        for found in self._expect(offers):
            if isinstance(found, Problem):
                refused = Unread(len(expected), found)
                return self._read_all(offers[: refused.number], expected, views) or refused
            expected.append(found)
        return self._read_all(offers, expected, views)

    def close(self) -> None:
        """Nothing stays open."""

    def _read_all(
        self, offers: Sequence[Offer], expected: Sequence[FileState], views: Sequence[memoryview]
    ) -> Unread | None:
        """As `read`, when it is known which files the offers mean."""
        read = 0
        parts = [offer.path.rpartition("/") for offer in offers]
        # The folders' own names are looked at when they are opened.
        sound = paths.bad_part("/".join([name for _, _, name in parts])) is None
        files = zip(parts, expected, views, strict=False)
        try:
            for parent, group in groupby(files, lambda file: file[0][0]):
                with self._folder(parent, offers[read].path) as folder:
                    for (_, _, name), state, view in group:
                        if not sound:
                            _check_name(name, offers[read].path)
                        _read(self._root.system, folder, name, state, view)
                        read += 1
        except ProblemError as error:
            return Unread(read, error.problem)
        return None

    def _folder(self, path: str, file: str) -> Folder:
        """Opens the folder at `path`. Raises ProblemError: it is `file` that cannot be read."""
        try:
            return self._root.folder(path)
        except ProblemError as error:
            if isinstance(error.__cause__, OSError):
                raise ProblemError(from_os_error(error.__cause__, file)) from error
            raise ProblemError(replace(error.problem, path=file)) from error


def _check_name(name: str, path: str) -> None:
    if reason := paths.bad_name(name):
        raise ProblemError(Problem(Code.BAD_PATH, f"the path {path!r} {reason}", path, retry=False))


def _read(system: System, folder: Folder, name: str, expected: FileState, view: memoryview) -> None:
    """Reads a whole file of an open folder.

    A file that afterwards is still what was expected, its ctime included, was so all the time.

    Raises:
        ProblemError: it cannot be read, or is not what was expected.
    """
    try:
        fd = system.open_in(folder.fd, name)
        try:
            whole = _filled(fd, view)
            same = _is(os.fstat(fd), expected)
        except OSError:
            if _is(os.fstat(fd), expected):
                raise
            same = False  # a folder or a pipe is there now
        finally:
            os.close(fd)
    except OSError as error:
        raise ProblemError(from_os_error(error, paths.join(folder.path, name))) from error
    if not same:
        raise ProblemError(changed(paths.join(folder.path, name)))
    if not whole:
        raise ProblemError(changed_while_read(paths.join(folder.path, name)))


def _filled(fd: int, view: memoryview) -> bool:
    """Reads from the start of a file; whether `view` is full then.

    An offset is given because a pipe, which another program may have put there, refuses it: nothing
    is taken out of it.
    """
    done = os.preadv(fd, [view], 0)
    while 0 < done < len(view):  # some file systems give less at a time
        more = os.preadv(fd, [view[done:]], done)
        if not more:
            break
        done += more
    return done == len(view)


def open_file(root: Root, path: str, expect: Entry) -> FileReader:
    """Opens the file at `path`, if its metadata is as expected.

    Size, mtime_ns, version (ctime_ns) and ident (inode) are compared.

    Raises:
        ProblemError: vanished, changed, symlink, unreadable.
    """
    return _opened(root, path, _state(expect))


def opened_as(root: Root, path: str, expect: Entry) -> int:
    """As `open_file`, for its descriptor, which the caller closes."""
    fd, _ = _descriptor(root, path, _state(expect))
    return fd


def _state(entry: Entry) -> FileState:
    return entry.size, entry.mtime_ns, entry.version, entry.ident


def _opened(root: Root, path: str, expected: FileState) -> FileReader:
    fd, found = _descriptor(root, path, expected)
    return FileReader(fd, path, expected, holes_of(found))


def _descriptor(root: Root, path: str, expected: FileState) -> tuple[int, os.stat_result]:
    fd = root.open_file(path)
    found = os.fstat(fd)
    if not _is(found, expected):
        os.close(fd)
        raise ProblemError(changed(path))
    return fd, found


def hash_file(root: Root, path: str, expect: Entry, going: Going = always) -> str:
    """The hash of a stable read (`content_hash`), as 64 hex digits.

    Raises:
        ProblemError: `changed` when the file is not the expected one, or changes while it is read;
            `stopped`; vanished, …
    """
    return hash_reader(open_file(root, path, expect), path, expect.size, going)


def match_file(
    root: Root, path: str, expect: Entry, known: KnownHash, going: Going = always
) -> Matched:
    """As `hash_file`, and whether the same read has the hash that a server knows."""
    return match_reader(open_file(root, path, expect), path, expect.size, known, going)


def match_reader(
    reader: OpenContent, path: str, size: int, known: KnownHash, going: Going = always
) -> Matched:
    """As `hash_reader`, and whether the same read has the hash that a server knows."""
    others = digests_of(known, size)
    found = hash_reader(reader, path, size, going, others)
    return Matched(found, any(one.hexdigest() == known.text for one in others))


def hash_reader(
    reader: OpenContent,
    path: str,
    size: int,
    going: Going = always,
    others: Sequence[Digest] = (),
) -> str:
    """The hash of an open file of `size` bytes, as 64 hex digits; the file is closed.

    The same bytes are given to `others`.

    Raises:
        ProblemError: `changed` while it was read; `stopped`.
    """
    try:
        digest = ContentHash()
        buffer = memoryview(bytearray(min(PIECE, max(size, 1))))
        while (done := digest.size) < size:
            if not going():
                raise _stopped(path)
            end, hole = reader.extent(done, size)
            if hole:
                # Where all of it is hashed, holes come in pieces, between which it may be stopped.
                end = min(end, done + HOLE) if others else end
                digest.zeros(end - done)
                add_zeros(others, end - done)
                continue
            got = reader.read_into(buffer[: end - done], done)
            if not got:
                break
            digest.update(buffer[:got])
            for other in others:
                other.update(buffer[:got])
        if digest.size != size or not reader.unchanged():
            raise ProblemError(changed(path))
        return digest.hexdigest()
    finally:
        reader.close()


def is_blank(root: Root, path: str, expect: Entry, going: Going = always) -> bool:
    """Whether the file holds nothing but zeros; it is read up to the first other byte.

    Raises:
        ProblemError: as for `open_file`; `stopped`.
    """
    reader = open_file(root, path, expect)
    try:
        buffer = memoryview(bytearray(PIECE))
        done = 0
        while done < expect.size:
            if not going():
                raise _stopped(path)
            end, hole = reader.extent(done, expect.size)
            if hole:
                done = end
                continue
            got = reader.read_into(buffer[: end - done], done)
            if not got:
                break
            if buffer[:got].tobytes().count(0) != got:
                return False
            done += got
        return True
    finally:
        reader.close()


def beginning(root: Root, path: str, expect: Entry, length: int) -> bytes:
    """The first bytes of the file, up to `length`.

    Raises:
        ProblemError: as for `open_file`.
    """
    reader = open_file(root, path, expect)
    try:
        buffer = memoryview(bytearray(min(length, expect.size)))
        return bytes(buffer[: reader.read_into(buffer, 0)])
    finally:
        reader.close()


def _stopped(path: str) -> ProblemError:
    return ProblemError(Problem(Code.STOPPED, f"reading {path!r} was stopped", path))


def _is(found: os.stat_result, expected: FileState) -> bool:
    """Whether this is the expected file, as it was."""
    size, mtime_ns, ctime_ns, ident = expected
    return (
        found.st_ctime_ns == ctime_ns
        and found.st_size == size
        and found.st_ino & IDENT == ident
        and (found.st_mtime_ns == mtime_ns or kept_time(found.st_mtime_ns) == mtime_ns)
        and stat.S_ISREG(found.st_mode)
    )
