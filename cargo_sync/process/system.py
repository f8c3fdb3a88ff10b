"""The system that this process runs on: its clocks, chance and threads."""

import os
import random
import secrets
import socket
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

from blake3 import blake3

from cargo_sync.machines.retention import SystemClocks
from cargo_sync.model.world import World
from cargo_sync.process.offload import ThreadOffload

_BOOT_ID: Final = "/proc/sys/kernel/random/boot_id"
_MACHINE_ID: Final = "/etc/machine-id"


def system_world(pool: ThreadPoolExecutor, lived: Callable[[], float]) -> World:
    """The world of a real process.

    Args:
        pool: for blocking work.
        lived: reads the retention clock.
    """
    return World(
        time.time,
        time.monotonic,
        random.random,
        partial(secrets.token_hex, 16),
        ThreadOffload(pool),
        lived,
        socket.gethostname(),
    )


def system_clocks() -> Callable[[], SystemClocks]:
    """Reads the system's clocks.

    Where there is no CLOCK_BOOTTIME, the monotonic clock takes its place: it does not count the
    time that the system sleeps, so things only get old later.
    """
    boot = _boot_id()
    if sys.platform == "linux":
        return lambda: SystemClocks(time.time(), time.clock_gettime(time.CLOCK_BOOTTIME), boot)
    return lambda: SystemClocks(time.time(), time.monotonic(), boot)


def place(file: str) -> str:
    """Where a file is, 16 hex digits: another one on each machine and at each path."""
    where = (_line(_MACHINE_ID), socket.gethostname(), os.path.realpath(file))
    return blake3("\0".join(where).encode(errors="surrogateescape")).hexdigest()[:16]


def _boot_id() -> str:
    return _line(_BOOT_ID)


def _line(path: str) -> str:
    try:
        with open(path, encoding="ascii") as file:
            return file.read().strip()
    except (OSError, ValueError):
        return ""
