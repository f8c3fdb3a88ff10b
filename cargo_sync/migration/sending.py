"""Contents on their way into a store: staged in its spool and hashed, secured, recorded.

What is recorded belongs to the workspace, whether its catalogue names it yet or not. So after a
kill it is known what need not be sent again. One thread uses a sender; the store answers in others.
"""

import hashlib
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

from blake3 import blake3

from cargo_sync.lanes.ports import Reader
from cargo_sync.local.parts import Staged
from cargo_sync.local.read import Going
from cargo_sync.model.checkpoints import resumable
from cargo_sync.model.entries import Entry
from cargo_sync.model.problems import Code, Problem, ProblemError, changed
from cargo_sync.model.transfers import Offer
from cargo_sync.stores.blobs import for_blobs
from cargo_sync.stores.contract import Content, ContentStore, Secured

EMPTY: Final = blake3(b"").hexdigest()
"""The hash of no bytes, which no store keeps."""
BATCH_FILES: Final = 500
BATCH_BYTES: Final = 64 << 20
WAITING: Final = 256 << 20
"""Bytes that may wait to be secured; one batch always may."""
PIECE: Final = 1 << 20
CHECKPOINT: Final = 256 << 20
"""Bytes after which what is staged of a large file is made durable, to go on there after a kill."""
_POLL: Final = 1.0
"""Seconds after which a wait for the store asks whether it should go on."""

Advance = Callable[[int, int], None]
"""So many files and bytes more are done."""


class SentRows(Protocol):
    """The rows of contents (`migration.contents`)."""

    def safe(self, workspace: int, hashes: Sequence[str]) -> set[str]:
        """Those that the workspace has in the store already, safely."""

    def record(
        self,
        workspace: int,
        hashes: Sequence[str],
        sizes: Sequence[int],
        where: Sequence[int],
        lists: Mapping[str, bytes],
    ) -> None:
        """The workspace has these from now on."""


class SendTarget(NamedTuple):
    """Where contents go.

    workspace  its id
    """

    store: ContentStore
    rows: SentRows
    workspace: int

    def has(self, hashes: Sequence[str]) -> set[str]:
        """Those that are safe there already."""
        return self.rows.safe(self.workspace, hashes)


@dataclass(slots=True)
class _Batch:
    """Contents that are being secured; `results` in their order, None: not yet."""

    contents: list[Content]
    files: int
    bytes: int
    results: list[Secured | Problem] | None = field(default=None)


