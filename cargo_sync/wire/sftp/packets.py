"""Kinds of packets, what a server says of a request, and attributes of files."""

import stat
import struct
from enum import IntEnum
from typing import Final, NamedTuple

VERSION: Final = 3


class Kind(IntEnum):
    """Kinds of packets."""

    INIT = 1
    VERSION = 2
    OPEN = 3
    CLOSE = 4
    READ = 5
    WRITE = 6
    LSTAT = 7
    FSTAT = 8
    SETSTAT = 9
    OPENDIR = 11
    READDIR = 12
    REMOVE = 13
    MKDIR = 14
    RMDIR = 15
    REALPATH = 16
    STAT = 17
    RENAME = 18
    READLINK = 19
    SYMLINK = 20
    STATUS = 101
    HANDLE = 102
    DATA = 103
    NAME = 104
    ATTRS = 105
    EXTENDED = 200
    EXTENDED_REPLY = 201


class Status(IntEnum):
    """What a server says of a request: those of version 3, and later ones that servers send too."""

    OK = 0
    END = 1
    NO_SUCH_FILE = 2
    PERMISSION_DENIED = 3
    FAILURE = 4
    BAD_MESSAGE = 5
    NO_CONNECTION = 6
    CONNECTION_LOST = 7
    UNSUPPORTED = 8
    NO_SUCH_PATH = 10
    ALREADY_EXISTS = 11
    WRITE_PROTECT = 12
    NO_SPACE = 14
    QUOTA_EXCEEDED = 15
    DIR_NOT_EMPTY = 18
    NOT_A_DIRECTORY = 19
    INVALID_NAME = 20
    IS_A_DIRECTORY = 24


class Flags(IntEnum):
    """How a file is opened."""

    READ = 1
    WRITE = 2
    CREATE = 8
    TRUNCATE = 16
    EXCLUSIVE = 32


class SftpFormatError(ValueError):
    """Bytes that are no SFTP."""


class SftpError(Exception):
    """A server refused a request.

    code  a `Status`, or a number that we do not know
    said  its own words; "" if it said none
    """

    def __init__(self, code: int, said: str = "") -> None:
        super().__init__(code, said)
        self.code = code
        self.said = said


class Attributes(NamedTuple):
    """What is said of a file; None of what is not said.

    size   bytes
    mode   its kind and its permission bits
    mtime  seconds since 1970, from 0 to 2**32 - 1
    """

    size: int | None = None
    mode: int | None = None
    mtime: int | None = None

    @property
    def is_folder(self) -> bool:
        return stat.S_ISDIR(self.mode or 0)

    @property
    def is_link(self) -> bool:
        return stat.S_ISLNK(self.mode or 0)


class Name(NamedTuple):
    """A name in a folder."""

    name: bytes
    attributes: Attributes


HAS_SIZE: Final = 1
HAS_OWNER: Final = 2
HAS_MODE: Final = 4
HAS_TIMES: Final = 8
IS_EXTENDED: Final = 0x80000000
"""Which attributes are in a packet."""
HEAD: Final = struct.Struct(">IBI")
"""Length of what follows it, kind, and number of a packet."""
INTEGER: Final = struct.Struct(">I")
