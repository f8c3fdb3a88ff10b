"""The daemon that holds a front end's session: the running one, or a private one.

The local side of a session is the daemon's disk, and the daemon's permissions apply. So a running
daemon is used only if it belongs to this user and is on this machine. Otherwise a private daemon is
started without asking; it ends with the front end.
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
    trusted,
)
from cargo_sync.api.client import Client, CommandError, NotAdmitted, NotRunning

_START = 20.0
_END = 10.0
_LOOK = 0.02
_HELLO = 3.0
_LAST_LINES = 20
_OTHERS = "it belongs to another user or runs on another machine, and has other local files"
NEEDED = "session.open"
PRIVATE = (sys.executable, "-m", "cargo_sync.main", "--log-level", "warning", "daemon", "--private")


class NoDaemon(Exception):  # noqa: N818 - a state, not an error of the program
    """There is no daemon that can hold a session; the text says why."""


@contextlib.contextmanager
def held_daemon(
    connect: str | None,
    env: Mapping[str, str],
    command: Sequence[str] = PRIVATE,
    key: str | None = None,
) -> Iterator[Addresses]:
    """A daemon for sessions, until the end of the `with`.

    `connect`, `key` or $CARGO_CONTROL names a daemon that must be used, as in `find`. Without them
    the running daemon is used if it is suitable; otherwise `command` starts a private one. Raises
    NoDaemon and AddressError.
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
        if is_live(addresses.commands) and not unfit(trusted(addresses, env)):
            yield addresses
            return
    with private_daemon(env, command) as addresses:
        yield addresses


def unfit(addresses: Addresses) -> str:
    """Why this daemon cannot hold our session; "" if it can."""
    if addresses.foreign is not None:
        return _OTHERS
    try:
        with Client(addresses.commands, key=addresses.key) as client:
            hello = client.call("hello", timeout=_HELLO)
    except (CommandError, NotAdmitted, NotRunning) as error:
        return str(error)
    if hello.get("host") != socket.gethostname() or hello.get("uid") != os.getuid():
        return _OTHERS
    return "" if NEEDED in (hello.get("supports") or []) else "it is too old for sessions"


@contextlib.contextmanager
def private_daemon(env: Mapping[str, str], command: Sequence[str] = PRIVATE) -> Iterator[Addresses]:
    """A private daemon. It ends when its standard input ends, so also if this process is killed.

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
        start_new_session=True,  # Ctrl-C is for the client, not for the daemon
    )
    assert child.stdin is not None
    assert child.stderr is not None
    lines: deque[str] = deque(maxlen=_LAST_LINES)
    reader = threading.Thread(target=lines.extend, args=(child.stderr,), daemon=True)
    reader.start()
    try:
        _await(child, addresses, lines, reader)
        yield trusted(addresses, env)
    finally:
        _end(child)
        reader.join(_END)
        child.stderr.close()
        _sweep(addresses.folder)


def _await(
    child: "subprocess.Popen[str]",
    addresses: Addresses,
    lines: "deque[str]",
    reader: threading.Thread,
) -> None:
    deadline = time.monotonic() + _START
    while not (is_live(addresses.commands) and is_live(addresses.feed)):
        if child.poll() is not None:
            reader.join(1.0)
            last = lines[-1].strip() if lines else f"it ended with exit code {child.returncode}"
            raise NoDaemon(f"the client could not start its own daemon: {last}")
        if time.monotonic() > deadline:
            raise NoDaemon(f"the client's own daemon did not answer within {_START:g} s")
        time.sleep(_LOOK)


def _sweep(folder: str) -> None:
    """Remove the folder of an instance; its name is not used again."""
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
