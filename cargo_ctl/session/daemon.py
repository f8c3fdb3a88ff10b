"""The daemon that holds a front end's session: the one that runs, or a private one for the front
end's life.

The local side of a session is the daemon's disk, seen with the daemon's rights. So a running daemon
is used only if it says that it is this user's, on this host; otherwise a private one is started,
without a question.
"""

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence

from cargo_sync.api.addresses import (
    DAEMON,
    Addresses,
    find,
    instance_addresses,
    is_live,
    runtime_dir,
    runtime_dirs,
)
from cargo_sync.api.client import Client, CommandError, NotAdmitted, NotRunning

_START = 20.0
_END = 10.0
_LOOK = 0.02
_HELLO = 3.0
_LAST_WORDS = 20
NEEDED = "session.open"
PRIVATE = (sys.executable, "-m", "cargo_sync.main", "--log-level", "warning", "daemon", "--private")


class NoDaemon(Exception):  # noqa: N818 - a state of the world, told as one
    """There is no daemon that could hold a session; the text says why."""


@contextlib.contextmanager
def held_daemon(
    connect: str | None,
    env: Mapping[str, str],
    command: Sequence[str] = PRIVATE,
    key: str | None = None,
) -> Iterator[Addresses]:
    """A daemon to open sessions in, until the end of the `with`.

    `connect`, `key` or $CARGO_CONTROL names one that must do, as `find` has it; else the one that
    runs is taken if it is fit, and a private one is started by `command` if not. Raises NoDaemon
    and AddressError.
    """
    chosen = connect or key or env.get("CARGO_CONTROL")
    if chosen:
        addresses = find(connect, env, key=key)
        assert addresses is not None
        if why := unfit(addresses):
            raise NoDaemon(f"the daemon {chosen} cannot be used: {why}")
        yield addresses
        return
    for runtime in runtime_dirs(env):
        addresses = instance_addresses(runtime, DAEMON)
        if is_live(addresses.commands) and not unfit(addresses):
            yield addresses
            return
    with private_daemon(env, command) as addresses:
        yield addresses


def unfit(addresses: Addresses) -> str:
    """Why this daemon cannot hold our sessions; "" if it can."""
    try:
        with Client(addresses.commands, key=addresses.key) as client:
            hello = client.call("hello", timeout=_HELLO)
    except (CommandError, NotAdmitted, NotRunning) as error:
        return str(error)
    if hello.get("host") != socket.gethostname() or hello.get("uid") != os.getuid():
        return "it is another user's or another machine's, and local files would be theirs"
    return "" if NEEDED in (hello.get("supports") or []) else "it is too old to hold sessions"


@contextlib.contextmanager
def private_daemon(env: Mapping[str, str], command: Sequence[str] = PRIVATE) -> Iterator[Addresses]:
    """A daemon of our own, which ends when its standard input does: also when we are killed.

    Raises NoDaemon.
    """
    addresses = instance_addresses(runtime_dir(env), f"session-{os.getpid()}")
    child = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="backslashreplace",
        env=dict(env),
        start_new_session=True,  # Ctrl-C is for what runs in the foreground, not for the daemon
    )
    assert child.stdin is not None
    assert child.stderr is not None
    words: deque[str] = deque(maxlen=_LAST_WORDS)
    reader = threading.Thread(target=words.extend, args=(child.stderr,), daemon=True)
    reader.start()
    try:
        _await(child, addresses, words, reader)
        yield addresses
    finally:
        _end(child)
        reader.join(_END)
        child.stderr.close()
        _sweep(addresses.folder)


def _await(
    child: "subprocess.Popen[str]",
    addresses: Addresses,
    words: "deque[str]",
    reader: threading.Thread,
) -> None:
    deadline = time.monotonic() + _START
    while not (is_live(addresses.commands) and is_live(addresses.feed)):
        if child.poll() is not None:
            reader.join(1.0)
            last = words[-1].strip() if words else f"it ended with {child.returncode}"
            raise NoDaemon(f"a daemon of this client's own could not be started: {last}")
        if time.monotonic() > deadline:
            raise NoDaemon(f"a daemon of this client's own did not answer within {_START:g} s")
        time.sleep(_LOOK)


def _sweep(folder: str) -> None:
    """Remove what is left of an instance that will never come again."""
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            os.unlink(os.path.join(folder, name))
        os.rmdir(folder)


def _end(child: "subprocess.Popen[str]") -> None:
    assert child.stdin is not None
    with contextlib.suppress(OSError):
        child.stdin.close()
    for stop in (child.terminate, child.kill):
        try:
            child.wait(_END)
            return
        except subprocess.TimeoutExpired:
            stop()
    child.wait()
