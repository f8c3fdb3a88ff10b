"""The thread driver: one thread polls one lane's socket and steps its machine."""

import logging
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

from cargo_sync.lanes.end import SILENCE_SECONDS, End, Step
from cargo_sync.lanes.tcp_info import LinkMeter
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.world import World
from cargo_sync.wire.refusal import cut

SAMPLE_SECONDS: Final = 0.25
_BROKEN: Final = select.POLLHUP | select.POLLERR
_SOONEST, _LATEST = 0.001, 0.064
_STOPPED: Final = Problem(
    Code.STOPPED, "the lane was stopped", hint="the transfer continues when it is started again"
)

OnEnd = Callable[[Problem | None], None]
_log = logging.getLogger(__name__)


class LaneThread:
    """Drives `machine` over `sock`, which its channel reads and writes, until it is done.

    The thread is a daemon thread, so that a process can end without waiting for a lane. The owner
    ends it with the machine's `finish` or `cancel` (submitted) or with `stop`, and then joins it.
    """

    def __init__(self, machine: End, sock: socket.socket, name: str, on_end: OnEnd) -> None:
        """Prepares the thread; `start` starts it.

        `on_end` is called once, in the thread, after the socket was closed. Its argument is why the
        lane ended, or None.
        """
        self._machine = machine
        self._socket = sock
        self._on_end = on_end
        self._meter = LinkMeter(sock)
        machine.measure = self._meter.report
        machine.wakes(self.wake)
        self._posted: deque[Callable[[], None]] = deque()
        self._waking = threading.Lock()
        """Held so that no other thread uses a socket that was closed."""
        self._is_woken = False
        """It will step the machine anyway, and has not begun to."""
        self._wake, self._woken = socket.socketpair()
        self._wake.setblocking(False)
        self._woken.setblocking(False)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def submit(self, call: Callable[[], None]) -> None:
        """Makes a call in the lane's thread, soon and in order; after the end it is dropped.

        If the call raises ProblemError, the lane ends.
        """
        self._posted.append(call)
        self.wake()

    def wake(self) -> None:
        """Steps the machine soon, in the lane's thread; after the end it does nothing."""
        if self._is_woken:
            return
        self._is_woken = True
        with self._waking:
            try:
                self._wake.send(b"\0")
            except OSError:  # closed, as the lane is over; or out of memory: the next one may go
                self._is_woken = False

    def stop(self) -> None:
        """Ends the lane now, without a word to the other end."""
        self.submit(lambda: self._machine.fail(_STOPPED))

    def join(self, seconds: float | None = None) -> bool:
        """Waits until the thread has ended; False if it has not after `seconds`."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        machine = self._machine
        try:
            self._drive()
        except ProblemError as error:  # raised by a submitted call
            machine.fail(error.problem)
        except Exception as error:
            _log.exception("lane %s failed", threading.current_thread().name)
            problem = Problem(Code.INTERNAL, f"the lane failed: {type(error).__name__}: {error}")
            machine.fail(problem)
            machine.problem = machine.problem or problem  # also if it failed during its close
        finally:
            with self._waking:
                self._wake.close()
                self._woken.close()
            self._posted.clear()
            self._on_end(machine.problem)

    def _sample(self) -> None:
        machine = self._machine
        if machine.done:
            return
        sample = self._meter.sample()
        if sample is not None:
            machine.line = sample.line
            if sample.stuck_ms >= SILENCE_SECONDS * 1000:
                why = "the connection is broken: the other end does not answer"
                machine.fail(cut(why).problem)

    def _drive(self) -> None:
        machine, posted = self._machine, self._posted
        lane = self._socket.fileno()
        poll = select.poll()
        poll.register(self._woken, select.POLLIN)
        poll.register(lane, select.POLLIN)
        events = select.POLLIN
        room = _Room()
        sample_at = 0.0
        while True:
            while posted:
                posted.popleft()()
            now = time.monotonic()
            if now >= sample_at:
                sample_at = now + SAMPLE_SECONDS
                self._sample()
            sent = machine.link.sent
            step = machine.step()
            if step is Step.DONE:
                return
            if step is Step.AGAIN:
                continue
            writing = step is Step.WANT_WRITE
            if events != (events := _events(machine.reading, writing)):
                poll.modify(lane, events)
            # What carries nothing is not measured: a node's lanes rest for most of the day.
            until = machine.due() if step is Step.IDLE else min(machine.due(), sample_at)
            wait = max(0.0, until - time.monotonic())
            if writing:
                wait = min(wait, room.after(progress=machine.link.sent != sent))
            self._polled(poll.poll(wait * 1000), events)

    def _polled(self, ready: list[tuple[int, int]], events: int) -> None:
        """A poll ended with this."""
        for fd, what in ready:
            if fd != self._socket.fileno():
                self._woken.recv(4096)
                self._is_woken = False
            elif what & _BROKEN and not events & select.POLLIN:
                self._machine.hung_up()  # whoever reads finds out by reading


def _events(reading: bool, writing: bool) -> int:
    return (select.POLLIN if reading else 0) | (select.POLLOUT if writing else 0)


class _Room:
    """When a full connection is tried again although the kernel does not report room.

    Linux reports room (POLLOUT) only once a third of the send buffer is free. On a long link all
    of the buffer is on the way, so it takes more long before; and BBR never learns what the link
    carries if its sender has nothing to send in between.
    """

    def __init__(self) -> None:
        self._wait = _SOONEST

    def after(self, *, progress: bool) -> float:
        """Seconds to wait now. `progress`: the last try has sent something."""
        self._wait = _SOONEST if progress else min(_LATEST, 2 * self._wait)
        return self._wait


async def joined(lanes: Iterable[LaneThread], seconds: float, world: World) -> bool:
    """Waits for lanes that were told to end; whether all did within so many seconds."""
    until = world.steady() + seconds
    ended = [await world.offload(lane.join, max(0.0, until - world.steady())) for lane in lanes]
    return all(ended)
