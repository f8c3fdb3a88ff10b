"""Whether the sockets in a folder may be trusted: who owns it, who could replace it, who listens.

A daemon gets passwords, and can say what it likes. So before a front end connects, it looks at the
folder. The decisions are `own_fault`, `path_fault` and `listener_fault`, which only compare values;
`owner_of_own` and `owner_at_path` look at the file system.
"""

import os
import socket
import stat
import struct
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_ROOT = 0
_OTHERS_WRITE, _GROUP_WRITES = 0o002, 0o020


class DistrustError(Exception):
    """A folder whose sockets must not be used; the text says why."""


@dataclass(frozen=True, slots=True)
class PathStep:
    """A folder or link on the way to the sockets: its path, `st_mode` and user id."""

    path: str
    mode: int
    owner: int


def own_fault(runtime: PathStep, folder: PathStep, me: int) -> str:
    """Why `folder`, below `runtime`, is not certainly from a process of the user `me`; "" if it is.

    A daemon makes its folder with the mode 0700.
    """
    for step, forbidden in ((runtime, _OTHERS_WRITE | _GROUP_WRITES), (folder, 0o077)):
        if not stat.S_ISDIR(step.mode):
            return f"{step.path} is not a folder"
        if step.owner != me:
            return f"{step.path} belongs to another user (uid {step.owner})"
        if step.mode & forbidden:
            return f"others may use {step.path} (mode {stat.S_IMODE(step.mode):04o})"
    return ""


def path_fault(steps: Sequence[PathStep], me: int) -> str:
    """Why somebody besides root, the user `me` and the folder's owner could replace a folder.

    Args:
        steps: the way to the folder, from the root; the folder is the last one.
        me: this user.

    Returns:
        A text, or "" if nobody could.
    """
    folder = steps[-1]
    if not stat.S_ISDIR(folder.mode):
        return f"{folder.path} is not a folder"
    for step in steps:
        if step.owner not in (_ROOT, me, folder.owner):
            return f"{step.path} belongs to another user (uid {step.owner})"
        # In a sticky folder, such as /tmp, nobody can replace what belongs to others.
        if not stat.S_ISDIR(step.mode) or (step.mode & stat.S_ISVTX and step is not folder):
            continue
        shared = _OTHERS_WRITE if step.owner == me else _OTHERS_WRITE | _GROUP_WRITES
        if step.mode & shared:
            return f"others may write to {step.path} (mode {stat.S_IMODE(step.mode):04o})"
    return ""


def listener_fault(path: str, uid: int | None, owner: int) -> str:
    """Why the process with `uid` at the socket `path` is not one of the folder's owner; or ""."""
    if uid in (None, owner):
        return ""
    return f"a process of another user (uid {uid}) listens at {path}"


def owner_of_own(folder: str, sockets: Sequence[str]) -> int:
    """The owner of a folder that must be this user's own.

    Raises:
        DistrustError: it is not.
        FileNotFoundError: there is no such folder.
    """
    runtime, instance = _step(os.path.dirname(folder)), _step(folder)
    return _checked(own_fault(runtime, instance, os.getuid()), instance, sockets)


def owner_at_path(folder: str, sockets: Sequence[str]) -> int:
    """The owner of a folder that a person or the environment named by its path.

    Raises:
        DistrustError: others could have made or replaced its sockets.
        FileNotFoundError: there is no such folder.
    """
    steps = [*_steps(folder), *_steps(os.path.realpath(folder))]
    return _checked(path_fault(steps, os.getuid()), steps[-1], sockets)


def listener(path: str) -> int | None:
    """The user id of the process that listens at a socket; None if none does.

    On Linux the kernel tells (SO_PEERCRED, unix(7)); pyzmq does not. Elsewhere it is the owner of
    the socket file.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except BlockingIOError:
            return _file_owner(path)  # the queue of a busy listener is full
        except (OSError, ValueError):
            return None
        if sys.platform != "linux":
            return _file_owner(path)
        size = struct.calcsize("3i")
        raw = probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
        return int(struct.unpack("3i", raw)[1])


def _checked(fault: str, folder: PathStep, sockets: Sequence[str]) -> int:
    if fault:
        raise DistrustError(fault)
    for path in sockets:
        if fault := listener_fault(path, listener(path), folder.owner):
            raise DistrustError(fault)
    return folder.owner


def _steps(path: str) -> Iterator[PathStep]:
    """Everything on the way to `path`, from the root."""
    if (above := os.path.dirname(path)) != path:
        yield from _steps(above)
    yield _step(path)


def _step(path: str) -> PathStep:
    """What is at `path`. Raises FileNotFoundError and DistrustError."""
    try:
        found = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileNotFoundError(path) from error
    except OSError as error:
        raise DistrustError(f"{path} cannot be looked at: {error.strerror}") from error
    return PathStep(path, found.st_mode, found.st_uid)


def _file_owner(path: str) -> int | None:
    try:
        return os.lstat(path).st_uid
    except OSError:
        return None
