"""Metrics of the process itself: event loop, threads, descriptors, memory, time, size of state."""

import asyncio
import os
import resource
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from cargo_sync.process.metrics import Family

BEAT: Final = 1.0
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


class Vitals:
    """Measures this process.

    state  path of the state file
    """

    def __init__(self, state: str) -> None:
        self._state = state
        self._started = time.time()
        self._lag = 0.0
        self._worst = 0.0

    async def beat(self) -> None:
        """Measures the delay of the event loop, until cancelled."""
        while True:
            due = time.monotonic() + BEAT
            await asyncio.sleep(BEAT)
            self._lag = max(0.0, time.monotonic() - due)
            self._worst = max(self._worst, self._lag)

    def families(self) -> Iterable[Family]:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        worst, self._worst = self._worst, self._lag
        yield Family.one(
            "cargo_event_loop_lag_seconds", "gauge", "Last delay of the event loop.", self._lag
        )
        yield Family.one(
            "cargo_event_loop_lag_max_seconds",
            "gauge",
            "Largest delay of the event loop since the last scrape.",
            worst,
        )
        yield Family.one(
            "cargo_state_bytes",
            "gauge",
            "Size of the state file and its write-ahead log.",
            self._size(),
        )
        yield Family.one("process_threads", "gauge", "Threads.", threading.active_count())
        yield Family.one(
            "process_start_time_seconds", "gauge", "Start of the process, unix time.", self._started
        )
        yield Family.one(
            "process_cpu_seconds_total",
            "counter",
            "CPU time.",
            round(usage.ru_utime + usage.ru_stime, 3),
        )
        yield Family.one(
            "process_resident_memory_bytes", "gauge", "Resident memory.", _resident(usage.ru_maxrss)
        )
        with suppress(OSError):
            yield Family.one("process_open_fds", "gauge", "Open descriptors.", _descriptors())
        yield Family.one("process_max_fds", "gauge", "Limit of open descriptors.", soft)

    def _size(self) -> int:
        size = 0
        for part in ("", "-wal"):
            with suppress(OSError):
                size += os.stat(self._state + part).st_size
        return size


def _resident(most: int) -> int:
    """Bytes now; if the system does not report them, the largest value until now."""
    try:
        return int(Path("/proc/self/statm").read_bytes().split()[1]) * _PAGE
    except (OSError, IndexError, ValueError):
        return most if sys.platform == "darwin" else most * 1024


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd" if sys.platform == "linux" else "/dev/fd"))


class CpuShare:
    """How much of a core this process has used since it was asked last: 1.0 is all of one."""

    def __init__(self) -> None:
        self._at, self._used = time.monotonic(), time.process_time()

    def __call__(self) -> float:
        now, used = time.monotonic(), time.process_time()
        spent, passed = used - self._used, now - self._at
        self._at, self._used = now, used
        return spent / passed if passed > 0 else 0.0
