"""The calls of SFTP, on one channel.

A call sends its request and returns a future of its answer, so several requests may be under way
without waiting for each other.
"""

import asyncio
from typing import Final

from cargo_sync.trees.sftp.exchange import SftpExchange, forget
from cargo_sync.wire.sftp.answers import (
    SftpRoom,
    attributes_of,
    data_of,
    done_of,
    handle_of,
    names_of,
    one_name_of,
    room_of,
)
from cargo_sync.wire.sftp.packets import (
    Attributes,
    Flags,
    Kind,
    Name,
    SftpError,
    SftpFormatError,
    Status,
)
from cargo_sync.wire.sftp.requests import (
    attributes,
    integer,
    long,
    span,
    text,
    write_head,
)

READING: Final = Flags.READ
MAKING: Final = Flags.WRITE | Flags.CREATE | Flags.TRUNCATE
MAKING_ONLY: Final = Flags.WRITE | Flags.CREATE | Flags.EXCLUSIVE
GOING_ON: Final = Flags.READ | Flags.WRITE
MOST_NAMES: Final = 4_000_000
"""Names of one folder, and answers with some of them: a list that is longer has no end."""
MAKING_TO_COMPARE: Final = Flags.READ | Flags.WRITE | Flags.CREATE | Flags.TRUNCATE


class SftpChannel(SftpExchange):
    """Calls over one channel. Its futures are those of `SftpExchange`."""

    # -- files that are open -----------------------------------------------------------------------

    def open(self, path: bytes, flags: int) -> asyncio.Future[bytes]:
        """Opens a file; gives its handle."""
        return self._ask(Kind.OPEN, handle_of, text(path), integer(flags), attributes(Attributes()))

    def give_back(self, opened: asyncio.Future[bytes]) -> None:
        """Closes what `open` has opened, or will have, because nobody wants it."""
        if not opened.done():
            opened.cancel()
        elif not opened.cancelled() and opened.exception() is None and self.is_open:
            forget(self.close(opened.result()))

    def close(self, handle: bytes) -> asyncio.Future[None]:
        return self._ask(Kind.CLOSE, done_of, text(handle))

    def read(self, handle: bytes, offset: int, length: int) -> asyncio.Future[bytes]:
        """Up to so many bytes; a server may send fewer before the end of the file."""
        return self._ask(Kind.READ, data_of, text(handle), span(offset, length))

    def write(
        self, handle: bytes, offset: int, content: bytes | memoryview
    ) -> asyncio.Future[None]:
        """Writes at most `longest` bytes. They must stay as they are in this turn of the loop."""
        number, future = self._new(done_of)
        self._send(write_head(number, handle, offset, len(content)), content)
        return future

    def fstat(self, handle: bytes) -> asyncio.Future[Attributes]:
        return self._ask(Kind.FSTAT, attributes_of, text(handle))

    def sync(self, handle: bytes) -> asyncio.Future[None]:
        """Makes what was written durable, where the server can: else it does nothing."""
        if self.offers(b"fsync@openssh.com"):
            return self._ask(Kind.EXTENDED, done_of, text(b"fsync@openssh.com"), text(handle))
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        future.set_result(None)
        return future

    def copy(self, source: bytes, target: bytes, offset: int, length: int) -> asyncio.Future[None]:
        """Copies so many bytes of an open file to the same place of another one, on the server.

        Nothing else is answered here meanwhile.

        Raises:
            SftpError: `UNSUPPORTED`: the server cannot.
        """
        if not self.offers(b"copy-data"):
            raise SftpError(Status.UNSUPPORTED)
        of, to = text(source) + long(offset) + long(length), text(target) + long(offset)
        return self._ask(Kind.EXTENDED, done_of, text(b"copy-data"), of, to)

    # -- names -------------------------------------------------------------------------------------

    def stat(self, path: bytes) -> asyncio.Future[Attributes]:
        return self._ask(Kind.STAT, attributes_of, text(path))

    def lstat(self, path: bytes) -> asyncio.Future[Attributes]:
        return self._ask(Kind.LSTAT, attributes_of, text(path))

    def setstat(self, path: bytes, wanted: Attributes) -> asyncio.Future[None]:
        return self._ask(Kind.SETSTAT, done_of, text(path), attributes(wanted))

    def remove(self, path: bytes) -> asyncio.Future[None]:
        return self._ask(Kind.REMOVE, done_of, text(path))

    def mkdir(self, path: bytes) -> asyncio.Future[None]:
        return self._ask(Kind.MKDIR, done_of, text(path), attributes(Attributes()))

    def rmdir(self, path: bytes) -> asyncio.Future[None]:
        return self._ask(Kind.RMDIR, done_of, text(path))

    def rename(self, path: bytes, to: bytes) -> asyncio.Future[None]:
        """Renames where nothing is at `to`; not all servers look."""
        return self._ask(Kind.RENAME, done_of, text(path), text(to))

    def replace(self, path: bytes, to: bytes) -> asyncio.Future[None]:
        """Renames over what is at `to`, in one step.

        Raises:
            SftpError: `UNSUPPORTED`: the server cannot.
        """
        name = b"posix-rename@openssh.com"
        if not self.offers(name):
            raise SftpError(Status.UNSUPPORTED)
        return self._ask(Kind.EXTENDED, done_of, text(name), text(path), text(to))

    def realpath(self, path: bytes) -> asyncio.Future[bytes]:
        return self._ask(Kind.REALPATH, one_name_of, text(path))

    def readlink(self, path: bytes) -> asyncio.Future[bytes]:
        return self._ask(Kind.READLINK, one_name_of, text(path))

    def symlink(self, target: bytes, path: bytes) -> asyncio.Future[None]:
        """Makes the link `path`."""
        both = (text(target), text(path)) if self._reversed else (text(path), text(target))
        return self._ask(Kind.SYMLINK, done_of, *both)

    def room(self, path: bytes) -> asyncio.Future[SftpRoom]:
        """How much may be written to the file system of a path.

        Raises:
            SftpError: `UNSUPPORTED`: the server does not say it.
        """
        name = b"statvfs@openssh.com"
        if not self.offers(name):
            raise SftpError(Status.UNSUPPORTED)
        return self._ask(Kind.EXTENDED, room_of, text(name), text(path))

    async def listing(self, path: bytes) -> list[Name]:
        """All that is in a folder, in any order."""
        handle = await self._ask(Kind.OPENDIR, handle_of, text(path))
        found: list[Name] = []
        try:
            # One after the other: servers may mix up those of one folder at the same time.
            for _ in range(MOST_NAMES):
                found += await self._ask(Kind.READDIR, names_of, text(handle))
                if len(found) > MOST_NAMES:
                    break
            raise SftpFormatError("a list of names without an end")
        except SftpError as error:
            if error.code != Status.END:
                raise
            return found
        finally:
            if self.is_open:
                forget(self.close(handle))
