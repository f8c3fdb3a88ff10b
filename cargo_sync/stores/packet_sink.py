"""Packets as the sink of a lane: small contents come together, and each becomes a file of its own.

A batch has packets or single contents, never both. A packet counts as a whole or not at all: if
one of its contents is not what its name says, or has no room, who sent it sends them one by one.
"""

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Final

from blake3 import blake3

from cargo_sync.local.parts import Staged
from cargo_sync.local.space import Reservation
from cargo_sync.local.staging_sink import BATCHES
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.transfers import Offer, Receipt, Want
from cargo_sync.stores.blob_sink import BlobArrivals, BlobSink
from cargo_sync.stores.contract import Content
from cargo_sync.stores.packets import contents_of, is_packet
from cargo_sync.stores.small_batch import SmallBatch

_BLOCK: Final = 4_096
"""Bytes that even the smallest file takes on most disks."""
_ALL: Final = Want("all")
_NONE: Final = Want("none")


class _PacketBatch:
    """Packets that are offered together.

    packets   what is in each
    promised  bytes of the contents for which there is room
    room      space on the disk for what is still to come
    placing   the contents of those that are wanted
    staged    what was staged of the contents of those that have come, by index
    problems  why one is not here, by index
    """

    def __init__(self, offers: Sequence[Offer], room: Reservation) -> None:
        self.packets: list[Sequence[Content]] = []
        self.promised = 0
        self.room = room
        self.placing: SmallBatch | None = None
        self.staged: dict[int, list[Staged]] = {}
        self.problems: dict[int, Problem] = {}
        for index, offer in enumerate(offers):
            try:
                self.packets.append(contents_of(offer.path, offer.size))
            except ProblemError as error:
                self.packets.append(())
                self.problems[index] = error.problem

    def size(self, index: int) -> int:
        return sum(one.size for one in self.packets[index])


class PacketSink:
    """The batches of packets of one lane. One thread uses it; see `lanes.ports.Sink`."""

    def __init__(self, arrivals: BlobArrivals) -> None:
        self._arrivals = arrivals
        self._blobs = arrivals.blobs
        self._batches: dict[int, _PacketBatch] = {}
        self._partial: tuple[int, int, memoryview] | None = None
        """The packet that comes in pieces, because the lane is slow: its batch, index and bytes."""

    def __contains__(self, batch: int) -> bool:
        return batch in self._batches

    def is_ready(self, offers: Sequence[Offer]) -> bool:
        return True

    def begin(self, batch: int, offers: Sequence[Offer]) -> list[Want]:
        """What is needed of each. Raises ProblemError if the batch cannot begin."""
        if batch in self._batches or len(self._batches) >= BATCHES:
            raise _protocol(f"batch {batch} cannot begin now")
        staging = self._blobs.staging
        staging.check()
        begun = _PacketBatch(offers, staging.reservation())
        there = self._there(begun)
        wanted = [
            index
            for index in range(len(offers))
            if index not in begun.problems and index not in there
        ]
        self._reserve(begun, wanted)
        coming = [begun.packets[index] for index in wanted if index not in begun.problems]
        begun.placing = self._blobs.small_batch([*chain.from_iterable(coming)])
        self._batches[batch] = begun
        return [
            _refusal(begun.problems[index])
            if index in begun.problems
            else _NONE
            if index in there
            else _ALL
            for index in range(len(offers))
        ]

    def whole(self, batch: int, index: int, content: memoryview) -> None:
        """Stages the contents of a packet, if all of them are what its name says."""
        begun = self._batches[batch]
        if index in begun.problems:
            return
        packet, placing = begun.packets[index], begun.placing
        assert placing is not None, "the batch was begun"
        try:
            begun.staged[index] = placing.write(packet, _checked(packet, content))
        except ProblemError as error:
            begun.problems[index] = error.problem
        begun.room.end(index)

    def part(self, batch: int, index: int, offset: int, content: memoryview) -> None:
        """Keeps a piece of a packet, until all of it is here. Pieces come in order."""
        begun = self._batches[batch]
        if index in begun.problems:
            return
        size = begun.size(index)
        if not offset:
            self._partial = batch, index, memoryview(bytearray(size))
        match self._partial:
            case (number, place, memory) if (number, place) == (batch, index):
                memory[offset : offset + len(content)] = content
                if offset + len(content) == size:
                    self._partial = None
                    self.whole(batch, index, memory)
            case _:
                self._fail(batch, index, _protocol("packets came mixed").problem)

    def failed(self, batch: int, index: int, problem: Problem) -> None:
        """The sender gave this packet up."""
        self._fail(batch, index, problem)

    def commit(self, batch: int) -> list[Receipt]:
        """Places what has come, durably; returns one receipt per packet.

        The version of a receipt is the sequence of the folder.
        """
        begun = self._batches.pop(batch)
        assert begun.placing is not None, "the batch was begun"
        order = sorted(begun.staged)
        try:
            all_staged = [one for at in order for one in begun.staged[at]]
            problem, found = begun.placing.commit(all_staged)
        finally:
            self._end(begun)
        problems = iter(found)
        for index in order:
            whys = [next(problems) for _ in begun.staged[index]]
            if why := problem or next(filter(None, whys), None):
                begun.problems[index] = why
        done = Receipt("done", version=self._blobs.shown())
        return [
            _receipt(begun.problems[index]) if index in begun.problems else done
            for index in range(len(begun.packets))
        ]

    def close(self) -> None:
        """What has come, and is not placed, is dropped."""
        self._partial = None
        for begun in self._batches.values():
            for staged in begun.staged.values():
                self._drop(staged)
            self._end(begun)
        self._batches.clear()

    # -- within ------------------------------------------------------------------------------------

    def _there(self, begun: _PacketBatch) -> set[int]:
        """The packets of which all is here already.

        Mostly nothing is, so only the first content of each is looked for.
        """
        has = self._blobs.has
        some = [index for index, packet in enumerate(begun.packets) if packet]
        first = has([begun.packets[index][0] for index in some])
        return {
            index
            for index, is_here in zip(some, first, strict=True)
            if is_here and all(has(begun.packets[index]))
        }

    def _reserve(self, begun: _PacketBatch, wanted: Sequence[int]) -> None:
        """Reserves room for what is wanted. A packet for which there is none fails alone."""
        sizes = list(map(begun.size, wanted))
        fit = self._arrivals.promise(sizes)
        begun.promised = sum(sizes[:fit])
        on_disk = {index: _on_disk(begun.packets[index]) for index in wanted[:fit]}
        try:
            short = begun.room.take(on_disk) if on_disk else {}
        except ProblemError:
            self._end(begun)
            raise
        words = "a packet of contents has no room on this node"
        for index in (*wanted[fit:], *short):
            begun.problems[index] = Problem(Code.DISK_FULL, words)

    def _fail(self, batch: int, index: int, problem: Problem) -> None:
        begun = self._batches[batch]
        begun.problems.setdefault(index, problem)
        begun.room.end(index)
        if (staged := begun.staged.pop(index, None)) is not None:
            assert begun.placing is not None, "the batch was begun"
            begun.placing.drop(begun.packets[index], staged)
            self._drop(staged)

    def _drop(self, staged: Sequence[Staged]) -> None:
        for one in staged:
            self._blobs.staging.discard(one)

    def _end(self, begun: _PacketBatch) -> None:
        if begun.placing is not None:
            begun.placing.close()
        begun.room.close()
        self._arrivals.end(begun.promised)


