"""Packets of a server, put together from the bytes of a connection and taken apart."""

import struct
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from cargo_sync.wire.sftp.packets import (
    HAS_MODE,
    HAS_OWNER,
    HAS_SIZE,
    HAS_TIMES,
    HEAD,
    INTEGER,
    IS_EXTENDED,
    Attributes,
    Kind,
    Name,
    SftpError,
    SftpFormatError,
    Status,
)

MOST: Final = 4 * 2**20
"""Bytes of the longest packet that is taken."""
_STATVFS: Final = struct.Struct(">11Q")


class SftpRoom(NamedTuple):
    """The file system of a path (statvfs@openssh.com).

    free         bytes that this user may still write
    free_inodes  files that may still be made; None if that is not counted
    """

    free: int
    free_inodes: int | None


class SftpAnswer(NamedTuple):
    """A packet of a server. Of `Kind.VERSION`, the number is the version."""

    kind: int
    number: int
    body: bytes


class SftpAnswers:
    """Puts packets together from the bytes of a connection."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, some: bytes) -> Iterator[SftpAnswer]:
        """Takes bytes; yields the packets that are complete with them.

        Raises:
            SftpFormatError: they are no packets.
        """
        held = self._held
        held += some
        at, end = 0, len(held)
        try:
            while end - at >= 9:
                length, kind, number = HEAD.unpack_from(held, at)
                if not 5 <= length <= MOST:
                    raise SftpFormatError(f"a packet of {length} bytes")
                if end - at < 4 + length:
                    break
                body = bytes(memoryview(held)[at + 9 : at + 4 + length])
                at += 4 + length
                yield SftpAnswer(kind, number, body)
        finally:
            del held[:at]


class Fields:
    """The fields of a packet, in their order. All raise SftpFormatError if they are not there."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    @property
    def more(self) -> bool:
        return self._at < len(self._body)

    def integer(self) -> int:
        [value] = self._unpack(INTEGER)
        return value

    def long(self) -> int:
        return self.integer() << 32 | self.integer()

    def text(self) -> bytes:
        end = self.integer() + self._at
        if end > len(self._body):
            raise SftpFormatError("a string is cut")
        found = self._body[self._at : end]
        self._at = end
        return found

    def attributes(self) -> Attributes:
        flags = self.integer()
        size = self.long() if flags & HAS_SIZE else None
        if flags & HAS_OWNER:
            self.long()
        mode = self.integer() if flags & HAS_MODE else None
        mtime = None
        if flags & HAS_TIMES:
            self.integer()
            mtime = self.integer()
        if flags & IS_EXTENDED:
            for _ in range(self.integer()):
                self.text()
                self.text()
        return Attributes(size, mode, mtime)

    def _unpack(self, shape: struct.Struct) -> tuple[int, ...]:
        try:
            found = shape.unpack_from(self._body, self._at)
        except struct.error as error:
            raise SftpFormatError("a packet is cut") from error
        self._at += shape.size
        return found


def done_of(answer: SftpAnswer) -> None:
    """Nothing but that it was done. So do the others: they raise SftpError if it was not."""
    _refused_unless(answer, Kind.STATUS)


def handle_of(answer: SftpAnswer) -> bytes:
    """Of a file or a folder that is open now."""
    _refused_unless(answer, Kind.HANDLE)
    return Fields(answer.body).text()


def data_of(answer: SftpAnswer) -> bytes:
    """Content; SftpError with `Status.END` after the end of the file."""
    _refused_unless(answer, Kind.DATA)
    return Fields(answer.body).text()


def attributes_of(answer: SftpAnswer) -> Attributes:
    """Of a file, a folder or a link."""
    _refused_unless(answer, Kind.ATTRS)
    return Fields(answer.body).attributes()


def names_of(answer: SftpAnswer) -> list[Name]:
    """Names of a folder; SftpError with `Status.END` after the last one."""
    _refused_unless(answer, Kind.NAME)
    fields, found = Fields(answer.body), list[Name]()
    for _ in range(fields.integer()):
        name = fields.text()
        fields.text()  # a line as `ls -l` writes it
        found.append(Name(name, fields.attributes()))
    return found


def one_name_of(answer: SftpAnswer) -> bytes:
    """The only name of an answer."""
    found = names_of(answer)
    if len(found) != 1:
        raise SftpFormatError(f"{len(found)} names instead of one")
    return found[0].name


def room_of(answer: SftpAnswer) -> SftpRoom:
    """Of a file system."""
    _refused_unless(answer, Kind.EXTENDED_REPLY)
    try:
        _, size, _, _, free, files, _, free_files, *_ = _STATVFS.unpack_from(answer.body)
    except struct.error as error:
        raise SftpFormatError("a packet is cut") from error
    return SftpRoom(size * free, free_files if files else None)


def limits_of(answer: SftpAnswer) -> tuple[int, int]:
    """The most bytes of one read, and of one write (limits@openssh.com); 0 if it says none."""
    _refused_unless(answer, Kind.EXTENDED_REPLY)
    fields = Fields(answer.body)
    fields.long()
    return fields.long(), fields.long()


def extensions_of(answer: SftpAnswer) -> Mapping[bytes, bytes]:
    """What a server offers beyond version 3: names and versions."""
    if answer.kind != Kind.VERSION:
        raise SftpFormatError("no version comes first")
    fields, found = Fields(answer.body), dict[bytes, bytes]()
    while fields.more:
        name = fields.text()
        found[name] = fields.text()
    return found


def _refused_unless(answer: SftpAnswer, wanted: Kind) -> None:
    """Raises SftpError: the answer says that the request was not done."""
    if answer.kind == Kind.STATUS:
        fields = Fields(answer.body)
        code = fields.integer()
        if code == Status.OK and wanted == Kind.STATUS:
            return
        said = fields.text().decode(errors="replace") if fields.more else ""
        if code == Status.OK:
            raise SftpFormatError("a request for something was answered with nothing")
        raise SftpError(code, said)
    if answer.kind != wanted:
        raise SftpFormatError(f"an answer of kind {answer.kind}")
