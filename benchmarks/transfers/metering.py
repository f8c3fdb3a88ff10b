"""What one run took at both ends: wall seconds, CPU seconds, peak memory.

The client is a command that is waited for, so the kernel tells what it used. Servers live on: their
CPU time and memory are the difference in /proc. Cargo's client is a daemon, so it counts as one of
the servers.
"""

import os
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from benchmarks.transfers import procfs

SAMPLED: Final = 0.1
"""Seconds between two looks for children of the servers and their memory."""
IDLE_SPAN: Final = 0.1
IDLE_SHARE: Final = 0.15
"""Idle is who uses less than this share of a core over IDLE_SPAN seconds."""
IDLE_PATIENCE: Final = 120.0


class FailedCommandError(Exception):
    """A tool ended with an error."""


@dataclass(frozen=True, slots=True)
class Spent:
    """CPU seconds and peak memory in bytes of a client that has ended."""

    cpu: float = 0.0
    memory: int = 0


@dataclass(frozen=True, slots=True)
class Took:
    """What a run took.

    seconds    by the clock
    cpu        CPU seconds of both ends until then
    cpu_later  CPU seconds after that, until both ends were idle
    memory     bytes: peaks of the client and of all servers, added
    """

    seconds: float
    cpu: float
    cpu_later: float
    memory: int


def metered(run: Callable[[], Spent], pids: Sequence[int]) -> Took:
    """Runs a client once beside the servers `pids`, then waits until these are idle."""
    procfs.forget_peaks(pids)
    before = procfs.cpu_seconds(pids)
    with _Peaks(pids) as servers:
        began = time.perf_counter()
        client = run()
        seconds = time.perf_counter() - began
        used = procfs.cpu_seconds(pids) - before
    until_idle(pids)
    later = procfs.cpu_seconds(pids) - before - used
    return Took(seconds, used + client.cpu, later, servers.total + client.memory)


def until_idle(pids: Sequence[int]) -> None:
    """Waits until these processes do next to nothing, so that they disturb no other run."""
    deadline = time.monotonic() + IDLE_PATIENCE
    while pids and time.monotonic() < deadline:
        before = procfs.cpu_seconds(pids)
        time.sleep(IDLE_SPAN)
        if procfs.cpu_seconds(pids) - before < IDLE_SHARE * IDLE_SPAN:
            return


def command(
    words: Sequence[str], *, folder: Path | None = None, env: Mapping[str, str] | None = None
) -> Spent:
    """Runs a command to its end.

    Raises:
        FailedCommandError: with the end of what it said.
    """
    with subprocess.Popen(
        words,
        cwd=folder,
        env=None if env is None else os.environ | dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stderr is not None
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        text = said.decode(errors="replace").strip()[-500:]
        raise FailedCommandError(f"{' '.join(words)[:200]} ended with {process.returncode}: {text}")
    return Spent(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


class _Peaks:
    """Sees the memory of servers, also of children that end before the run does."""

    def __init__(self, pids: Sequence[int]) -> None:
        self._pids = pids
        self._seen: dict[int, int] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    @property
    def total(self) -> int:
        return sum(self._seen.values())

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
        while not self._ended.wait(SAMPLED):
            self._look()

    def _look(self) -> None:
        for pid, peak in procfs.peaks(self._pids).items():
            self._seen[pid] = max(peak, self._seen.get(pid, 0))
