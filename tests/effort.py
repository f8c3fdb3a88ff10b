"""How much a piece of work does, counted in calls: the same on every machine, under any load."""

import os
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any


def calls(work: Callable[[], object]) -> int:
    """How many functions, of Python and of C, `work` calls in this thread."""
    count = 0

    def note(frame: FrameType, event: str, arg: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def make_chain(top: str, depth: int, content: bytes = b"") -> list[str]:
    """Makes `depth` folders in each other, each with a file `f`; returns their paths from `top`."""
    made = []
    at = os.open(top, os.O_RDONLY)
    for level in range(depth):
        os.mkdir("d", dir_fd=at)
        below = os.open("d", os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
        file = os.open("f", os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=at)
        os.write(file, content)
        os.close(file)
        made.append("/".join(["d"] * (level + 1)))
    os.close(at)
    return made
