"""How this server sets times and goes on with a file: found out with files of our own.

What a server says that it can do is not believed: some answer a command and do nothing, and an
upload that goes on is appended, written over the beginning, or refused.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cargo_sync.model.abilities import SECOND
from cargo_sync.model.entries import Entry
from cargo_sync.trees.ftp.entries import written
from cargo_sync.trees.ftp.problems import FtpRefusalError

_TIME: Final = 1_000_000_000 * SECOND
_MODE: Final = 0o640
_FIRST: Final = b"car"
_REST: Final = b"go"


class SetTime(StrEnum):
    """The command that sets the time of a file."""

    MFMT = "MFMT"
    MDTM = "MDTM"
    """Two arguments; without the second one it asks for the time."""
    NONE = ""


class GoOn(StrEnum):
    """How a file goes on at its end."""

    APPEND = "APPE"
    RESTART = "STOR"
    """After REST."""
    NONE = ""


@dataclass(frozen=True, slots=True)
class FtpWays:
    """What works on a server.

    time   sets the time of a file
    go_on  adds to a file
    modes  SITE CHMOD sets the mode, and the server says it afterwards
    """

    time: SetTime = SetTime.MFMT
    go_on: GoOn = GoOn.NONE
    modes: bool = False


@dataclass(frozen=True, slots=True)
class ProbeCalls:
    """What is tried with one file of ours.

    store  puts a content there, or adds it from a byte on in a way
    fetch  reads it
    """

    store: Callable[[bytes, int, GoOn], Awaitable[None]]
    fetch: Callable[[], Awaitable[bytes]]
    set_time: Callable[[SetTime, int], Awaitable[None]]
    set_mode: Callable[[int], Awaitable[None]]
    there: Callable[[], Awaitable[Entry]]


async def find_out(calls: ProbeCalls) -> FtpWays:
    """Tries all of it.

    Raises:
        ProblemError: nothing can be written there, or the connection failed.
    """
    await calls.store(_FIRST, 0, GoOn.NONE)
    return FtpWays(await _time(calls), await _go_on(calls), await _modes(calls))


async def _time(calls: ProbeCalls) -> SetTime:
    for way in (SetTime.MFMT, SetTime.MDTM):
        try:
            await calls.set_time(way, _TIME)
        except FtpRefusalError:
            continue
        if (await calls.there()).mtime_ns == _TIME:
            return way
    return SetTime.NONE


async def _go_on(calls: ProbeCalls) -> GoOn:
    for way in (GoOn.APPEND, GoOn.RESTART):
        try:
            await calls.store(_FIRST, 0, GoOn.NONE)
            await calls.store(_REST, len(_FIRST), way)
        except FtpRefusalError:
            continue
        if await calls.fetch() == _FIRST + _REST:
            return way
    return GoOn.NONE


async def _modes(calls: ProbeCalls) -> bool:
    with suppress(FtpRefusalError):
        await calls.set_mode(_MODE)
    return (await calls.there()).mode == _MODE


def command_of(way: SetTime, mtime_ns: int, place: str) -> str:
    """The command that sets the time of the file at a place on the server."""
    return f"{way.value} {written(mtime_ns)} {place}"
