"""Blocking work, outside the event loop."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, TypeVar, TypeVarTuple

THREADS: Final = 16

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")


@dataclass(frozen=True, slots=True)
class ThreadOffload:
    """Runs blocking work in one of a bounded number of threads."""

    pool: ThreadPoolExecutor

    def __call__(self, work: Callable[[*_Ts], _T], *args: *_Ts) -> Awaitable[_T]:
        return asyncio.get_running_loop().run_in_executor(self.pool, work, *args)


@contextmanager
def threads(name: str = "offload") -> Iterator[ThreadPoolExecutor]:
    """A pool of threads. At the end it drops waiting work and waits for running work.

    Work that waits for other work must not be in the same pool: when all threads wait, what they
    wait for never gets one.
    """
    pool = ThreadPoolExecutor(THREADS, name)
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
