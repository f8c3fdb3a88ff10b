"""Ports for servers that have to be told theirs, or keep it over several lives."""

import fcntl
import itertools
import os
import socket
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

_FIRST: Final = 10_082
_LAST: Final = 32_000
"""Below those that systems give to whoever asks for any: nobody is given one of these meanwhile.
Above those at which a browser visits nobody: 10080 is the last one."""
_numbers = itertools.cycle(range(_FIRST, _LAST, 2))


def free_port() -> int:
    """A free port, and so is the next one; no other process of tests is given either, until this
    one ends."""
    folder = Path(tempfile.gettempdir(), f"cargo-test-ports-{os.getuid()}")
    folder.mkdir(exist_ok=True)
    for number in itertools.islice(_numbers, (_LAST - _FIRST) // 2):
        claim = os.open(folder / str(number), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with suppress(OSError), socket.socket() as one, socket.socket() as next_one:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
            one.bind(("127.0.0.1", number))
            next_one.bind(("127.0.0.1", number + 1))
            return number  # the claim stays open
        os.close(claim)
    raise AssertionError("no port is free")