class ContentSender:
    """Sends the contents of files; close it at the end, in any case."""

    def __init__(self, target: SendTarget, going: Going, advance: Advance) -> None:
        self._target = target
        self._going = going
        self._advance = advance
        self._staged: list[Staged] = []
        self._waiting: deque[_Batch] = deque()
        self._came = threading.Condition()
        self._sent = 0

    @property
    def sent(self) -> int:
        """Contents that were staged, and so were not safe before."""
        return self._sent

    def send(self, path: str, entry: Entry, reader: Reader) -> str:
        """Stages the content of a file as it is read, and closes the reader.

        Args:
            path: for messages, and to find what was staged before a kill.
            entry: what is read: its size, time and version; its hash is compared, if it is known.
            reader: an open file that blocks.

        Returns:
            The hash.

        Raises:
            ProblemError: `changed` while it was read; `damaged`: it is not what its hash says;
                `stopped`; it cannot be read or staged, or others not be secured.
        """
        try:
            staged = self._stage(path, entry, reader)
        finally:
            reader.close()
        if entry.hash and staged.hash != entry.hash:
            self._target.store.spool.staging.discard(staged)
            raise ProblemError(rotten(path))
        self._staged.append(staged)
        self._sent += 1
        size = sum(one.size for one in self._staged)
        if len(self._staged) >= BATCH_FILES or size >= BATCH_BYTES:
            self._submit()
        return staged.hash

    def flush(self) -> None:
        """Waits until everything is secured and recorded. Raises ProblemError."""
        self._submit()
        while self._waiting:
            self._end_first()

    def close(self) -> None:
        """Gives up what is not recorded."""
        staging = self._target.store.spool.staging
        for staged in self._staged:
            staging.discard(staged)
        self._staged.clear()
        while self._waiting:
            self._target.store.release(self._waiting.popleft().contents)

    # -- within ------------------------------------------------------------------------------------

    def _stage(self, path: str, entry: Entry, reader: Reader) -> Staged:
        staging, size = self._target.store.spool.staging, entry.size
        [offer] = for_blobs([self._offer(path, entry)])
        if not resumable(size):
            content = bytearray(size)
            if _read(reader, memoryview(content), 0) != size or not reader.unchanged():
                raise ProblemError(changed(path))
            return staging.write(offer, memoryview(content))
        part = staging.part(offer)
        try:
            at = saved = part.in_order()
            buffer = memoryview(bytearray(PIECE))
            while at < size:
                self._must_go_on()
                end, hole = reader.extent(at, size)
                if hole:
                    part.hole(at, end - at)
                    at = end
                    continue
                got = _read(reader, buffer[: end - at], at)
                if not got:
                    raise ProblemError(changed(path))
                part.write(at, buffer[:got])
                at += got
                if at - saved >= CHECKPOINT:
                    part.checkpoint()
                    saved = at
            if not reader.unchanged():
                raise ProblemError(changed(path))
            part.checkpoint()
            return part.finish()
        except BaseException:
            part.leave()
            staging.release(offer.transfer)
            raise

    def _offer(self, path: str, entry: Entry) -> Offer:
        # The same file has the same id after a kill; others cannot name it in the shared spool.
        text = f"migrate {self._target.workspace} {path} {entry[1:7]}"
        transfer = hashlib.sha256(text.encode()).hexdigest()[:32]
        stat = entry.size, entry.mtime_ns, entry.mode, entry.version, entry.ident
        return Offer(path, *stat, transfer)

    def _submit(self) -> None:
        staged, self._staged = self._staged, []
        if not staged:
            return
        store = self._target.store
        problems = store.spool.place(staged)
        fine = [one for one, why in zip(staged, problems, strict=True) if why is None]
        contents = [Content(one.hash, one.size) for one in fine]
        batch = _Batch(contents, len(staged), sum(one.size for one in staged))
        self._waiting.append(batch)
        for why in problems:
            if why is not None:
                raise ProblemError(why)

        def secured(results: Sequence[Secured | Problem]) -> None:
            with self._came:
                batch.results = list(results)
                self._came.notify()

        store.secure(self._target.workspace, contents, secured)
        while len(self._waiting) > 1 and sum(one.bytes for one in self._waiting) > WAITING:
            self._end_first()

    def _end_first(self) -> None:
        """Waits for the oldest batch, and records it."""
        batch = self._waiting[0]
        with self._came:
            while batch.results is None:
                self._must_go_on()
                self._came.wait(_POLL)
        numbers, lists = list[int](), dict[str, bytes]()
        for content, result in zip(batch.contents, batch.results, strict=True):
            if isinstance(result, Problem):
                raise ProblemError(result)
            numbers.append(result.placement)
            if result.pieces:
                lists[content.hash] = result.pieces
        target = self._target
        hashes, sizes = [one.hash for one in batch.contents], [one.size for one in batch.contents]
        target.rows.record(target.workspace, hashes, sizes, numbers, lists)
        self._waiting.popleft()
        target.store.release(batch.contents)
        self._advance(batch.files, batch.bytes)

    def _must_go_on(self) -> None:
        if not self._going():
            raise stopped()


def stopped() -> ProblemError:
    """Somebody has ended the work; the next call goes on."""
    hint = "the same command goes on where it was"
    return ProblemError(Problem(Code.STOPPED, "it was stopped", hint=hint))


def rotten(path: str) -> Problem:
    """A file has not the content that came."""
    message = f"{path!r} has not the content that arrived: its disk has changed it"
    hint = "restore it from a backup; or `touch` it, so that what is there now counts as new"
    return Problem(Code.DAMAGED, message, path, hint, retry=False)


def _read(reader: Reader, view: memoryview, offset: int) -> int:
    got = reader.read_into(view, offset)
    assert got is not None, "the reader blocks"
    return got
