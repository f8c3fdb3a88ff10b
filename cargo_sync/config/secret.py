"""Passwords in memory: equal and comparable, but never shown by accident."""

import os
import stat
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Secret:
    """Text that neither repr, str nor an error shows. `reveal()` is the one way to it."""

    _text: str = field(repr=False)

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"

    def __str__(self) -> str:
        return "***"


def read_first_line(path: str) -> Secret:
    """The password that stands on the first line of `path`, without its line end.

    Raises ValueError, in words for the file's author, when there is none or it cannot be read.
    """
    try:
        with open(path, encoding="utf-8-sig") as lines:
            text = lines.readline(4096).rstrip("\r\n")
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not a text file in UTF-8") from None
    if not text:
        raise ValueError(f"the first line of {path} is empty; the password belongs there")
    return Secret(text)


def exposure(path: str) -> str | None:
    """A warning when others than the owner may read `path`, which holds a password; None when all
    is well."""
    if os.name == "nt":  # access is ruled by ACLs there, the mode bits say nothing
        return None
    try:
        mode = stat.S_IMODE(os.stat(path).st_mode)
    except OSError:
        return None
    if mode & 0o077 == 0:
        return None
    return f"{path} holds a password or key and others may read it (mode {mode:04o}); run: chmod 600 {path}"
