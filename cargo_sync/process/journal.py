r"""The log in systemd's journal: one datagram per line, with its own fields.

The native protocol (https://systemd.io/JOURNAL_NATIVE_PROTOCOL/): `NAME=value\n`, or, for a value
with line breaks, `NAME\n`, its length as 64 bits little-endian, the value, `\n`.
"""

import os
import socket
import struct
from collections.abc import Callable, Mapping
from typing import Final

from cargo_sync.process.lines import LogLine

SOCKET: Final = "/run/systemd/journal/socket"
_PRIORITY: Final = {"critical": 2, "error": 3, "warning": 4, "info": 6, "debug": 7}


def is_ours(env: Mapping[str, str], fd: int = 2) -> bool:
    """Whether `fd` already goes to the journal: JOURNAL_STREAM has its device:inode."""
    try:
        found = os.fstat(fd)
    except OSError:
        return False
    return env.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"


class Journal:
    """Sends lines to the journal at `path`; lines that cannot be sent go `elsewhere`."""

    def __init__(
        self, identifier: str, elsewhere: Callable[[LogLine], None], path: str = SOCKET
    ) -> None:
        self._identifier = identifier
        self._elsewhere = elsewhere
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.setblocking(False)

    def __call__(self, line: LogLine) -> None:
        fields = {
            "MESSAGE": f"{line.message}\n{line.trace}" if line.trace else line.message,
            "PRIORITY": str(_PRIORITY.get(line.level, 6)),
            "SYSLOG_IDENTIFIER": self._identifier,
            "LOGGER": line.logger,
        } | {name.upper(): value for name, value in line.about.items()}
        try:
            # Not connected, because the journal may restart at any time.
            self._socket.sendto(b"".join(map(_field, fields, fields.values())), self._path)
        except OSError:
            self._elsewhere(line)

    def close(self) -> None:
        self._socket.close()


def _field(name: str, value: str) -> bytes:
    raw = value.encode()
    if b"\n" not in raw:
        return name.encode() + b"=" + raw + b"\n"
    return name.encode() + b"\n" + struct.pack("<Q", len(raw)) + raw + b"\n"
