"""Starts the servers of peers, asks commands for their versions."""

import re
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.programs import until

_VERSION: Final = re.compile(r"\d+(?:\.\d+)+\S*")
_ENDS: Final = 20.0


@contextmanager
def started(words: Sequence[str], port: int, log: Path) -> Iterator[int]:
    """A server that listens on `port` of loopback, from its start to its end: its process id.

    Raises:
        SystemExit: it does not listen, or has ended.
    """
    with log.open("ab") as out:
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=out)

    def listens() -> bool:
        if process.poll() is not None:
            raise SystemExit(f"{words[0]} ended: {log.read_text()[-500:]}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            return False
        return True

    try:
        until(listens, f"{words[0]} answers")
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_ENDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def version_of(*words: str) -> str:
    """The first version number that a command prints."""
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    found = _VERSION.search(done.stdout + done.stderr)
    return found.group() if found else ""
