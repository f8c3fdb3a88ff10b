"""Folders and files that only this user may use: those of sockets and of keys."""

import contextlib
import os
import stat


class EndpointError(Exception):
    """The sockets cannot be opened; the text says why and what to do."""


def make_private(folder: str, hint: str) -> None:
    """Makes `folder` with the mode 0700. If it exists, only this user may own it and write to it.

    Args:
        folder: its path.
        hint: what to do if it cannot be used.

    Raises:
        EndpointError: it is not safe, or cannot be made.
    """
    try:
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder, 0o700)
        found = os.lstat(folder)
    except OSError as error:
        raise EndpointError(f"{folder} cannot be made: {error.strerror}; {hint}") from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise EndpointError(f"{folder} is not this user's folder: {hint}")
    if found.st_mode & 0o022:
        raise EndpointError(f"others may write to {folder}: run chmod 700 {folder}, or {hint}")


def close_to_others(folder: str) -> None:
    """Sets the mode 0700, so that others cannot read it any more. Raises EndpointError."""
    try:
        os.chmod(folder, 0o700)
    except OSError as error:
        raise EndpointError(f"{folder} cannot be made private: {error.strerror}") from error


def read_private(path: str) -> bytes | None:
    """The content of a file with keys; None if there is none. Raises EndpointError."""
    try:
        with open(path, "rb") as file:
            found = os.fstat(file.fileno())
            content = file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise EndpointError(f"{path} cannot be read: {error.strerror}") from error
    if found.st_uid != os.getuid() or found.st_mode & 0o077:
        mode = stat.S_IMODE(found.st_mode)
        raise EndpointError(
            f"{path} holds keys and others may read it (mode {mode:04o}); run: chmod 600 {path}"
        )
    return content


def write_private(path: str, content: bytes) -> None:
    """Replaces a file atomically and durably by `content` with the mode 0600. Raises OSError."""
    folder, name = os.path.split(path)
    fresh = os.path.join(folder, f".{name}.new")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(fresh)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    os.rename(fresh, path)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
