"""A larger file under way to an FTP server: how it ends."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import cast

import pytest

from cargo_sync.model.entries import Entry
from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.process.byte_stream import ByteStream
from cargo_sync.trees.ftp.calls import FtpCalls
from cargo_sync.trees.ftp.channel import FtpChannel
from cargo_sync.trees.ftp.line import FtpLine, FtpReply
from cargo_sync.trees.ftp.upload import FtpUpload
from cargo_sync.trees.ftp.ways import GoOn
from cargo_sync.trees.remote.contract import NewFile


class Silent:
    """A server whose data connection takes all, and never says that it has it."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.finishing = asyncio.Event()

    async def channel(self, command: str, place: str, start: int = 0) -> FtpChannel:
        return cast(FtpChannel, self)

    async def ended(self, channel: FtpChannel) -> None:
        await asyncio.sleep(0)
        self.said.append("its line is free")

    is_old = False

    async def write(self, content: memoryview) -> None:
        pass

    async def finish(self) -> str:
        self.finishing.set()
        await asyncio.Event().wait()
        return ""

    def drop(self) -> None:
        self.said.append("dropped")


async def publish(place: str, file: NewFile, replaced: Entry | None) -> Entry:
    raise AssertionError


async def remove(place: str) -> None:
    raise AssertionError


async def test_an_upload_that_is_stopped_twice_holds_no_connection() -> None:
    server = Silent()
    upload = FtpUpload(cast(FtpCalls, server), GoOn.RESTART, "place", 0, 2, publish, remove)

    async def pace(count: int) -> None:
        pass

    await upload.send(0, memoryview(b"x"), pace)
    leaving = asyncio.create_task(upload.leave())
    await server.finishing.wait()
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert server.said == ["dropped", "its line is free"]


class Line:
    """A control connection on which the server says that all is there."""

    broken = False
    login = SimpleNamespace(where="the server")

    async def last(self, path: str, mark: object) -> FtpReply:
        return FtpReply(226, ["all is there"])


class Ending(asyncio.Transport):
    """A connection with TLS whose end is told by `close`."""

    def __init__(self, close: Callable[[], None]) -> None:
        super().__init__({"sslcontext": "there"})
        self._ended = close

    def close(self) -> None:
        self._ended()


@pytest.mark.parametrize(
    ("end", "whole"),
    [(None, True), (ConnectionResetError(), True), (TimeoutError("SSL shutdown timed out"), False)],
)
async def test_what_could_not_be_sent_in_time_is_not_there(
    end: Exception | None, whole: bool
) -> None:
    line, stream = Line(), ByteStream(lambda: 0.0)
    stream.connection_made(Ending(lambda: stream.connection_lost(end)))
    channel = FtpChannel(cast(FtpLine, line), "a", stream)
    if whole:
        assert await channel.finish() == "all is there"
    else:
        with pytest.raises(ProblemError) as caught:
            await channel.finish()
        assert caught.value.problem.code is Code.UNREACHABLE
    assert line.broken is not whole
