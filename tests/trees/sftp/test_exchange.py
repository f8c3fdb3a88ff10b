"""One SFTP channel without a server: what goes out, and what becomes of the answers."""

import asyncio
import struct
from typing import Any

import pytest

from cargo_sync.trees.sftp import channel as channel_module
from cargo_sync.trees.sftp.channel import READING, SftpChannel
from cargo_sync.trees.sftp.exchange import LATE_SECONDS, LEAST, LONGEST, SAFE, SILENT_SECONDS
from cargo_sync.wire.sftp.answers import Fields, SftpAnswer, SftpAnswers
from cargo_sync.wire.sftp.packets import Attributes, Kind, SftpError, SftpFormatError, Status
from cargo_sync.wire.sftp.requests import attributes, integer, request, text


class Line:
    """What asyncssh calls a channel."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.aborted = False

    def write(self, some: bytes) -> None:
        self.written.append(some)

    def abort(self) -> None:
        self.aborted = True

    def get_extra_info(self, name: str, default: object) -> object:
        return "SSH-2.0-OpenSSH_9.2" if name == "server_version" else default

    def sent(self) -> list[SftpAnswer]:
        """The requests since the last time."""
        found = list(SftpAnswers().feed(b"".join(self.written)))
        self.written.clear()
        return found


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def opened(clock: Clock, *extensions: bytes) -> tuple[SftpChannel, Line]:
    line: Any = Line()
    channel = SftpChannel(clock)
    channel.connection_made(line)
    starting = asyncio.create_task(channel.start())
    await asyncio.sleep(0)
    offered = [field for name in extensions for field in (text(name), text(b"1"))]
    channel.data_received(request(Kind.VERSION, 3, *offered), None)
    await starting
    line.written.clear()
    return channel, line


def answer(channel: SftpChannel, kind: int, number: int, *fields: bytes) -> None:
    channel.data_received(request(kind, number, *fields), None)


async def test_what_is_asked_in_one_turn_goes_together_and_answers_come_in_any_order() -> None:
    channel, line = await opened(Clock())
    looked, removed = channel.lstat(b"/a"), channel.remove(b"/b")
    assert not line.written
    await asyncio.sleep(0)
    assert len(line.written) == 1
    first, second = line.sent()
    assert (first.kind, second.kind) == (Kind.LSTAT, Kind.REMOVE)
    answer(channel, Kind.STATUS, second.number, integer(Status.FAILURE), text(b"Failure"))
    answer(channel, Kind.ATTRS, first.number, attributes(Attributes(5)))
    assert await looked == Attributes(5)
    with pytest.raises(SftpError):
        await removed


async def test_a_file_that_nobody_waits_for_is_closed() -> None:
    for answered_first in (True, False):
        channel, line = await opened(Clock())
        handle = channel.open(b"/a", READING)
        await asyncio.sleep(0)
        [asked] = line.sent()
        if answered_first:
            answer(channel, Kind.HANDLE, asked.number, text(b"h"))
        channel.give_back(handle)
        if not answered_first:
            answer(channel, Kind.HANDLE, asked.number, text(b"h"))
        await asyncio.sleep(0)
        [closed] = line.sent()
        assert (closed.kind, Fields(closed.body).text()) == (Kind.CLOSE, b"h")


async def test_what_the_server_does_not_offer_is_not_asked() -> None:
    channel, line = await opened(Clock())
    await channel.sync(b"h")
    for call in (
        lambda: channel.replace(b"/a", b"/b"),
        lambda: channel.room(b"/"),
        lambda: channel.copy(b"h", b"g", 0, 1),
    ):
        with pytest.raises(SftpError) as caught:
            call()
        assert caught.value.code == Status.UNSUPPORTED
    await asyncio.sleep(0)
    assert not line.written
    offering, line = await opened(Clock(), b"fsync@openssh.com")
    offering.sync(b"h").cancel()
    await asyncio.sleep(0)
    assert [one.kind for one in line.sent()] == [Kind.EXTENDED]


async def test_bytes_that_are_no_sftp_end_everything() -> None:
    for wrong in (b"\0\0\0\0garbage!!", request(Kind.STATUS, 99, integer(0))):
        channel, line = await opened(Clock())
        looked, other = channel.lstat(b"/a"), channel.lstat(b"/b")
        channel.data_received(wrong, None)
        for one in (looked, other):
            with pytest.raises(SftpFormatError):
                await one
        assert line.aborted and not channel.is_open
        with pytest.raises(ConnectionError):
            channel.lstat(b"/c")


async def test_a_cut_reaches_all_who_wait() -> None:
    channel, _ = await opened(Clock())
    looked = channel.lstat(b"/a")
    channel.connection_lost(None)
    with pytest.raises(ConnectionError):
        await looked


async def test_a_server_that_does_not_answer_is_found_out() -> None:
    clock = Clock()
    channel, line = await opened(clock)
    clock.now += 10 * SILENT_SECONDS
    assert not channel.is_stuck(), "nothing was asked"
    looked = channel.lstat(b"/a")
    clock.now += SILENT_SECONDS
    assert not channel.is_stuck()
    clock.now += 1
    assert channel.is_stuck()
    await asyncio.sleep(0)
    other = channel.lstat(b"/b")
    await asyncio.sleep(0)
    answer(channel, Kind.ATTRS, line.sent()[-1].number, attributes(Attributes()))
    assert not channel.is_stuck(), "it answers others"
    clock.now += LATE_SECONDS
    assert channel.is_stuck()
    channel.end(TimeoutError())
    assert await other == Attributes()
    with pytest.raises(TimeoutError):
        await looked


@pytest.mark.parametrize(
    ("said", "taken"), [(0, SAFE), (1, LEAST), (LEAST + 1, LEAST + 1), (2**63, LONGEST)]
)
async def test_a_server_says_how_much_one_request_may_have(said: int, taken: int) -> None:
    line: Any = Line()
    channel = SftpChannel(Clock())
    channel.connection_made(line)
    starting = asyncio.create_task(channel.start())
    await asyncio.sleep(0)
    offered = text(b"limits@openssh.com") + text(b"1")
    channel.data_received(request(Kind.VERSION, 3, offered), None)
    while len(line.written) < 2:
        await asyncio.sleep(0)
    answer(channel, Kind.EXTENDED_REPLY, 1, struct.pack(">4Q", 0, said, said, 0))
    await starting
    assert channel.longest == (taken, taken)


@pytest.mark.parametrize("names", [0, 2])
async def test_a_list_of_names_without_an_end_is_given_up(
    names: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel_module, "MOST_NAMES", 5)
    channel, line = await opened(Clock())
    listing = asyncio.create_task(channel.listing(b"/a"))
    some = [text(b"n"), text(b""), attributes(Attributes())] * names
    asked = 0
    while not listing.done():
        await asyncio.sleep(0)
        for one in line.sent() if line.written else []:
            if one.kind == Kind.OPENDIR:
                answer(channel, Kind.HANDLE, one.number, text(b"h"))
            elif one.kind == Kind.READDIR:
                asked += 1
                assert asked <= 5
                answer(channel, Kind.NAME, one.number, integer(names), *some)
    with pytest.raises(SftpFormatError, match="without an end"):
        await listing
    await asyncio.sleep(0)
    assert [one.kind for one in line.sent()] == [Kind.CLOSE], "the handle is given back"
