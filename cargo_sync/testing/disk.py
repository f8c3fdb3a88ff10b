"""A source and a sink in memory, with files as bytes: for whole flows in one thread."""

from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from blake3 import blake3

from cargo_sync.lanes.ports import Source, Wake
from cargo_sync.local.at_once import PublishesAtOnce
from cargo_sync.machines.cover import Cover
from cargo_sync.model.problems import Code, Problem, ProblemError, changed_while_read
from cargo_sync.model.transfers import Offer, Receipt, Unread, Want


@dataclass(frozen=True, slots=True)
class MemoryFile:
    """One file: its content, and a version that changes with it."""

    content: bytes
    version: int = 1
    mtime_ns: int = 0
    mode: int = 0o644
    target: str = ""

    def offer(self, path: str, transfer: str = "") -> Offer:
        """This file as a sender offers it."""
        size = 0 if self.target else len(self.content)
        return Offer(
            path,
            size,
            self.mtime_ns,
            self.mode,
            self.version,
            self.version,
            transfer,
            target=self.target,
        )


class MemoryReader:
    """An open file: reads what is at its path now, like a file that is written in place."""

    def __init__(self, source: "MemorySource", offer: Offer) -> None:
        self._source = source
        self._offer = offer

    def read_into(self, view: memoryview, offset: int) -> int | None:
        content = self._source.files[self._offer.path].content[offset : offset + len(view)]
        view[: len(content)] = content
        return len(content)

    def extent(self, offset: int, until: int) -> tuple[int, bool]:
        return until, False

    def unchanged(self) -> bool:
        return self._source.files[self._offer.path].version == self._offer.version

    def close(self) -> None:
        self._source.open_readers -= 1


def read_one_by_one(
    source: Source, offers: Sequence[Offer], views: Sequence[memoryview]
) -> Unread | None:
    """Like `Source.read`, with the source's own `open`."""
    for index, (offer, view) in enumerate(zip(offers, views, strict=True)):
        try:
            with closing(source.open(offer)) as reader:
                count = reader.read_into(view, 0)
                if count is None:
                    return Unread(index, None)
                if count != len(view) or not reader.unchanged():
                    raise ProblemError(changed_while_read(offer.path))
        except ProblemError as error:
            return Unread(index, error.problem)
    return None


class MemorySource:
    """Reads `files`, path -> file; they may be replaced while it is read."""

    def __init__(self, files: dict[str, MemoryFile]) -> None:
        self.files = files
        self.open_readers = 0

    def wakes(self, wake: Wake) -> None:
        """All can be read at once."""

    def coming(self, offers: Iterable[Offer]) -> None:
        """All is here already."""

    def open(self, offer: Offer) -> MemoryReader:
        file = self.files.get(offer.path)
        if file is None:
            raise ProblemError(
                Problem(Code.VANISHED, f"{offer.path!r} does not exist any more", offer.path)
            )
        if file.version != offer.version:
            raise ProblemError(Problem(Code.CHANGED, f"{offer.path!r} was changed", offer.path))
        self.open_readers += 1
        return MemoryReader(self, offer)

    def close(self) -> None:
        """Each reader is closed by who opened it."""

    def holes(self, offer: Offer) -> int:
        return 0

    def read(self, offers: Sequence[Offer], views: Sequence[memoryview]) -> Unread | None:
        return read_one_by_one(self, offers, views)


@dataclass(slots=True)
class _Staged:
    """One file that is arriving: its content so far, and what is still missing."""

    content: bytearray
    cover: Cover
    problem: Problem | None = None


@dataclass(slots=True)
class MemoryDisk:
    """What stays when a lane has ended.

    files    path -> published file
    durable  (transfer, version, size) -> content and holes at the last checkpoint
    """

    files: dict[str, MemoryFile] = field(default_factory=dict)
    durable: dict[tuple[str, int, int], tuple[bytes, tuple[tuple[int, int], ...]]] = field(
        default_factory=dict
    )


class MemorySink(PublishesAtOnce):
    """Stages and publishes on a `MemoryDisk`; a file with the hash of a published one is "none"."""

    def __init__(self, disk: MemoryDisk) -> None:
        self.disk = disk
        self.closed = False
        self.checkpoints = 0
        self._batches: dict[int, tuple[Sequence[Offer], dict[int, _Staged]]] = {}

    def begin(self, batch: int, offers: Sequence[Offer]) -> list[Want]:
        staged: dict[int, _Staged] = {}
        wants = []
        for index, offer in enumerate(offers):
            there = self.disk.files.get(offer.path)
            if there and offer.hash and blake3(there.content).hexdigest() == offer.hash:
                wants.append(Want("none"))
                continue
            content, holes = self.disk.durable.get(
                _key(offer), (bytes(offer.size), ((0, offer.size),) if offer.size else ())
            )
            staged[index] = _Staged(bytearray(content), Cover(holes))
            wants.append(Want("ranges", holes) if _key(offer) in self.disk.durable else Want("all"))
        self._batches[batch] = (offers, staged)
        return wants

    def whole(self, batch: int, index: int, content: memoryview) -> None:
        self._batches[batch][1][index].content[:] = content

    def part(self, batch: int, index: int, offset: int, content: memoryview) -> None:
        staged = self._batches[batch][1][index]
        staged.content[offset : offset + len(content)] = content
        staged.cover.add(offset, len(content))

    def hole(self, batch: int, index: int, offset: int, count: int) -> None:
        self.part(batch, index, offset, memoryview(bytes(count)))

    def settle(self) -> None:
        """Nothing goes on after a call."""

    def failed(self, batch: int, index: int, problem: Problem) -> None:
        offers, staged = self._batches[batch]
        staged[index].problem = problem
        if problem.code == Code.CANCELLED:
            self.disk.durable.pop(_key(offers[index]), None)

    def checkpoint(self) -> None:
        self.checkpoints += 1
        for offers, files in self._batches.values():
            for index, staged in files.items():
                offer, holes = offers[index], staged.cover.holes()
                if offer.transfer and staged.problem is None and staged.cover.missing < offer.size:
                    self.disk.durable[_key(offer)] = (bytes(staged.content), holes)

    def commit(self, batch: int) -> list[Receipt]:
        offers, staged = self._batches.pop(batch)
        return [self._publish(offer, staged.get(index)) for index, offer in enumerate(offers)]

    def close(self) -> None:
        self.checkpoint()
        self.closed = True
        self._batches.clear()

    def _publish(self, offer: Offer, staged: _Staged | None) -> Receipt:
        if staged and staged.problem:
            problem = staged.problem
            return Receipt(problem.code_text, message=str(problem), retry=problem.retry)
        before = self.disk.files.get(offer.path)
        if staged is None:
            assert before
            return Receipt("done", before.version, 0, before.mtime_ns, before.mode, offer.hash)
        content = bytes(staged.content)
        version = before.version + 1 if before else 1
        self.disk.files[offer.path] = MemoryFile(
            content, version, offer.mtime_ns, offer.mode, offer.target
        )
        self.disk.durable.pop(_key(offer), None)
        return Receipt("done", version, 0, offer.mtime_ns, offer.mode, blake3(content).hexdigest())


def _key(offer: Offer) -> tuple[str, int, int]:
    return offer.transfer, offer.version, offer.size
