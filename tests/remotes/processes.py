"""Ends a program of ours with all that it has started, by their process ids.

A server may have a process for each connection, in a session of its own (sshd has): its group alone
would not reach them, and whoever kills a server means them too.
"""

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")


def kill(program: subprocess.Popen[bytes]) -> None:
    """kill -9 of all of them. It leads a process group of its own."""
    if program.poll() is None:
        program.send_signal(signal.SIGSTOP)  # it starts nothing more meanwhile
    below = _descendants(program.pid)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(program.pid, signal.SIGKILL)
    _kill_all(below)
    program.wait()


def stop(program: subprocess.Popen[bytes], patience: float) -> None:
    """Asks it to end, and kills what has not ended after so many seconds."""
    below = _descendants(program.pid)
    if program.poll() is None:
        program.terminate()
        with suppress(subprocess.TimeoutExpired):
            program.wait(patience)
    kill(program)
    _kill_all(below)


def _kill_all(pids: list[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _descendants(pid: int) -> list[int]:
    """Where the system tells: on Linux."""
    found: list[int] = []
    for task in _PROC.glob(f"{pid}/task/*/children"):
        with suppress(OSError):
            for child in map(int, task.read_text().split()):
                found += (child, *_descendants(child))
    return found
