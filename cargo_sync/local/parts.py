"""Larger files on their way in, a piece at a time, and what makes them go on after a cut.

A file that is resumable (model/checkpoints.py) is checkpointed: what has come is synced, then recorded as spans with a digest
each, and after a cut every span is read and checked before it counts. Smaller ones start again.
"""

import errno
import os
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple, Protocol

import xxhash
from blake3 import blake3

from cargo_sync.local.root import Root, inode
from cargo_sync.model.checkpoints import Checkpoint, Span
from cargo_sync.model.problems import Code, Problem, ProblemError, from_os_error
from cargo_sync.model.transfers import Offer

LONGEST: Final = 64 * 2**20
"""Bytes of a span; a bad one is fetched again whole."""
PIECE: Final = 2**20

Ranges = tuple[tuple[int, int], ...]


class CheckpointStore(Protocol):
    """Where resume points are kept; the state's on either end."""

    def get(self, transfer: str) -> Checkpoint | None: ...

    def put(self, checkpoint: Checkpoint) -> None:
        """Recorded durably when it returns, in place of the transfer's former one."""

    def drop(self, transfer: str) -> None: ...


class MemoryCheckpoints:
    """The fake."""

    def __init__(self) -> None:
        self.kept: dict[str, Checkpoint] = {}

    def get(self, transfer: str) -> Checkpoint | None:
        return self.kept.get(transfer)

    def put(self, checkpoint: Checkpoint) -> None:
        self.kept[checkpoint.transfer] = checkpoint

    def drop(self, transfer: str) -> None:
        self.kept.pop(transfer, None)


