"""Whole flows in memory for the tests of this folder: both ends, and a clock that the test sets."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from blake3 import blake3

from cargo_sync.lanes.link import Link
from cargo_sync.lanes.pacing import Pace, Unpaced
from cargo_sync.lanes.ports import Budget
from cargo_sync.lanes.receiver import Receiver
from cargo_sync.lanes.sender import Sender
from cargo_sync.model.problems import Problem
from cargo_sync.model.transfers import Offer, Receipt
from cargo_sync.testing.channel import MemoryChannel, Tamper, TamperedChannel, memory_pair
from cargo_sync.testing.disk import MemoryDisk, MemoryFile, MemorySink, MemorySource
from cargo_sync.testing.driver import alternate
from cargo_sync.wire import records
from cargo_sync.wire.frames import SealedMaker, SealedOpener

UP, DOWN, PREFIX = b"u" * 32, b"d" * 32, b"prefix7"


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def links(
    sealed: bool,
    capacity: int = 1 << 16,
    tamper_up: Tamper | None = None,
    tamper_down: Tamper | None = None,
) -> tuple[Link, Link]:
    """The client's and the server's link over one pair of channels."""
    client, server = memory_pair(capacity)
    up: MemoryChannel | TamperedChannel = (
        TamperedChannel(client, tamper_up) if tamper_up else client
    )
    down: MemoryChannel | TamperedChannel = (
        TamperedChannel(server, tamper_down) if tamper_down else server
    )
    if not sealed:
        return Link(up), Link(down)
    return (
        Link(up, SealedMaker(UP, PREFIX), SealedOpener(DOWN, PREFIX)),
        Link(down, SealedMaker(DOWN, PREFIX), SealedOpener(UP, PREFIX)),
    )


class SmallFrames(Unpaced):
    """Frames of 16 KiB, as on a slow lane: a small file needs several."""

    frame_limit = 16 << 10


@dataclass
class Flow:
    """One upload or download: its parts and its results.

    told  receipts by batch, as each end received them
    """

    upload: bool
    source: MemorySource
    disk: MemoryDisk = field(default_factory=MemoryDisk)
    sealed: bool = True
    capacity: int = 1 << 16
    tamper_up: Tamper | None = None
    tamper_down: Tamper | None = None
    pace: Pace | None = None
    budget: Budget | None = None

    def __post_init__(self) -> None:
        client, server = links(self.sealed, self.capacity, self.tamper_up, self.tamper_down)
        self.clock = Clock()
        self.sink = MemorySink(self.disk)
        self.told: dict[str, dict[int, list[Receipt]]] = {"sender": {}, "receiver": {}}
        self.grants: list[int | None] = []
        ours, theirs = (client, server) if self.upload else (server, client)
        self.sender = Sender(
            ours,
            self.source,
            self.clock,
            client=self.upload,
            pace=self.pace,
            on_receipts=self.told["sender"].__setitem__,
            on_grant=self.grants.append,
            budget=None if self.upload else self.budget,
        )
        self.receiver = Receiver(
            theirs,
            self.sink,
            self.clock,
            client=not self.upload,
            on_receipts=self.told["receiver"].__setitem__,
            on_grant=self.grants.append,
            budget=self.budget if self.upload else None,
        )
        self.client = self.sender if self.upload else self.receiver
        self.server = self.receiver if self.upload else self.sender

    def batch(self, number: int, offers: Sequence[Offer]) -> None:
        if self.upload:
            self.sender.offer(number, offers)
        else:
            self.receiver.ask(number, offers)

    def run(self) -> None:
        alternate(self.client, self.server)

    def offers(self, *paths: str) -> list[Offer]:
        return [
            self.source.files[path].offer(path, blake3(path.encode()).hexdigest())
            for path in paths or self.source.files
        ]

    def problems(self) -> list[str]:
        """The codes of the problems with which the client's and the server's end ended."""
        return [_code(end.problem) for end in (self.client, self.server)]

    def codes(self, batch: int = 0) -> list[str]:
        return [receipt.code for receipt in self.told["sender"][batch]]

    def published(self) -> dict[str, bytes]:
        return {path: file.content for path, file in self.disk.files.items()}


def _code(problem: Problem | None) -> str:
    return problem.code if problem else ""


def files(**contents: bytes) -> MemorySource:
    return MemorySource({name: MemoryFile(content) for name, content in contents.items()})


def pattern(size: int, seed: int = 1) -> bytes:
    """Content in which no two parts are equal."""
    block = b"".join(
        (seed * 1_000_003 + n).to_bytes(8, "big") for n in range(min(size, 1 << 16) // 8 + 1)
    )
    return b"".join(
        bytes([n & 0xFF]) + block[1 : min(len(block), size - at)]
        for n, at in enumerate(range(0, size, len(block)))
    )[:size]


class Peer:
    """The other end of a lane, which can send any record."""

    def __init__(self, link: Link) -> None:
        self.link = link

    def say(
        self,
        kind: int,
        payload: bytes = b"",
        *,
        index: int = 0,
        batch: int = 0,
        offset: int = 0,
        flags: int = 0,
    ) -> None:
        record = records.Record(kind, flags, index, batch, offset, memoryview(payload))
        self.link.close_frame(records.put(self.link.body, 0, record), kind == records.BYE)
        assert self.link.flush(), "the memory channel of a test is too small"

    def hear(self) -> list[tuple[int, int, int, bytes]]:
        """(kind, batch, index, payload) of all records that arrived."""
        heard = []
        while (body := self.link.receive()) is not None:
            heard += [
                (kind, batch, index, bytes(p))
                for kind, _, index, batch, _, p in records.split(body)
            ]
            if self.link.finished:
                break
        return heard
