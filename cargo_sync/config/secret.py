"""Passwords in memory: equal and comparable, but never shown by accident."""

import os
import stat
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Secret:
    """A text that neither repr, str nor an error shows. Only `reveal()` gives it."""

    _text: str = field(repr=False)

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"

    def __str__(self) -> str:
        return "***"


def read_first_line(path: str) -> Secret:
    """The password on the first line of `path`, without its line end.

    Raises:
        ValueError: it is empty or cannot be read; the message is for the file's author.
    """
    if os.path.exists(path) and not os.path.isfile(path):
        raise ValueError(f"{path} is not a regular file")  # a pipe would have to be waited for
    try:
        with open(path, encoding="utf-8-sig") as lines:
            text = lines.readline(4096).rstrip("\r\n")
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not a text file in UTF-8") from None
    if not text:
        raise ValueError(f"the first line of {path} is empty; it must be the password")
    return Secret(text)


def exposure(path: str) -> str | None:
    """A warning if others than the owner can read `path`, which contains a password; else None."""
    if os.name == "nt":  # ACLs decide there, the mode bits do not
        return None
    try:
        mode = stat.S_IMODE(os.stat(path).st_mode)
    except OSError:
        return None
    if mode & 0o077 == 0:
        return None
    return (
        f"{path} contains a password or key and others can read it (mode {mode:04o}); "
        f"run: chmod 600 {path}"
    )