class NodeSink(BlobSink):
    """The sink of one lane to a node: of contents, and of packets."""

    def __init__(self, arrivals: BlobArrivals, steady: Callable[[], float]) -> None:
        super().__init__(arrivals, steady)
        self._packets = PacketSink(arrivals)

    def begin(self, batch: int, offers: Sequence[Offer]) -> list[Want]:
        if is_packet(offers[0].path):
            return self._packets.begin(batch, offers)
        return super().begin(batch, offers)

    def whole(self, batch: int, index: int, content: memoryview) -> None:
        if batch in self._packets:
            self._packets.whole(batch, index, content)
        else:
            super().whole(batch, index, content)

    def part(self, batch: int, index: int, offset: int, content: memoryview) -> None:
        if batch in self._packets:
            self._packets.part(batch, index, offset, content)
        else:
            super().part(batch, index, offset, content)

    def hole(self, batch: int, index: int, offset: int, count: int) -> None:
        if batch in self._packets:
            self._packets.failed(batch, index, _protocol("a packet has a hole").problem)
        else:
            super().hole(batch, index, offset, count)

    def failed(self, batch: int, index: int, problem: Problem) -> None:
        if batch in self._packets:
            self._packets.failed(batch, index, problem)
        else:
            super().failed(batch, index, problem)

    def commit(self, batch: int) -> list[Receipt]:
        return self._packets.commit(batch) if batch in self._packets else super().commit(batch)

    def close(self) -> None:
        super().close()
        self._packets.close()


def _checked(packet: Sequence[Content], content: memoryview) -> list[memoryview]:
    """The bytes of each content. Raises ProblemError: one is not what it is said to be."""
    views: list[memoryview] = []
    at, digest = 0, blake3()
    for hash, size in packet:
        view = content[at : at + size]
        at += size
        digest.reset()
        digest.update(view)
        if digest.hexdigest() != hash:
            words = f"a content of a packet, {hash}, arrived with another hash"
            raise ProblemError(Problem(Code.CORRUPT, words))
        views.append(view)
    return views


def _on_disk(packet: Sequence[Content]) -> int:
    """The bytes that its contents take as files."""
    return sum(-(-one.size // _BLOCK) * _BLOCK for one in packet)


def _refusal(problem: Problem) -> Want:
    return Want(problem.code_text, message=str(problem))


def _receipt(problem: Problem) -> Receipt:
    return Receipt(problem.code_text, message=str(problem), retry=problem.retry)


def _protocol(words: str) -> ProblemError:
    return ProblemError(Problem(Code.PROTOCOL, words, retry=False))
