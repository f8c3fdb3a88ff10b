"""The addresses of sockets, and which daemons and servers run.

Local sockets are `<runtime>/<instance>/commands` and `/feed`. The runtime folder is
$CARGO_RUNTIME_DIR, else $XDG_RUNTIME_DIR/cargo_sync, else a folder of this user below the temporary
one. Over TCP, commands are on one port and the feed on the next; a port with keys has one for this
user in `<config>/keys/<instance>`.
"""

import hashlib
import os
import socket
import stat
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from cargo_sync.api.keys import ClientKey, KeyFileError, read_key
from cargo_sync.api.trust import DistrustError, owner_at_path, owner_of_own

LONGEST_PATH = 103 if sys.platform == "darwin" else 107
"""Bytes of a socket's path at most: sun_path without the NUL at its end."""

DAEMON, SERVER = "daemon", "server"
"""Names of instances. Daemons of one job file have others (`job_instance`), and so have those that
front ends start for themselves (`private_instance`)."""
_PRIVATE = "session-"
_IPC, _TCP = "ipc://", "tcp://"
_KEY_FILE = ".key"
_LOCAL_KEY = "local.key"
_PROBE = 2.0


class AddressError(Exception):
    """An address that cannot be used, or a choice that is not clear; the text is for people."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Both sockets of one instance, `commands` (ROUTER) and `feed` (XPUB), and the key for them.

    Local sockets and plain ports need no key.

    foreign  the user id of the process there, if it is another user's
    """

    commands: str
    feed: str
    key: ClientKey | None = None
    foreign: int | None = None

    @property
    def folder(self) -> str:
        """The folder of the instance's local sockets."""
        return os.path.dirname(self.commands.removeprefix(_IPC))

    @property
    def instance(self) -> str:
        return os.path.basename(self.folder)


def runtime_dirs(env: Mapping[str, str]) -> list[str]:
    """The folders where instances may be; new ones are made in the first."""
    chosen = env.get("CARGO_RUNTIME_DIR")
    if chosen:
        return [os.path.abspath(chosen)]
    session = env.get("XDG_RUNTIME_DIR")
    temporary = env.get("TMPDIR") or "/tmp"  # noqa: S108 - its owner is checked before use
    own = os.path.join(temporary, f"cargo_sync-{os.getuid()}")
    if session and _is_ours(session):
        return [os.path.join(session, "cargo_sync"), own]
    return [own]


def runtime_dir(env: Mapping[str, str]) -> str:
    """The folder in which a new instance gets its folder."""
    return runtime_dirs(env)[0]


def instance_addresses(runtime: str, instance: str) -> Addresses:
    """The addresses of `instance` below `runtime`. Raises AddressError for an impossible path."""
    if not instance or instance in (".", "..") or "/" in instance or "\0" in instance:
        raise AddressError(f"{instance!r} cannot be the name of an instance")
    folder = os.path.join(runtime, instance)
    return Addresses(
        _address(os.path.join(folder, "commands")), _address(os.path.join(folder, "feed"))
    )


def job_instance(path: str) -> str:
    """The instance of a one-job daemon: a short hash of its job file's absolute path."""
    return hashlib.blake2s(os.fsencode(os.path.abspath(path)), digest_size=6).hexdigest()


def private_instance(pid: int) -> str:
    """The instance of a daemon that a front end with this process id starts for itself."""
    return f"{_PRIVATE}{pid}"


def tcp_addresses(host: str, port: int, key: ClientKey | None = None) -> Addresses:
    """The addresses at a port: commands on it, the feed on the next one."""
    shown = f"[{host}]" if ":" in host else host
    return Addresses(f"{_TCP}{shown}:{port}", f"{_TCP}{shown}:{port + 1}", key)


def keys_dir(env: Mapping[str, str], instance: str) -> str:
    """The folder of an instance's keys: `$XDG_CONFIG_HOME/cargo_sync/keys/<instance>`."""
    return os.path.join(_all_keys(env), instance)


def find(
    connect: str | None, env: Mapping[str, str], *, server: bool = False, key: str | None = None
) -> Addresses | None:
    """The addresses to use: of `connect`, else of $CARGO_CONTROL, else of the only running daemon.

    A daemon that a front end started for itself is only found by its name.

    Args:
        connect: an instance's name, its folder, the address of its commands, or a key file.
        env: environment variables.
        server: find this user's server; $CARGO_CONTROL is ignored, because it names a daemon.
        key: the key file for a port, else $CARGO_KEY; without `connect` its address is used.

    Returns:
        None if none is running.

    Raises:
        AddressError: several are running, or `connect` or `key` cannot be used, or the sockets
            could be those of somebody else.
    """
    chosen = connect or key or (None if server else env.get("CARGO_CONTROL"))
    if chosen and (chosen == key or chosen.endswith(_KEY_FILE)):
        return _of_key(chosen)
    if chosen and chosen.startswith(_TCP):
        return _of_port(chosen, key or env.get("CARGO_KEY"), env)
    if chosen:
        return _named(chosen, env)
    live = {
        name: each for name, each in _live(env).items() if _is_meant(os.path.basename(name), server)
    }
    if len(live) > 1:
        listed = "".join(
            f"\n  {os.path.basename(name):<14} {each.commands}" for name, each in live.items()
        )
        kind = "servers" if server else "daemons"
        raise AddressError(f"several {kind} are running; choose one with --connect NAME:{listed}")
    return next(iter(live.values()), None)


