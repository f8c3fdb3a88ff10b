"""Lanes in memory: the client's own flow, with both ends of each lane stepped by the event loop.

`ClientFlow` is the real one. What it reaches a server with is replaced: the two requests that open
and end a flow, the socket, and the thread that drives the lane. The other end is a real lane end on
the far tree. Frames on their way can be lost, repeated, swapped or changed, and lines cut.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing, contextmanager, nullcontext
from typing import Any, Final, Protocol, cast

from cargo_sync.lanes import end, link
from cargo_sync.lanes.end import Clock, End
from cargo_sync.lanes.link import Link
from cargo_sync.lanes.pacing import Unpaced
from cargo_sync.lanes.ports import Sink, Source
from cargo_sync.lanes.receiver import Receiver
from cargo_sync.lanes.sender import Sender
from cargo_sync.machines.newest_change import Lineage
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.world import World
from cargo_sync.testing.channel import MemoryChannel, TamperedChannel, memory_pair
from cargo_sync.trees.cargo import flow
from cargo_sync.trees.cargo.api import Api
from cargo_sync.trees.cargo.flow import ClientFlow
from cargo_sync.trees.contract import Brought, Ends, Task
from cargo_sync.wire import frames
from cargo_sync.wire.frames import HEADER, TRAILER, SealedMaker, SealedOpener
from tests.state.crash import Killed

OPEN: Final = 3
"""Batches that may be open on a lane, instead of eight."""
SMALL: Final = 1 << 15
"""Bytes of the largest frame: nearly all of a lane's time would go into buffers of a megabyte."""
FRAMES: Final = ("frame lost", "frame repeated", "frames swapped", "frame changed")
_UP, _DOWN, _PREFIX = b"u" * 32, b"d" * 32, b"prefix7"
_STOPPED: Final = Problem(Code.STOPPED, "the lane was stopped")


class Line(Protocol):
    """What happens to a lane."""

    def remote(self, what: str) -> None:
        """A call to the server; raises ProblemError if it is cut."""

    def fails(self, name: str, rarer: float = 1.0) -> bool:
        """Whether this fault happens now."""

    def broke(self, error: Exception) -> None:
        """A lane's end raised what it must not raise, or a promise was broken in it."""


class _Tamper:
    """Does harm to the frames of one direction."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._kept: list[bytes] = []

    def __call__(self, number: int, frame: bytes) -> Iterable[bytes]:
        kept, self._kept = self._kept, []
        if self._line.fails("frame lost", 4):
            return kept
        if self._line.fails("frame repeated", 4):
            return [*kept, frame, frame]
        if self._line.fails("frames swapped", 4):
            self._kept = [frame]
            return kept
        if self._line.fails("frame changed", 4):
            middle = len(frame) // 2
            frame = frame[:middle] + bytes([frame[middle] ^ 1]) + frame[middle + 1 :]
        return [frame, *kept]


class _OpenedFlow:
    """What a server's answer to the opening of a flow leads to."""

    flow = "flow"
    speed: int | None = None
    lineage = Lineage()

    def __init__(self, lanes: "MemoryLanes", mode: Mode, run: str) -> None:
        self._lanes = lanes
        self._mode = mode
        self._run = run

    def connect(self, steady: Clock) -> tuple["_Socket", Link]:
        lanes = self._lanes
        client, server = lanes.line_ends = memory_pair()
        up, down = (
            TamperedChannel(client, _Tamper(lanes.line)),
            TamperedChannel(server, _Tamper(lanes.line)),
        )
        ours, theirs = lanes.links(up, down)
        other: End = (
            Receiver(theirs, lanes.sink(self._run), lanes.clock, client=False)
            if self._mode is Mode.UPLOAD
            else Sender(theirs, lanes.source(), lanes.clock, client=False)
        )
        return _Socket(other, lanes.clock, lanes.line), ours


class _Socket:
    """Stands for a connected socket: the other end, the clock of both, and the line between."""

    def __init__(self, other: End, clock: Clock, line: Line) -> None:
        self.other = other
        self.clock = clock
        self.line = line


