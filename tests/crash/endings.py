"""What the end of a program means: the planned fault, an order that was followed, or a failure."""

import signal
from enum import Enum


class Ending(Enum):
    FAULT = "the fault that was planned"
    DONE = "it was told to end, and did"
    WRONG = "it should not have ended, or not so"


def meaning(code: int, fault: str, *, told: bool) -> Ending:
    """What it means that a program ended.

    Args:
        code: its exit code, or minus the number of the signal that ended it.
        fault: what it was started with: `kill`, `eio`, or "" for a program that nothing befalls.
        told: whether it had been told to end. A kill may come while it does.
    """
    if fault == "kill" and code == -signal.SIGKILL:
        return Ending.FAULT
    if fault == "eio" and code > 0:
        return Ending.FAULT  # it may refuse to work with a disk that fails
    return Ending.DONE if told and not code else Ending.WRONG
