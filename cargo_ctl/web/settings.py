"""`web.json`: who may log in at the page, and optionally what it shows and where it listens.

The file is JSON, and only its owner may read it. `cargo_ctl web user …` changes its users and
leaves its other fields as they are; options of `cargo_ctl web` win over its fields.
"""

import fcntl
import json
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from cargo_sync.api.keys import is_key_name
from cargo_sync.api.roles import Role
from cargo_sync.suggest import did_you_mean

ROLES: Final = (str(Role.WATCH), str(Role.CONTROL))
LINK: Final = "link"
"""The user of a session that began with the link; nobody else may be called so."""
_FIELDS: Final = ("listen", "sources", "origins", "trusted_proxies", "tls", "users")
_LARGEST: Final = 1024 * 1024


class WebFileError(Exception):
    """A `web.json` that cannot be used; the text is for people, and contains no hash."""


@dataclass(frozen=True, slots=True)
class WebUser:
    """A user of the page. `hash` is argon2's, of the password."""

    name: str
    role: Role
    hash: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class WebFile:
    """What the file says; without a file, nothing.

    listen     "HOST:PORT", or ""
    sources    name on the page -> as for `--connect`
    origins    other addresses of the page, such as that of a proxy
    proxies    addresses and networks of trusted proxies
    cert, key  PEM files for TLS, or ""
    users      by name
    """

    listen: str = ""
    sources: Mapping[str, str] = field(default_factory=dict)
    origins: tuple[str, ...] = ()
    proxies: tuple[str, ...] = ()
    cert: str = ""
    key: str = ""
    users: Mapping[str, WebUser] = field(default_factory=dict)


def default_path(env: Mapping[str, str]) -> str:
    """`$XDG_CONFIG_HOME/cargo_sync/web.json`, or below ~/.config."""
    config = env.get("XDG_CONFIG_HOME", "")
    if not os.path.isabs(config):
        config = os.path.join(env.get("HOME") or os.path.expanduser("~"), ".config")
    return os.path.join(config, "cargo_sync", "web.json")


def read(path: str) -> WebFile:
    """What the file says. Raises WebFileError."""
    return _decoded(_fields(path), path)


def change_users(
    path: str, change: Callable[[dict[str, WebUser]], None], *, new: bool = False
) -> None:
    """Changes the users of the file; it is replaced at once, or not at all.

    Args:
        path: of the file.
        change: changes the users, by name; what it raises is passed on.
        new: the file may be missing, and is made.

    Raises:
        WebFileError: it cannot be read or written.
    """
    try:
        with _locked(path, new):
            fields = _fields(path)
            users = dict(_decoded(fields, path).users)
            change(users)
            rows = {
                user.name: {"role": str(user.role), "password": user.hash}
                for user in sorted(users.values(), key=lambda user: user.name)
            }
            _write(path, {**fields, "users": rows})
    except OSError as error:
        raise WebFileError(f"{path} cannot be changed: {error.strerror or error}") from error


@contextmanager
def _locked(path: str, new: bool) -> Iterator[None]:
    """Holds the folder: two commands at the same time change the file one after the other."""
    folder = os.path.dirname(path)
    if new:
        os.makedirs(folder, mode=0o700, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write(path: str, fields: Mapping[str, object]) -> None:
    """Replaces the file; from the first byte only its owner can read it."""
    fresh = f"{path}.new"
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
    with open(os.open(fresh, flags, 0o600), "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o600)
        json.dump(fields, file, indent=4, ensure_ascii=False)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)


def _fields(path: str) -> Mapping[str, object]:
    """The object in the file; empty without a file. Raises WebFileError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with open(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            raw = file.read(_LARGEST) if stat.S_ISREG(found.st_mode) else b""
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise WebFileError(f"{path} cannot be read: {error.strerror}") from error
    if found.st_mode & 0o077:
        mode = stat.S_IMODE(found.st_mode)
        raise WebFileError(
            f"others may use {path} (mode {mode:04o}), which says who may log in; "
            f"run: chmod 600 {path}"
        )
    try:
        fields = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise WebFileError(f"{path} is not JSON: {error}") from None
    if not isinstance(fields, dict):
        raise WebFileError(f"{path} must be an object, such as {{}}")
    return fields


def _decoded(fields: Mapping[str, object], path: str) -> WebFile:
    for name in fields:
        if name not in _FIELDS:
            hint = did_you_mean(name, _FIELDS) or f"it has {', '.join(_FIELDS)}"
            raise WebFileError(f'{path} has an unknown field "{name}" ({hint})')
    tls = _texts(fields, "tls", path)
    if tls.keys() - {"cert", "key"} or len(tls) == 1:
        raise WebFileError(f'{path}: "tls" must have "cert" and "key", paths of PEM files')
    listen = fields.get("listen", "")
    if not isinstance(listen, str):
        raise WebFileError(f'{path}: "listen" must be text, such as "127.0.0.1:8480"')
    folder = os.path.dirname(path)
    return WebFile(
        listen,
        _texts(fields, "sources", path),
        _list(fields, "origins", path),
        _list(fields, "trusted_proxies", path),
        _path(folder, tls.get("cert", "")),
        _path(folder, tls.get("key", "")),
        _users(fields.get("users", {}), path),
    )


def _path(folder: str, path: str) -> str:
    """A path in the file is relative to the file's folder."""
    return os.path.join(folder, path) if path else ""


def _list(fields: Mapping[str, object], name: str, path: str) -> tuple[str, ...]:
    value = fields.get(name, [])
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise WebFileError(f'{path}: "{name}" must be a list of texts')
    return tuple(value)


def _texts(fields: Mapping[str, object], name: str, path: str) -> Mapping[str, str]:
    value = fields.get(name, {})
    if not isinstance(value, dict) or not all(
        isinstance(text, str) and text for text in value.values()
    ):
        raise WebFileError(f'{path}: "{name}" must be an object of texts')
    return MappingProxyType(value)


def _users(value: object, path: str) -> Mapping[str, WebUser]:
    if not isinstance(value, dict):
        raise WebFileError(f'{path}: "users" must be an object')
    users = {}
    for name, fields in value.items():
        if not is_user_name(name):
            raise WebFileError(f'{path}: "users": a user cannot have the name "{name}"')
        users[name] = _user(name, fields, path)
    return MappingProxyType(users)


def _user(name: str, fields: object, path: str) -> WebUser:
    if isinstance(fields, dict) and fields.keys() == {"role", "password"}:
        role, hash = fields["role"], fields["password"]
        if role in ROLES and isinstance(hash, str) and hash.startswith("$argon2"):
            return WebUser(name, Role(role), hash)
    raise WebFileError(
        f'{path}: the user "{name}" must have a "role", watch or control, and in "password" the '
        "hash that `cargo_ctl web user passwd` makes"
    )


def is_user_name(name: str) -> bool:
    """Whether a user of the page may have this name."""
    return is_key_name(name) and name != LINK
