"""Larger files that arrive in pieces, and how they continue after a cut.

A resumable file (model/checkpoints.py) is checkpointed: what has arrived is synced, then recorded
as spans with one digest per span. After a cut each span is read and checked before it is used.
Smaller files start again from the beginning.
"""

import errno
import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Final, NamedTuple, Protocol

import xxhash

from cargo_sync.local import sparse
from cargo_sync.local.content_hash import ZEROS, ContentHash
from cargo_sync.local.folders import Folder
from cargo_sync.local.listing import inode
from cargo_sync.local.piece_lists import ListForm
from cargo_sync.local.root import Root
from cargo_sync.local.writer import Write, at_once
from cargo_sync.model.checkpoints import HOLE, Checkpoint, Span
from cargo_sync.model.entries import BY_UMASK, PERMISSIONS
from cargo_sync.model.problems import (
    Code,
    Problem,
    ProblemError,
    from_os_error,
    lacks_descriptors,
)
from cargo_sync.model.transfers import Offer, stem
from cargo_sync.process.descriptors import kept_line

LONGEST: Final = 64 * 2**20
"""Bytes of a span at most; a damaged span is transferred again as a whole."""
PIECE: Final = 2**20

Ranges = tuple[tuple[int, int], ...]
Begin = Callable[[Write], None]


class CheckpointStore(Protocol):
    """Where checkpoints are kept: in the state, on both ends."""

    def get(self, transfer: str) -> Checkpoint | None: ...

    def earlier(self, transfer: str, path: str) -> list[str]:
        """Transfers to this path that `transfer` succeeds: nobody goes on with them."""

    def put(self, checkpoint: Checkpoint) -> None:
        """Records a checkpoint durably; it replaces the transfer's earlier one."""

    def drop(self, transfer: str) -> None: ...


class MemoryCheckpoints:
    """Checkpoints in memory: lost when the process ends."""

    def __init__(self) -> None:
        self.kept: dict[str, Checkpoint] = {}

    def get(self, transfer: str) -> Checkpoint | None:
        return self.kept.get(transfer)

    def earlier(self, transfer: str, path: str) -> list[str]:
        return [
            id
            for id, one in self.kept.items()
            if stem(transfer) <= id < transfer and one.path == path
        ]

    def put(self, checkpoint: Checkpoint) -> None:
        self.kept[checkpoint.transfer] = checkpoint

    def drop(self, transfer: str) -> None:
        self.kept.pop(transfer, None)


class Staged(NamedTuple):
    """One file or link, complete in the staging folder.

    path      where it will be published, relative to the root
    name      its name in the staging folder
    ident, size, mtime_ns   as the file system reports them
    hash      of its content, hex (`content_hash`); "" for links
    target    a link's target, else ""
    durable   its content is already synced
    transfer  the transfer's id if the file can be resumed after a cut, else ""
    mode, ctime_ns   of a small file, as the file system reports them
    pieces    the list of its pieces, if its staging makes them (`content_hash.ListedHash`)
    """

    path: str
    name: str
    ident: int
    size: int
    mtime_ns: int
    hash: str = ""
    target: str = ""
    durable: bool = False
    transfer: str = ""
    mode: int = 0
    ctime_ns: int = 0
    pieces: bytes = b""


class _Run:
    """Bytes that arrived one after another since the last checkpoint."""

    __slots__ = ("digest", "start")

    def __init__(self, start: int) -> None:
        self.start = start
        self.digest: Any = xxhash.xxh3_128()


