"""How tests begin our programs: as forks of a process that has their modules (`loaded.py`)."""

import atexit
import functools
import io
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Final

from tests.e2e.loaded import Order

_ROOT: Final = Path(__file__).parents[2]
_PREFIX: Final = 3
"""`python -m MODULE`, `python -c CODE`: what is before a program's own arguments."""


class Begun:
    """A program that runs, or ran: what tests use of `subprocess.Popen`.

    returncode  as there: negative after a signal, None until the end was looked at
    """

    def __init__(self, pipe: int) -> None:
        self._told = io.FileIO(pipe)
        self.returncode: int | None = None
        self.pid = self._number()

    def poll(self) -> int | None:
        return self._look(0)

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code.

        Raises:
            subprocess.TimeoutExpired: it has not ended.
        """
        code = self._look(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _look(self, timeout: float | None) -> int | None:
        if self.returncode is None and select.select([self._told], [], [], timeout)[0]:
            self.returncode = self._number()
            self._told.close()
        return self.returncode

    def _number(self) -> int:
        line = self._told.readline()
        assert line, "the process that forks has ended"
        return int(line)


Process = Begun | subprocess.Popen[bytes]


class Beginnings:
    """The process that forks."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.e2e.loaded", str(theirs.fileno())],
                cwd=_ROOT,
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )

    def close(self) -> None:
        """Ends it. What it and the programs took counts as this process's own then."""
        self._control.close()
        self._process.wait()

    def begin(self, order: Order, streams: Sequence[int]) -> Begun:
        """`streams`: the descriptors of its standard input, output and errors."""
        read, write = os.pipe()
        try:
            content = json.dumps(order._asdict()).encode()
            socket.send_fds(self._control, [content], [*streams, write])
        finally:
            os.close(write)
        return Begun(read)


@functools.cache
def beginnings() -> Beginnings:
    """One for all tests of this process, from the first one that begins a program."""
    one = Beginnings()
    atexit.register(one.close)
    return one


def begin(
    command: Sequence[str],
    environment: Mapping[str, str],
    output: int,
    errors: int | None = None,
    typed: str = "",
    folder: Path | None = None,
    is_forked: bool = True,
) -> Process:
    """Begins a program. One that is not only ours, as with strace before it, is really started.

    output  the descriptor of its standard output, and of its errors if they have none
    typed   its standard input
    folder  where it begins, if not here
    is_forked  if not, it is really started, so that the system lists its own arguments
    """
    with _typed(typed) as stdin:
        streams = (stdin.fileno(), output, output if errors is None else errors)
        program = _program(command) if is_forked else None
        if program is None:
            return subprocess.Popen(command, -1, None, *streams, env=dict(environment), cwd=folder)
        order = Order(
            program, [*command[_PREFIX:]], [*command], str(folder or Path.cwd()), dict(environment)
        )
        return beginnings().begin(order, streams)


def finished(
    command: Sequence[str],
    environment: Mapping[str, str],
    patience: float,
    typed: str = "",
    folder: Path | None = None,
) -> "subprocess.CompletedProcess[str]":
    """A program to its end, and what it said. `typed` and `folder` are as in `begin`.

    Raises:
        subprocess.TimeoutExpired: it does not end; it is killed.
    """
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        process = begin(command, environment, stdout.fileno(), stderr.fileno(), typed, folder)
        try:
            code = process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        return subprocess.CompletedProcess([*command], code, _text(stdout), _text(stderr))


def _typed(text: str) -> IO[bytes]:
    if not text:
        return open(os.devnull, "rb")
    descriptor = os.memfd_create("typed")
    os.pwrite(descriptor, text.encode(), 0)
    return io.FileIO(descriptor)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


def _program(command: Sequence[str]) -> str | None:
    """The module whose `main()` a command runs, if it is one of our programs and nothing else."""
    python, *how = command[:_PREFIX]
    for module in ("cargo_sync.main", "cargo_ctl.main", "cargo_ctl.client.main"):
        if python == sys.executable and how in (["-m", module], ["-c", called(module)]):
            return module
    return None


def called(module: str) -> str:
    """Code that runs a program."""
    return f"from {module} import main; main()"