class MemoryLanes:
    """The server's side of a far tree, as a flow reaches it.

    clock   of both ends
    source, sink  of the far tree
    """

    def __init__(
        self,
        line: Line,
        clock: Clock,
        source: Callable[[], Source],
        sink: Callable[[str], Sink],
        *,
        sealed: bool,
    ) -> None:
        self.line = line
        self.clock = clock
        self.source = source
        self.sink = sink
        self._sealed = sealed
        self.line_ends: tuple[MemoryChannel, MemoryChannel] | None = None

    def cut(self) -> None:
        """Ends the connection of the lane: what one end sends now never arrives."""
        for one in self.line_ends or ():
            one.close()

    def links(self, up: TamperedChannel, down: TamperedChannel) -> tuple[Link, Link]:
        if not self._sealed:
            return Link(up), Link(down)
        return (
            Link(up, SealedMaker(_UP, _PREFIX), SealedOpener(_DOWN, _PREFIX)),
            Link(down, SealedMaker(_DOWN, _PREFIX), SealedOpener(_UP, _PREFIX)),
        )

    async def transfer(
        self,
        mode: Mode,
        near: Ends,
        batches: AsyncIterator[Sequence[Task]],
        run: str,
        world: World,
    ) -> AsyncGenerator[Brought, None]:
        """As FarTree.transfer, by the client's own flow."""
        client = ClientFlow(cast(Api, self), world, cast(Any, nullcontext()), None)
        async with aclosing(client.run(mode, near, batches, ("home", ""), run)) as results:
            async for brought in results:
                yield brought


class InlineLane:
    """In the place of the thread that drives a lane: the loop steps both of its ends."""

    def __init__(
        self, machine: End, sock: _Socket, name: str, on_end: Callable[[Problem | None], None]
    ) -> None:
        self._machine = machine
        self._other = sock.other
        self._clock = sock.clock
        self._line = sock.line
        self._on_end = on_end
        self._calls: deque[Callable[[], None]] = deque()
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._over = self._scheduled = False
        machine.wakes(self._soon)
        self._other.wakes(self._soon)

    def start(self) -> None:
        self._soon()

    def submit(self, call: Callable[[], None]) -> None:
        if not self._over:
            self._calls.append(call)
            self._soon()

    def stop(self) -> None:
        self.submit(lambda: self._machine.fail(_STOPPED))

    def join(self, seconds: float | None = None) -> bool:
        """Steps until nothing moves; the time for which it would wait does not pass."""
        self._turn()
        return self._over

    def _soon(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        self._scheduled = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._over:
            return
        try:
            self._move()
        except ProblemError as error:  # raised by a submitted call
            self._machine.fail(error.problem)
        except Exception as error:
            self._line.broke(error)
            self._machine.fail(_STOPPED)
        except Killed:
            self._over = True  # its process is gone: nothing is closed
            self._on_end(_STOPPED)
            return
        if self._machine.done:
            self._end()
            return
        due = min(one.due() for one in (self._machine, self._other) if not one.done)
        wait = max(0.001, due - self._clock())
        self._timer = self._loop.call_later(wait, self._turn)

    def _move(self) -> None:
        """Steps both ends until nothing moves."""
        ends = (self._machine, self._other)
        moved = True
        while moved and not self._machine.done:
            while self._calls:
                self._calls.popleft()()
            moved = False
            for one in ends:
                before = one.link.sent + one.link.received
                again = one.step() is end.Step.AGAIN
                moved |= again or one.link.sent + one.link.received != before
        for _ in range(10):  # what the client said last arrives
            self._other.step()

    def _end(self) -> None:
        self._over = True
        self._other.fail(None)
        self._on_end(self._machine.problem)


async def _open(api: Api, mode: Mode, where: object, speed: int | None, run: str) -> _OpenedFlow:
    lanes = cast(MemoryLanes, api)
    lanes.line.remote("open a flow")
    return _OpenedFlow(lanes, mode, run)


async def _closed(api: Api, opened: str) -> None:
    """A server ends a flow without lanes by itself."""


@contextmanager
def in_memory() -> Iterator[None]:
    """Flows reach `MemoryLanes` while this is entered, and open few batches at a time."""
    replaced: list[tuple[Any, str, object]] = [
        (flow, "open_flow", _open),
        (flow, "end_flow", _closed),
        (flow, "LaneThread", InlineLane),
        (flow, "pace_of", lambda sock: Unpaced()),
        (flow, "OPEN_MAX", OPEN),
        (end, "OPEN_MAX", OPEN),
        (link, "FRAME_MAX", SMALL + HEADER + TRAILER),
        (frames, "FRAME_MAX", SMALL + HEADER + TRAILER),
        (frames, "BODY_MAX", SMALL),
    ]
    before = [(module, name, getattr(module, name)) for module, name, _ in replaced]
    try:
        for module, name, value in replaced:
            setattr(module, name, value)
        yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)
