"""Ends a program of ours with all that it has started, by their process ids.

A server may have a process for each connection, in a session of its own (sshd has): its group alone
would not reach them, and whoever kills a server means them too.

Run as a program, it starts another one and ends it as soon as its own input is closed: also if the
tests were killed, of which they then tell nobody.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")


def guarded(command: Sequence[str]) -> list[str]:
    """A command that ends with whoever holds its input."""
    return [sys.executable, "-S", "-E", __file__, *command]


def kill(program: subprocess.Popen[bytes]) -> None:
    """kill -9 of all of them. It leads a process group of its own."""
    if program.poll() is None:
        program.send_signal(signal.SIGSTOP)  # it starts nothing more meanwhile
    below = _descendants(program.pid)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(program.pid, signal.SIGKILL)
    _kill_all(below)
    program.wait()
    if program.stdin is not None:
        program.stdin.close()


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


def _guard(command: Sequence[str]) -> int:
    program = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    signal.signal(signal.SIGTERM, lambda number, frame: program.terminate())

    def watch() -> None:
        while os.read(0, 1000):
            pass
        _kill_all([program.pid, *_descendants(program.pid)])

    threading.Thread(target=watch, daemon=True).start()
    return program.wait()


if __name__ == "__main__":
    os._exit(_guard(sys.argv[1:]) & 0xFF)