class Staged(NamedTuple):
    """One file or link, complete in the staging folder.

    path      where it belongs, relative to the root
    name      its name in the staging folder
    ident, size, mtime_ns   as the file system holds them
    hash      BLAKE3, hex; "" for links
    target    of a link
    durable   its content was synced already
    transfer  of a file that is kept after a cut, else ""
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


class _Run:
    """Bytes that came one after another since the last checkpoint."""

    __slots__ = ("digest", "start")

    def __init__(self, start: int) -> None:
        self.start = start
        self.digest: Any = xxhash.xxh3_128()


class PartFile:
    """One file that comes in pieces. Used by one thread at a time; descriptors are opened when
    needed."""

    def __init__(
        self, root: Root, folder: int, name: str, offer: Offer, checkpoints: CheckpointStore | None
    ) -> None:
        """`checkpoints` is None for a file that starts again after a cut. Nothing is written yet.

        Raises:
            ProblemError: what is there of it cannot be read.
        """
        self._root = root
        self._folder = folder
        self._name = name
        self._offer = offer
        self._checkpoints = checkpoints
        self._fd = -1
        self._runs: dict[int, _Run] = {}
        """By where they end so far."""
        self._hash = blake3()
        self._hashed = 0
        self._fresh = False
        self._spans = self._resumed()
        self._written = sum(span.end - span.start for span in self._spans)

    @property
    def missing(self) -> Ranges:
        """The [start, end) that must still come, in order."""
        return gaps(self._spans, self._offer.size)

    @property
    def complete(self) -> bool:
        return self._written >= self._offer.size

    def write(self, offset: int, content: memoryview) -> None:
        """Stages a piece. Raises ProblemError."""
        end = offset + len(content)
        if offset < 0 or end > self._offer.size:
            raise self._bad(f"a piece at {offset} goes past its end")
        try:
            self._root.system.write(self._opened(), content, offset)
        except OSError as error:
            raise ProblemError(from_os_error(error, self._offer.path)) from error
        self._fresh = True
        run = self._runs.pop(offset, None) or _Run(offset)
        run.digest.update(content)
        if end - run.start >= LONGEST:
            self._spans.append(Span(run.start, end, run.digest.digest()))
        else:
            self._runs[end] = run
        self._written += len(content)
        if offset == self._hashed:
            self._hash.update(content)
            self._hashed = end

    def checkpoint(self) -> None:
        """Makes what has come durable and records it. Nothing for a file that starts again after a
        cut.

        Raises:
            ProblemError: the disk could not; the part is worth nothing then, and is dropped.
        """
        if self._checkpoints is None or not self._fresh:
            return
        self._end_runs()
        offer = self._offer
        try:
            self._root.system.datasync(self._opened())
        except OSError as error:
            # What a failed sync left behind is not known, and a second one would claim success.
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
                tuple(sorted(self._spans)),
            )
        )
        self._fresh = False

    def finish(self) -> Staged:
        """The complete file, its descriptor closed.

        Raises:
            ProblemError: `incomplete`, or the disk's.
        """
        self._end_runs()
        if not covers(self._spans, self._offer.size):
            raise ProblemError(
                Problem(
                    Code.INCOMPLETE, f"not all of {self._offer.path!r} came", path=self._offer.path
                )
            )
        try:
            fd = self._opened()
            self._hash_rest(fd)
            found = seal(self._root, fd, self._offer)
            kept = self._checkpoints is not None
            if kept:
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
            durable=kept,
            transfer=self._offer.transfer if kept else "",
        )

    def pause(self) -> None:
        """Gives the descriptor back; the next piece opens it again."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def leave(self) -> None:
        """Nothing more comes: what may go on later stays, anything else is removed."""
        if self._checkpoints is None or self._checkpoints.get(self._offer.transfer) is None:
            self.drop()
        self.pause()

    def drop(self) -> None:
        """Removes it, and what was recorded of it."""
        self.pause()
        if self._checkpoints is not None:
            self._checkpoints.drop(self._offer.transfer)
        try:
            self._root.system.unlink(self._folder, self._name)
        except OSError:
            return  # never made, or swept later

    # -- within ------------------------------------------------------------------------------------

    def _opened(self) -> int:
        if self._fd < 0:
            system = self._root.system
            if self._written:
                self._fd = system.reopen(self._folder, self._name)
            else:
                self._fd = _create_over(self._root, self._folder, self._name)
        return self._fd

    def _resumed(self) -> list[Span]:
        """The recorded spans that are on the disk as they were recorded."""
        offer = self._offer
        if self._checkpoints is None or (found := self._checkpoints.get(offer.transfer)) is None:
            return []
        source = (found.path, found.version, found.ident, found.size, found.mtime_ns)
        if source != (offer.path, offer.version, offer.ident, offer.size, offer.mtime_ns):
            self.drop()
            return []
        try:
            self._fd = self._root.system.reopen(self._folder, self._name)
            # A second name: it was published without renameat2 and the staged name outlived a
            # crash.
            if os.fstat(self._fd).st_nlink != 1:
                raise FileNotFoundError(errno.ENOENT, "published already")
            spans = [span for span in _sound(found.spans, offer.size) if self._verified(span)]
        except OSError:
            self.drop()
            return []
        self.pause()
        if not spans:
            self.drop()
        return spans

    def _verified(self, span: Span) -> bool:
        """Whether a span has its digest. What is read in order is hashed at once."""
        digest, inline = (
            xxhash.xxh3_128(),
            self._hash.copy() if span.start == self._hashed else None,
        )
        buffer = memoryview(bytearray(PIECE))
        at = span.start
        while at < span.end:
            got = os.preadv(self._fd, [buffer[: span.end - at]], at)
            if not got:
                return False
            digest.update(buffer[:got])
            if inline is not None:
                inline.update(buffer[:got])
            at += got
        if digest.digest() != span.digest:
            return False
        if inline is not None:
            self._hash, self._hashed = inline, span.end
        return True

    def _hash_rest(self, fd: int) -> None:
        """What did not come in order is hashed from the staged file."""
        buffer = memoryview(bytearray(min(PIECE, max(1, self._offer.size - self._hashed))))
        while self._hashed < self._offer.size:
            got = os.preadv(fd, [buffer[: self._offer.size - self._hashed]], self._hashed)
            if not got:
                raise OSError(errno.EIO, "the staged file is shorter than what was written")
            self._hash.update(buffer[:got])
            self._hashed += got

    def _end_runs(self) -> None:
        self._spans += [
            Span(run.start, end, run.digest.digest()) for end, run in self._runs.items()
        ]
        self._runs.clear()

    def _bad(self, words: str) -> ProblemError:
        path = self._offer.path
        return ProblemError(Problem(Code.PROTOCOL, f"{path!r}: {words}", path=path, retry=False))


def seal(root: Root, fd: int, offer: Offer) -> os.stat_result:
    """Gives a staged file the offered mtime and permission bits; what the file system made of them.

    Raises:
        OSError: it cannot; ProblemError likewise.
    """
    root.system.utime(fd, offer.mtime_ns)
    found = os.fstat(fd)
    if found.st_mode & 0o7777 != offer.mode & 0o777:
        root.set_mode(fd, offer.mode, offer.path)
    return found


def gaps(spans: Sequence[Span], size: int) -> Ranges:
    """What `spans` leave open of [0, size)."""
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
    """True when `spans` are [0, size) exactly: no gap, nothing twice."""
    at = 0
    for span in sorted(spans):
        if span.start != at:
            return False
        at = span.end
    return at == size


def _sound(spans: Iterable[Span], size: int) -> list[Span]:
    """Spans in order that lie in the file and do not overlap."""
    sound: list[Span] = []
    at = 0
    for span in sorted(spans):
        if at <= span.start < span.end <= size:
            sound.append(span)
            at = span.end
    return sound


def _create_over(root: Root, folder: int, name: str) -> int:
    """A new staged file; what an earlier process left under this name is removed."""
    try:
        return root.system.create(folder, name)
    except FileExistsError:
        root.system.unlink(folder, name)
        return root.system.create(folder, name)
