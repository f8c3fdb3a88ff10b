"""The clocks of the system that this process runs on."""

import sys
import time
from collections.abc import Callable
from typing import Final

from cargo_sync.machines.retention import SystemClocks

_BOOT_ID: Final = "/proc/sys/kernel/random/boot_id"


def system_clocks(wall: Callable[[], float]) -> Callable[[], SystemClocks]:
    """Reads the system's clocks.

    Where there is no CLOCK_BOOTTIME, the monotonic clock takes its place: it does not count the
    time that the system sleeps, so things only get old later.

    Args:
        wall: unix seconds.
    """
    boot = _boot_id()
    if sys.platform == "linux":
        return lambda: SystemClocks(wall(), time.clock_gettime(time.CLOCK_BOOTTIME), boot)
    return lambda: SystemClocks(wall(), time.monotonic(), boot)


def _boot_id() -> str:
    try:
        with open(_BOOT_ID, encoding="ascii") as file:
            return file.read().strip()
    except (OSError, ValueError):
        return ""
