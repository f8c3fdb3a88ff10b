"""A file on an FTP server that is being read."""

from collections.abc import AsyncIterator

from cargo_sync.model.entries import Entry
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.world import Offload
from cargo_sync.process.passing_on import Put
from cargo_sync.trees.ftp.calls import FtpCalls
from cargo_sync.trees.ftp.channel import FtpChannel
from cargo_sync.trees.remote.problems import was_changed


class FtpContent:
    """What is read from `start` on. See `RemoteContent`.

    The file is looked at before it is opened, and again at its end.
    """

    mtime_ns = None
    mode = None

    def __init__(
        self, calls: FtpCalls, channel: FtpChannel, path: str, entry: Entry, start: int
    ) -> None:
        self._calls = calls
        self._channel: FtpChannel | None = channel
        self._path = path
        self._entry = entry
        self._left = entry.size - start

    async def __aiter__(self) -> AsyncIterator[bytes | memoryview]:
        channel = self._channel
        assert channel is not None, "it is read once"
        while piece := await channel.read():
            if len(piece) > self._left:
                raise was_changed(self._path)
            self._left -= len(piece)
            yield piece
        self._channel = None
        try:
            await channel.finish()
        finally:
            await self._calls.ended(channel)
        await self._calls.expect(self._path, self._entry)
        if self._left:
            message = f"the content of {self._path!r} ended early"
            raise ProblemError(Problem(Code.CUT, message, self._path))

    async def pass_on(self, most: int, put: Put, offload: Offload) -> int:
        assert self._channel is not None, "it is being read"
        count = await self._channel.pass_on(min(most, self._left), put, offload)
        self._left -= count
        return count

    async def close(self) -> None:
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.drop()
            await self._calls.ended(channel)
