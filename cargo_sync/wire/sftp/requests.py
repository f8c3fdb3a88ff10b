"""Packets of a client."""

import struct
from typing import Final

from cargo_sync.wire.sftp.packets import (
    HAS_MODE,
    HAS_SIZE,
    HAS_TIMES,
    HEAD,
    INTEGER,
    VERSION,
    Attributes,
    Kind,
)

_LONG: Final = struct.Struct(">Q")
_OFFSET_AND_LENGTH: Final = struct.Struct(">QI")


def text(value: bytes) -> bytes:
    """A string as it is in a packet."""
    return INTEGER.pack(len(value)) + value


def integer(value: int) -> bytes:
    """A number as it is in a packet."""
    return INTEGER.pack(value)


def long(value: int) -> bytes:
    """A number of 64 bits as it is in a packet."""
    return _LONG.pack(value)


def hello() -> bytes:
    """The first packet of a client."""
    return struct.pack(">IBI", 5, Kind.INIT, VERSION)


def request(kind: int, number: int, *fields: bytes) -> bytes:
    """A request with its number; its fields are packed already."""
    body = b"".join(fields)
    return HEAD.pack(5 + len(body), kind, number) + body


def write_head(number: int, handle: bytes, offset: int, length: int) -> bytes:
    """What comes before the content in a request to write it."""
    fields = text(handle) + _OFFSET_AND_LENGTH.pack(offset, length)
    return HEAD.pack(5 + len(fields) + length, Kind.WRITE, number) + fields


def span(offset: int, length: int) -> bytes:
    """Which bytes are to be read."""
    return _OFFSET_AND_LENGTH.pack(offset, length)


def attributes(wanted: Attributes) -> bytes:
    """Attributes that are to be set; an access time is set with the modification time."""
    flags, fields = 0, b""
    if wanted.size is not None:
        flags, fields = flags | HAS_SIZE, fields + long(wanted.size)
    if wanted.mode is not None:
        flags, fields = flags | HAS_MODE, fields + integer(wanted.mode)
    if wanted.mtime is not None:
        flags, fields = flags | HAS_TIMES, fields + struct.pack(">II", wanted.mtime, wanted.mtime)
    return integer(flags) + fields