class PartFile:
    """One file that arrives in pieces. One thread uses it at a time; it is opened when needed."""

    def __init__(
        self,
        root: Root,
        folder: Folder,
        name: str,
        offer: Offer,
        checkpoints: CheckpointStore | None,
        hashes: Callable[[], ContentHash],
        *,
        durable: bool = True,
    ) -> None:
        """Looks for what is staged already; nothing is written yet.

        `checkpoints` is None for a file that starts again after a cut. `hashes` makes what hashes
        it. Without `durable` a power cut may take it once it is complete.

        Raises:
            ProblemError: the staged part cannot be read.
        """
        self._root = root
        self._folder = folder
        self._name = name
        self._offer = offer
        self._checkpoints = checkpoints
        self._fd = -1
        self._runs: dict[int, _Run] = {}
        """Per offset at which they end now."""
        self._hashes = hashes
        self._hash = hashes()
        self._is_durable = durable and checkpoints is not None
        """Whether it is synced when it is complete."""
        self._fresh = False
        self._spans = self._resumed()
        self._written = sum(span.end - span.start for span in self._spans)

    @property
    def missing(self) -> Ranges:
        """The [start, end) ranges that have not arrived, in order."""
        return gaps(self._spans, self._offer.size)

    @property
    def complete(self) -> bool:
        return self._written >= self._offer.size

    @property
    def reached(self) -> int:
        """So many bytes from the start on are staged, and hashed."""
        return self._hash.size

    @property
    def form(self) -> ListForm:
        """The form of the list of its pieces."""
        return self._hash.form

    def opener(self) -> Callable[[], int]:
        """What opens the staged file once more, for reading; any thread may call it.

        It returns a descriptor, and raises OSError: the file is published or removed by then.
        """
        return partial(self._root.system.open_in, self._folder.fd, self._name)

    def in_order(self) -> int:
        """Forgets what is behind the first gap of what was resumed; returns where that is."""
        missing = self.missing
        if not missing:
            return self._offer.size
        first = missing[0][0]
        self._spans = [span for span in self._spans if span.end <= first]
        self._written = first
        return first

    @property
    def crowds(self) -> bool:
        """Whether it is open although descriptors are getting few."""
        return self._fd >= kept_line(self._root.system.line)

    def write(self, offset: int, content: memoryview, begin: Begin = at_once) -> None:
        """Stages a piece. Raises ProblemError.

        `begin` may let the write go on after its return. Then its error comes when it is waited
        for, as an OSError, and until then nothing else may be done here.
        """
        end = offset + len(content)
        if offset < 0 or end > self._offer.size:
            raise self._bad(f"a piece at {offset} ends after the end of the file")
        try:
            begin(partial(self._root.system.write, self._opened(), content, offset))
        except OSError as error:
            raise ProblemError(from_os_error(error, self._offer.path)) from error
        self._note(offset, content)
        if offset == self._hash.size:
            self._hash.update(content)

    def read(self, start: int, end: int) -> bytes:
        """Bytes [start, end), which are staged. Raises ProblemError."""
        buffer = bytearray(end - start)
        try:
            got = os.preadv(self._opened(), [buffer], start)
        except OSError as error:
            raise ProblemError(from_os_error(error, self._offer.path)) from error
        return bytes(buffer[:got])

    def hole(self, offset: int, count: int) -> None:
        """Stages so many zeros, without room on the disk where it can be. Raises ProblemError."""
        end = offset + count
        if offset < 0 or end > self._offer.size:
            raise self._bad(f"a hole at {offset} ends after the end of the file")
        system = self._root.system
        try:
            fd = self._opened()
            there = os.fstat(fd).st_size
            if offset < there:  # something that was not recorded came before a cut
                sparse.blank(fd, offset, end, system.write)
            if end > there:
                system.truncate(fd, end)
        except OSError as error:
            raise ProblemError(from_os_error(error, self._offer.path)) from error
        if count < LONGEST:
            for at in range(offset, end, len(ZEROS)):
                self._note(at, ZEROS[: end - at])
        else:
            self._spans.append(Span(offset, end, HOLE))
            self._written += count
            self._fresh = True
        if offset == self._hash.size:
            self._hash.zeros(count)

    def checkpoint(self) -> None:
        """Makes what has arrived durable and records it.

        Does nothing for a file that starts again after a cut.

        Raises:
            ProblemError: the disk failed; the part is dropped, because its content is unknown then.
                Or too many files are open; then it stays as it is.
        """
        if self._checkpoints is None or not self._fresh:
            return
        offer = self._offer
        try:
            self._root.system.datasync(self._opened())
        except OSError as error:
            # After a failed sync the content is unknown, and a second sync would report success.
            self.drop()
            raise ProblemError(from_os_error(error, offer.path)) from error
        self._checkpoints.put(
            Checkpoint(
                offer.transfer,
                offer.path,
                offer.version,
                offer.ident,
                offer.size,
                offer.mtime_ns,
                # Runs go on: the next checkpoint has longer spans, not more of them.
                tuple(sorted([*self._spans, *self._run_spans()])),
            )
        )
        self._fresh = False

    def finish(self) -> Staged:
        """Completes the file and closes its descriptor.

        Raises:
            ProblemError: `incomplete`, or a problem of the disk.
        """
        self._end_runs()
        if not covers(self._spans, self._offer.size):
            raise ProblemError(
                Problem(
                    Code.INCOMPLETE,
                    f"{self._offer.path!r} did not arrive completely",
                    path=self._offer.path,
                )
            )
        try:
            fd = self._opened()
            self._hash_until(fd, self._offer.size)
            found = seal(self._root, fd, self._offer)
            if self._is_durable:
                self._root.system.fsync(fd)
        except OSError as error:
            self.drop()
            raise ProblemError(from_os_error(error, self._offer.path)) from error
        self.pause()
        return Staged(
            self._offer.path,
            self._name,
            inode(found),
            found.st_size,
            found.st_mtime_ns,
            self._hash.hexdigest(),
            durable=self._is_durable,
            transfer="" if self._checkpoints is None else self._offer.transfer,
            pieces=self._hash.pieces,
        )

    def pause(self) -> None:
        """Closes the descriptor; the next piece opens the file again."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def leave(self) -> None:
        """No more pieces will arrive: a file with a checkpoint stays, any other is removed."""
        if self._checkpoints is None or self._checkpoints.get(self._offer.transfer) is None:
            self.drop()
        self.pause()

    def drop(self) -> None:
        """Removes the file and its checkpoint."""
        self.pause()
        if self._checkpoints is not None:
            self._checkpoints.drop(self._offer.transfer)
        try:
            self._root.system.unlink(self._folder.fd, self._name)
        except OSError:
            return  # it was never created, or is removed by a later sweep

    # -- within ------------------------------------------------------------------------------------

    def _note(self, offset: int, content: memoryview | bytes) -> None:
        """These bytes are written."""
        end = offset + len(content)
        self._fresh = True
        run = self._runs.pop(offset, None) or _Run(offset)
        run.digest.update(content)
        if end - run.start >= LONGEST:
            self._spans.append(Span(run.start, end, run.digest.digest()))
        else:
            self._runs[end] = run
        self._written += len(content)

    def _opened(self) -> int:
        if self._fd < 0:
            if self._written:
                self._fd = self._reopened()
            else:
                mode = created_mode(self._offer.mode)
                self._fd = _create_over(self._root, self._folder.fd, self._name, mode)
        return self._fd

    def _reopened(self) -> int:
        """Opens the file again.

        Raises:
            OSError: it cannot be used any more.
            ProblemError: too many files are open. What has arrived is as good as before.
        """
        try:
            return self._root.system.reopen(self._folder.fd, self._name)
        except OSError as error:
            if lacks_descriptors(error):
                raise ProblemError(from_os_error(error, self._offer.path)) from error
            raise

    def _resumed(self) -> list[Span]:
        """The recorded spans whose bytes on the disk still have their digest."""
        offer = self._offer
        if self._checkpoints is None or (found := self._checkpoints.get(offer.transfer)) is None:
            return []
        source = (found.path, found.version, found.ident, found.size, found.mtime_ns)
        if source != (offer.path, offer.version, offer.ident, offer.size, offer.mtime_ns):
            self.drop()
            return []
        try:
            self._fd = self._reopened()
            # Two names: it was published without renameat2, and a crash came before the staged name
            # was removed.
            if os.fstat(self._fd).st_nlink != 1:
                raise FileNotFoundError(errno.ENOENT, "already published")
            spans = [span for span in _sound(found.spans, offer.size) if self._verified(span)]
        except OSError:
            self.drop()
            self._hash = self._hashes()  # nothing counts of what was read
            return []
        self.pause()
        if not spans:
            self.drop()
        return spans

    def _verified(self, span: Span) -> bool:
        """Whether a span still has its digest; bytes in file order are also hashed."""
        in_order = span.start == self._hash.size
        if span.digest == HOLE:
            if not sparse.is_blank(self._fd, span.start, span.end):
                return False
            if in_order:
                self._hash.zeros(span.end - span.start)
            return True
        if self._is_read(span, self._hash if in_order else None):
            return True
        if in_order:  # a hash cannot go back
            self._hash = self._hashes()
            self._hash_until(self._fd, span.start)
        return False

    def _is_read(self, span: Span, hash: ContentHash | None) -> bool:
        """Reads a span, also into `hash`; whether it has its digest."""
        digest = xxhash.xxh3_128()
        buffer = memoryview(bytearray(PIECE))
        at = span.start
        while at < span.end:
            got = os.preadv(self._fd, [buffer[: span.end - at]], at)
            if not got:
                return False
            digest.update(buffer[:got])
            if hash is not None:
                hash.update(buffer[:got])
            at += got
        return digest.digest() == span.digest

    def _hash_until(self, fd: int, size: int) -> None:
        """Hashes the bytes that did not arrive in order up to there, from the staged file."""
        buffer = memoryview(bytearray(min(PIECE, max(1, size - self._hash.size))))
        while (at := self._hash.size) < size:
            end, hole = sparse.extent(fd, at, size)
            got = end - at if hole else os.preadv(fd, [buffer[: end - at]], at)
            if not got or at + got > os.fstat(fd).st_size:
                raise OSError(errno.EIO, "the staged file is shorter than what was written to it")
            if hole:
                self._hash.zeros(got)
            else:
                self._hash.update(buffer[:got])

    def _run_spans(self) -> list[Span]:
        return [Span(run.start, end, run.digest.digest()) for end, run in self._runs.items()]

    def _end_runs(self) -> None:
        self._spans += self._run_spans()
        self._runs.clear()

    def _bad(self, words: str) -> ProblemError:
        path = self._offer.path
        return ProblemError(Problem(Code.PROTOCOL, f"{path!r}: {words}", path=path, retry=False))


def seal(root: Root, fd: int, offer: Offer) -> os.stat_result:
    """Gives a staged file the offered mtime and permissions, if any; returns its stat after that.

    Raises:
        OSError, ProblemError: they cannot be set.
    """
    root.system.utime(fd, offer.mtime_ns)
    found = os.fstat(fd)
    if offer.mode == BY_UMASK or found.st_mode & 0o7777 == offer.mode & PERMISSIONS:
        return found
    root.set_mode(fd, offer.mode & PERMISSIONS, offer.path)
    return os.fstat(fd)


def created_mode(mode: int) -> int:
    """The mode with which a staged file of this offered mode is created; see `seal`."""
    return (0o666 if mode == BY_UMASK else mode) & PERMISSIONS


def gaps(spans: Sequence[Span], size: int) -> Ranges:
    """The ranges of [0, size) that are not in `spans`."""
    missing: list[tuple[int, int]] = []
    at = 0
    for span in sorted(spans):
        if span.start > at:
            missing.append((at, span.start))
        at = max(at, span.end)
    if at < size:
        missing.append((at, size))
    return tuple(missing)


def covers(spans: Iterable[Span], size: int) -> bool:
    """True when `spans` cover [0, size) exactly: without gaps and without overlaps."""
    at = 0
    for span in sorted(spans):
        if span.start != at:
            return False
        at = span.end
    return at == size


def _sound(spans: Iterable[Span], size: int) -> list[Span]:
    """The spans, sorted, that are within the file and do not overlap."""
    sound: list[Span] = []
    at = 0
    for span in sorted(spans):
        if at <= span.start < span.end <= size:
            sound.append(span)
            at = span.end
    return sound


def _create_over(root: Root, folder: int, name: str, mode: int) -> int:
    """Creates a staged file; a file of this name from an earlier process is removed first."""
    try:
        return root.system.create(folder, name, mode)
    except FileExistsError:
        root.system.unlink(folder, name)
        return root.system.create(folder, name, mode)
