"""A process that has our programs' modules already, and forks to become one of them.

    python -m tests.e2e.loaded DESCRIPTOR

To start a program takes most of a second, and nearly all of that is to import: a fork is a program
of its own too, with its own arguments, environment, folder and standard streams. `beginning.py` has
the other end of the socket DESCRIPTOR: each message there is one `Order`, with the three streams
and a pipe on which the process id is written, then the exit code.
"""

import contextlib
import gc
import importlib
import io
import json
import os
import pkgutil
import selectors
import socket
import sys
import time
from functools import partial
from typing import Final, NamedTuple

import argon2

MODULES: Final = (
    "cargo_sync.config.check",
    "cargo_sync.daemon.app",
    "cargo_sync.main",
    "cargo_sync.node.app",
    "cargo_sync.once",
    "cargo_sync.pydio",
    "cargo_sync.server.app",
    "cargo_ctl.main",
    "cargo_ctl.web.process",
)
PACKAGES: Final = ("cargo_ctl.commands",)
LARGEST: Final = 1 << 18
"""Bytes of an order: mostly an environment."""
_STREAMS: Final = 3


class Order(NamedTuple):
    """A program to become.

    program      its module, which has `main()`
    arguments    its own, without its name
    command      how it would be started without this: `sys.orig_argv`
    folder       where it begins
    environment  all of it
    """

    program: str
    arguments: list[str]
    command: list[str]
    folder: str
    environment: dict[str, str]


def load() -> None:
    """Imports what programs need. A server's hashes of passwords cost as little as they can."""
    argon2.PasswordHasher = partial(argon2.PasswordHasher, 1, 8, 1)  # type: ignore[assignment,misc]
    for name in MODULES:
        importlib.import_module(name)
    for package in PACKAGES:
        found = importlib.import_module(package)
        for one in pkgutil.iter_modules(found.__path__, f"{package}."):
            importlib.import_module(one.name)


def serve(control: socket.socket) -> Order | None:
    """Forks for each order, until nobody is left to give one. In a fork: what it shall become."""
    pipes: dict[int, tuple[int, int]] = {}
    """The descriptor of a fork -> its process id, and where its end is told."""
    with selectors.DefaultSelector() as events:
        events.register(control, selectors.EVENT_READ)
        while True:
            for event, _ in events.select():
                if event.fileobj is not control:
                    events.unregister(event.fd)
                    pid, told = pipes.pop(event.fd)
                    os.close(event.fd)
                    _, status = os.waitpid(pid, 0)
                    _tell(told, os.waitstatus_to_exitcode(status))
                    os.close(told)
                    continue
                content, descriptors, _, _ = socket.recv_fds(control, LARGEST, _STREAMS + 1)
                if not content:
                    return None
                *streams, told = descriptors
                pid = os.fork()
                if not pid:
                    for number, stream in enumerate(streams):
                        os.dup2(stream, number)
                    return Order(**json.loads(content))
                for stream in streams:
                    os.close(stream)
                _tell(told, pid)
                watched = os.pidfd_open(pid)
                pipes[watched] = (pid, told)
                events.register(watched, selectors.EVENT_READ)


def _tell(pipe: int, number: int) -> None:
    with contextlib.suppress(BrokenPipeError):  # who began it has no question any more
        os.write(pipe, b"%d\n" % number)


def become(order: Order) -> None:
    """Runs a program in this process, as a new Python would."""
    os.closerange(_STREAMS, os.sysconf("SC_OPEN_MAX"))
    os.chdir(order.folder)
    os.environ.clear()
    os.environ.update(order.environment)
    time.tzset()
    at_once = bool(order.environment.get("PYTHONUNBUFFERED"))
    stdin, stdout, stderr = (
        io.FileIO(number, mode, closefd=False) for number, mode in enumerate(("r", "w", "w"))
    )
    sys.stdin = io.TextIOWrapper(io.BufferedReader(stdin))
    sys.stdout = io.TextIOWrapper(io.BufferedWriter(stdout), write_through=at_once)
    sys.stderr = io.TextIOWrapper(
        io.BufferedWriter(stderr), errors="backslashreplace", line_buffering=True
    )
    sys.argv = [order.program, *order.arguments]
    sys.orig_argv = order.command
    importlib.import_module(order.program).main()


def main() -> None:
    load()
    gc.freeze()
    with socket.socket(fileno=int(sys.argv[1])) as control:
        order = serve(control)
    if order is not None:
        become(order)


if __name__ == "__main__":
    main()
