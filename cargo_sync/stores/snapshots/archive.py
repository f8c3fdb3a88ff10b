"""What is in a snapshot: a tar archive, compressed with zlib, with the state as its last member.

    about.json    the number of this format, and the state_dir of that server
    server.json   the server's file
    state/…       files of its state_dir: the certificate that it has made itself, and its key
    keys/…        the keys of its control sockets
    state.db      its state

Who reads it believes what is sealed, and yet no name but these.
"""

import io
import re
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Final, Protocol, cast

from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.stores.snapshots.sealing import Stream

ABOUT: Final = "about.json"
FILE: Final = "server.json"
STATE: Final = "state.db"
_SMALL: Final = re.compile(
    r"about\.json|server\.json|state/server\.(crt|key)|keys/(own|admitted)\.json"
)
_MOST: Final = 16 << 20
"""Bytes of all small files together."""
_LEVEL: Final = 3
_PIECE: Final = 1 << 20


class ByteSink(Protocol):
    """What is written from the beginning to the end."""

    def write(self, content: bytes, /) -> int: ...


@dataclass(slots=True)
class Unpacked:
    """A snapshot that is being read.

    small  the small files, by their names
    state  gives the bytes of the state, which have not been read yet
    size   how many they are
    """

    small: Mapping[str, bytes] = field(repr=False)
    state: Stream = field(repr=False)
    size: int


def pack(out: ByteSink, small: Mapping[str, bytes], state: str) -> None:
    """Writes an archive.

    Args:
        out: gets it.
        small: files by their names.
        state: the path of a copy of the state, which nobody writes.

    Raises:
        OSError: the copy cannot be read.
    """
    packed = _Compressing(out)
    with tarfile.open(fileobj=cast(IO[bytes], packed), mode="w|", bufsize=_PIECE) as tar:
        for name, content in small.items():
            _add(tar, name, len(content), io.BytesIO(content))
        with open(state, "rb") as file:
            _add(tar, STATE, file.seek(0, io.SEEK_END), file)
    packed.close()


@contextmanager
def unpack(source: Stream) -> Iterator[Unpacked]:
    """Reads an archive; when the block ends in order, all of it was read and is whole.

    Raises:
        ProblemError: `corrupt`, and what the source raises.
    """
    plain = _Decompressing(source)
    try:
        with tarfile.open(fileobj=cast(IO[bytes], plain), mode="r|", bufsize=_PIECE) as tar:
            small = dict[str, bytes]()
            for member in tar:
                if member.name == STATE and member.isreg():
                    yield Unpacked(small, _opened(tar, member), member.size)
                    break
                left = _MOST - sum(map(len, small.values()))
                if not member.isreg() or not _SMALL.fullmatch(member.name) or member.size > left:
                    raise _corrupt(f"nobody knows what {member.name[:60]!r} in it is")
                small[member.name] = _opened(tar, member).read(member.size)
            else:
                raise _corrupt("there is no state in it")
    except (tarfile.TarError, zlib.error, EOFError) as error:
        raise _corrupt(str(error)) from error
    while plain.read(_PIECE):
        pass  # the last chunk proves that nothing was cut off


def _add(tar: tarfile.TarFile, name: str, size: int, content: IO[bytes]) -> None:
    content.seek(0)
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    tar.addfile(member, content)


def _opened(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Stream:
    found = tar.extractfile(member)
    assert found is not None, "it is a file"
    return found


class _Compressing:
    """A file that compresses what is written."""

    def __init__(self, out: ByteSink) -> None:
        self._out = out
        self._zlib = zlib.compressobj(_LEVEL)

    def write(self, content: bytes) -> int:
        if some := self._zlib.compress(content):
            self._out.write(some)
        return len(content)

    def close(self) -> None:
        self._out.write(self._zlib.flush())


class _Decompressing:
    """A file that gives what was compressed. Of what it reads it keeps a piece."""

    def __init__(self, source: Stream) -> None:
        self._source = source
        self._zlib = zlib.decompressobj()
        self._left = b""

    def read(self, size: int) -> bytes:
        found = bytearray()
        while len(found) < size:
            if not self._left and not (part := self._source.read(_PIECE)):
                break
            if not self._left:
                self._left = part
            found += self._zlib.decompress(self._left, size - len(found))
            self._left = self._zlib.unconsumed_tail
        return bytes(found)


def _corrupt(why: str) -> ProblemError:
    return ProblemError(Problem(Code.CORRUPT, f"the snapshot cannot be read: {why}", retry=False))