def _live(env: Mapping[str, str]) -> dict[str, Addresses]:
    """All running instances by folder: first local sockets, then ports with a key of this user."""
    found: dict[str, Addresses] = {}
    for runtime in runtime_dirs(env):
        for instance in _names(runtime):
            try:
                addresses = trusted(instance_addresses(runtime, instance), env)
            except AddressError:
                continue  # another user could have made it, so it counts as not there
            if is_live(addresses.commands):
                found[addresses.folder] = addresses
    named = {os.path.basename(folder) for folder in found}
    keys = _all_keys(env)
    for instance in sorted(os.listdir(keys)) if _is_ours(keys) else ():
        if (
            instance not in named
            and (own := _own_key_here(env, instance))
            and is_live(own.commands)
        ):
            found[keys_dir(env, instance)] = own
    return found


def trusted(addresses: Addresses, env: Mapping[str, str]) -> Addresses:
    """These addresses of local sockets below a runtime folder, if they are safe to use.

    The temporary folder is shared: another user could make a folder there with a daemon that looks
    like this user's. A folder that $CARGO_RUNTIME_DIR names may belong to another user, for a
    daemon of the system.

    Raises:
        AddressError: they could be those of somebody else.
    """
    return _trusted(addresses, by_path=bool(env.get("CARGO_RUNTIME_DIR")))


def _trusted(addresses: Addresses, *, by_path: bool) -> Addresses:
    sockets = [each.removeprefix(_IPC) for each in (addresses.commands, addresses.feed)]
    try:
        owner = (owner_at_path if by_path else owner_of_own)(addresses.folder, sockets)
    except FileNotFoundError:
        return addresses  # nobody is there
    except DistrustError as error:
        raise AddressError(f"the sockets in {addresses.folder} are not used: {error}") from error
    return addresses if owner == os.getuid() else replace(addresses, foreign=owner)


def is_live(address: str) -> bool:
    """Whether a process listens at an address. The socket file of a killed daemon is not enough."""
    if address.startswith(_TCP):
        return _port_is_live(address)
    if not hasattr(socket, "AF_UNIX"):
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(address.removeprefix(_IPC))
        except BlockingIOError:
            return True  # the queue of a busy listener is full
        except (OSError, ValueError):
            return False
    return True


def _port_is_live(address: str) -> bool:
    try:
        with socket.create_connection(_host_and_port(address), timeout=_PROBE):
            return True
    except (OSError, UnicodeError, AddressError):
        return False


def _host_and_port(address: str) -> tuple[str, int]:
    """Splits the address of a port. Raises AddressError."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not port or port > 65534 or parts.path or parts.query or "@" in parts.netloc:
        raise AddressError(
            f"{address!r} is not the address of a port, such as tcp://127.0.0.1:5556"
        )
    return host, port


def _of_key(path: str) -> Addresses:
    key = _read(path)
    if not key.address:
        raise AddressError(
            f"the daemon or server of the key {path} is not running, or needs to be given with its "
            "address"
        )
    return tcp_addresses(*_host_and_port(key.address), key)


def _of_port(address: str, key: str | None, env: Mapping[str, str]) -> Addresses:
    """The addresses of a port with the given key, or with this user's own key for that port."""
    host, port = _host_and_port(address)
    if key:
        return tcp_addresses(host, port, _read(key))
    keys = _all_keys(env)
    for instance in sorted(os.listdir(keys)) if _is_ours(keys) else ():
        own = _own_key(env, instance)
        if own is not None and own.commands == tcp_addresses(host, port).commands:
            return own
    return tcp_addresses(host, port)


def _own_key(env: Mapping[str, str], instance: str) -> Addresses | None:
    """The addresses in this user's own key of an instance; None without a usable key."""
    try:
        return _of_key(os.path.join(keys_dir(env, instance), _LOCAL_KEY))
    except AddressError:
        return None


def _own_key_here(env: Mapping[str, str], instance: str) -> Addresses | None:
    """As `_own_key`, but if $CARGO_RUNTIME_DIR names a folder, the instance must have one in it."""
    named = env.get("CARGO_RUNTIME_DIR")
    here = not named or any(instance in _names(runtime) for runtime in runtime_dirs(env))
    return _own_key(env, instance) if here else None


def _read(path: str) -> ClientKey:
    try:
        return read_key(path)
    except KeyFileError as error:
        raise AddressError(str(error)) from error


def _all_keys(env: Mapping[str, str]) -> str:
    config = env.get("XDG_CONFIG_HOME", "")
    if not os.path.isabs(config):
        config = os.path.join(env.get("HOME") or os.path.expanduser("~"), ".config")
    return os.path.join(config, "cargo_sync", "keys")


def _is_meant(instance: str, server: bool) -> bool:
    return (instance == SERVER) == server and not instance.startswith(_PRIVATE)


def _named(chosen: str, env: Mapping[str, str]) -> Addresses:
    if chosen.startswith(_IPC):
        path = chosen.removeprefix(_IPC)
        if os.path.basename(path) != "commands":
            raise AddressError(
                f"{chosen!r} is not the address of commands: it must end in /commands"
            )
        folder = os.path.dirname(os.path.abspath(path))
    elif "://" in chosen:
        raise AddressError(f"cannot connect to {chosen!r}: an address begins with ipc:// or tcp://")
    elif "/" in chosen:
        folder = os.path.abspath(chosen)
    else:
        candidates = [instance_addresses(runtime, chosen) for runtime in runtime_dirs(env)]
        live = (trusted(each, env) for each in candidates if is_live(each.commands))
        return next(live, None) or _own_key_here(env, chosen) or candidates[0]
    return _trusted(instance_addresses(*os.path.split(folder)), by_path=True)


def _names(folder: str) -> Sequence[str]:
    """The sorted names in a folder; none if it cannot be read."""
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return ()


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
