"""Where a daemon's sockets are, and which daemons are there.

`<runtime>/<instance>/commands` and `/feed`, with runtime = $CARGO_RUNTIME_DIR, else
$XDG_RUNTIME_DIR/cargo_sync, else a folder of the user's own below the temporary one.
"""

import hashlib
import os
import socket
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass

LONGEST_PATH = 103 if sys.platform == "darwin" else 107
"""Bytes that a socket's path may have: sun_path without its closing NUL."""

DAEMON, SERVER = "daemon", "server"
"""Instances; a daemon of one job file has another name (`job_instance`), and so has a front end's own."""
_PRIVATE = "session-"
_IPC = "ipc://"


class AddressError(Exception):
    """An address that cannot be used, or no way to choose one; the text is for people."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Both sockets of one instance: `commands` (ROUTER) and `feed` (XPUB)."""

    commands: str
    feed: str

    @property
    def folder(self) -> str:
        """The instance's folder, where the sockets lie."""
        return os.path.dirname(self.commands.removeprefix(_IPC))

    @property
    def instance(self) -> str:
        return os.path.basename(self.folder)


def runtime_dirs(env: Mapping[str, str]) -> list[str]:
    """Where instances may be, the place for new ones first."""
    chosen = env.get("CARGO_RUNTIME_DIR")
    if chosen:
        return [os.path.abspath(chosen)]
    session = env.get("XDG_RUNTIME_DIR")
    temporary = env.get("TMPDIR") or "/tmp"  # noqa: S108 - whoever uses the folder checks its owner
    own = os.path.join(temporary, f"cargo_sync-{os.getuid()}")
    if session and _is_ours(session):
        return [os.path.join(session, "cargo_sync"), own]
    return [own]


def runtime_dir(env: Mapping[str, str]) -> str:
    """Where a new instance's folder is made."""
    return runtime_dirs(env)[0]


def instance_addresses(runtime: str, instance: str) -> Addresses:
    """The addresses of `instance` below `runtime`. Raises AddressError for one that no socket can have."""
    if not instance or instance in (".", "..") or "/" in instance or "\0" in instance:
        raise AddressError(f"{instance!r} cannot be the name of an instance: it names a folder")
    folder = os.path.join(runtime, instance)
    return Addresses(_address(os.path.join(folder, "commands")), _address(os.path.join(folder, "feed")))


def job_instance(path: str) -> str:
    """The instance of a one-job daemon: a short hash of its job file's absolute path."""
    return hashlib.blake2s(os.fsencode(os.path.abspath(path)), digest_size=6).hexdigest()


def private_instance(pid: int) -> str:
    """The instance of the daemon that a front end, process `pid`, started for itself."""
    return f"{_PRIVATE}{pid}"


def find(connect: str | None, env: Mapping[str, str], *, server: bool = False) -> Addresses | None:
    """The addresses to speak to: `connect`, else $CARGO_CONTROL, else the one daemon that is live.

    With `server` it is the server of this user's, and $CARGO_CONTROL, which names a daemon, does not count.
    A front end's own daemon is found by its name alone.
    `connect` is an instance's name, its folder, or the address of its commands. None when none is live.
    Raises AddressError when several are, or when `connect` is none of these.
    """
    chosen = connect or (None if server else env.get("CARGO_CONTROL"))
    if chosen:
        return _named(chosen, env)
    live = [each for each in live_instances(env) if _is_meant(each.instance, server)]
    if len(live) > 1:
        listed = "".join(f"\n  {each.instance:<14} {each.commands}" for each in live)
        kind = "servers" if server else "daemons"
        raise AddressError(f"several {kind} are running; choose one with --connect NAME:{listed}")
    return live[0] if live else None


def live_instances(env: Mapping[str, str]) -> list[Addresses]:
    """Every instance of this user that answers, sorted by name within each place."""
    found = []
    for runtime in runtime_dirs(env):
        # Somebody else's folder in the shared temporary one could hold a daemon that only looks like ours.
        if not _is_ours(runtime):
            continue
        for instance in sorted(os.listdir(runtime)):
            try:
                addresses = instance_addresses(runtime, instance)
            except AddressError:
                continue
            if is_live(addresses.commands):
                found.append(addresses)
    return found


def is_live(address: str) -> bool:
    """Whether somebody listens on an ipc address. A socket file that a killed daemon left does not count."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(address.removeprefix(_IPC))
        except BlockingIOError:
            return True  # the queue of a busy listener is full
        except (OSError, ValueError):
            return False
    return True


def _is_meant(instance: str, server: bool) -> bool:
    return (instance == SERVER) == server and not instance.startswith(_PRIVATE)


def _named(chosen: str, env: Mapping[str, str]) -> Addresses:
    if chosen.startswith(_IPC):
        path = chosen.removeprefix(_IPC)
        if os.path.basename(path) != "commands":
            raise AddressError(f"{chosen!r} is not the address of commands: it ends in /commands")
        folder = os.path.dirname(os.path.abspath(path))
    elif "://" in chosen:
        raise AddressError(f"{chosen!r} cannot be connected to: only ipc:// addresses can")
    elif "/" in chosen:
        folder = os.path.abspath(chosen)
    else:
        candidates = [instance_addresses(runtime, chosen) for runtime in runtime_dirs(env)]
        return next((each for each in candidates if is_live(each.commands)), candidates[0])
    return instance_addresses(*os.path.split(folder))


def _address(path: str) -> str:
    length = len(os.fsencode(path))
    if length > LONGEST_PATH:
        raise AddressError(
            f"the socket's path has {length} bytes, the system allows {LONGEST_PATH}: {path} "
            "(set CARGO_RUNTIME_DIR to a shorter folder)"
        )
    return _IPC + path


def _is_ours(folder: str) -> bool:
    try:
        found = os.lstat(folder)
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
