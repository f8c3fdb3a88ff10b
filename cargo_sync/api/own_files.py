"""Files of a user's front ends: where they are by the XDG rules, and how they are replaced."""

import contextlib
import os
import tempfile
from collections.abc import Mapping


def config_file(env: Mapping[str, str], name: str) -> str:
    """The path of our file `name` in $XDG_CONFIG_HOME/cargo_sync."""
    return os.path.join(_base(env, "XDG_CONFIG_HOME", ".config"), "cargo_sync", name)


def state_file(env: Mapping[str, str], name: str) -> str:
    """The path of our file `name` in $XDG_STATE_HOME/cargo_sync."""
    return os.path.join(
        _base(env, "XDG_STATE_HOME", os.path.join(".local", "state")), "cargo_sync", name
    )


def write_private(file: str, text: str) -> None:
    """Replace a whole file, durably; only its owner can read it. Raises OSError."""
    folder = os.path.dirname(file)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=os.path.basename(file) + ".")  # 0600
    try:
        with open(handle, "w", encoding="utf-8", errors="surrogateescape") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        os.replace(temporary, file)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def _base(env: Mapping[str, str], variable: str, default: str) -> str:
    value = env.get(variable, "")
    return (
        value
        if os.path.isabs(value)
        else os.path.join(env.get("HOME") or os.path.expanduser("~"), default)
    )
