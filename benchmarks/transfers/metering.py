"""What one run took at both ends: wall seconds, CPU seconds, peak memory.

The client is a command that is waited for, so the kernel tells its CPU time. Servers live on:
theirs is the difference in /proc. Cargo's client is a daemon, so it counts as one of the servers.
"""

import os
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Final, NamedTuple, Self

from benchmarks.transfers import procfs

SOON: Final = 0.02
SAMPLED: Final = 0.1
"""Seconds until the first look at the memory of all processes, and between two of them."""
IDLE_SPAN: Final = 0.06
IDLE_SHARE: Final = 0.15
"""Idle is who uses less than this share of a core over IDLE_SPAN seconds."""
IDLE_PATIENCE: Final = 120.0


class FailedCommandError(Exception):
    """A tool ended with an error."""


class Ended(NamedTuple):
    """A client that has ended.

    cpu       CPU seconds that it used, without those of servers
    answered  seconds until each command was answered, if some were sent meanwhile
    """

    cpu: float = 0.0
    answered: Sequence[float] = ()


Run = Callable[[], Ended]
"""Runs a client to its end."""


@dataclass(frozen=True, slots=True)
class Took:
    """What a run took.

    seconds    by the clock
    cpu        CPU seconds of both ends until then
    cpu_far    those of the server among them
    cpu_later  CPU seconds after that, until both ends were idle
    memory     bytes: peaks of the client and of all servers, added
    memory_far  those of the server among them
    answered   as in Ended
    """

    seconds: float
    cpu: float
    cpu_far: float
    cpu_later: float
    memory: int
    memory_far: int = 0
    answered: Sequence[float] = ()


def metered(run: Run, far: Sequence[int], near: Sequence[int] = ()) -> Took:
    """Runs a client once, then waits until all is idle.

    Args:
        run: runs the client.
        far: processes of the server, which live on.
        near: processes at the client's end that live on, for a client that is a daemon.
    """
    both = [*far, *near]
    procfs.forget_peaks(both)
    before = procfs.cpu_seconds(far), procfs.cpu_seconds(near)
    with _Peaks(far, near) as peaks:
        began = time.perf_counter()
        client = run()
        seconds = time.perf_counter() - began
        after = procfs.cpu_seconds(far), procfs.cpu_seconds(near)
    until_idle(both)
    later = max(0.0, procfs.cpu_seconds(both) - sum(after))
    cpu_far = after[0] - before[0]
    cpu_near = after[1] - before[1] + client.cpu
    return Took(
        seconds, cpu_far + cpu_near, cpu_far, later, peaks.total, peaks.far, client.answered
    )


def until_idle(pids: Sequence[int]) -> None:
    """Waits until these processes do next to nothing, so that they disturb no other run."""
    deadline = time.monotonic() + IDLE_PATIENCE
    while pids and time.monotonic() < deadline:
        before = procfs.cpu_seconds(pids)
        time.sleep(IDLE_SPAN)
        if procfs.cpu_seconds(pids) - before < IDLE_SHARE * IDLE_SPAN:
            return


def command(words: Sequence[str]) -> Ended:
    """Runs a command to its end.

    Raises:
        FailedCommandError: with the end of what it said.
    """
    with subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        assert process.stderr is not None
        said = process.stderr.read()
        cpu = waited(process)
    if process.returncode:
        text = said.decode(errors="replace").strip()[-500:]
        raise FailedCommandError(f"{' '.join(words)[:200]} ended with {process.returncode}: {text}")
    return Ended(cpu)


def waited(process: subprocess.Popen[bytes]) -> float:
    """Waits for the end of a process; CPU seconds of it and its children."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime


class _Peaks:
    """Sees the memory of servers and of all that starts meanwhile, until it ends.

    The kernel also tells the peak of a child that has ended, but counts the memory of the parent
    that has started it: more than most tools need.
    """

    def __init__(self, far: Sequence[int], near: Sequence[int]) -> None:
        self._me = os.getpid()
        servers = {*procfs.family([*far, *near])}
        self._others = {*procfs.family([self._me])} - servers - {self._me}
        self._servers = far
        self._far: set[int] = set()
        self._seen: dict[int, int] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    @property
    def total(self) -> int:
        return sum(self._seen.values())

    @property
    def far(self) -> int:
        """Those of the server and its children."""
        return sum(self._seen.get(pid, 0) for pid in self._far)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._look()

    def _run(self) -> None:
        after = SOON
        while not self._ended.wait(after):
            self._look()
            after = SAMPLED

    def _look(self) -> None:
        self._far |= {*procfs.family(self._servers)}
        for pid, peak in procfs.peaks([self._me], self._others).items():
            if pid != self._me:
                self._seen[pid] = max(peak, self._seen.get(pid, 0))
