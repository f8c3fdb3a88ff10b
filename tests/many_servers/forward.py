"""A TCP proxy on loopback. Each connection goes to the next of its targets that takes it."""

import asyncio
import itertools
import threading
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, Final

from cargo_sync.model.world import T

_ENDING: Final = 5.0
"""Seconds in which connections that are cut end."""
_PIECE: Final = 1 << 16
_REFUSAL: Final = (
    b"HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nConnection: close\r\n"
    b"Content-Length: 40\r\n\r\n<Error><Code>SlowDown</Code></Error>    "
)
Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Forward:
    """It works in a thread of its own, until it is closed.

    refused  how many requests were answered with 503
    gets     how many requests for content went on to a target
    """

    def __init__(self, port: int, targets: Sequence[int]) -> None:
        self.refused = self.gets = 0
        self._port = port
        self._targets = targets
        self._next = itertools.count()
        self._refuses = False
        self._open = set[asyncio.StreamWriter]()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._call(asyncio.start_server(self._serve, "127.0.0.1", port))

    def refuse(self, refuses: bool) -> None:
        """From now on all requests are answered with 503, or none; connections are cut."""
        self._refuses = refuses
        self._call(self._cut())

    def close(self) -> None:
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    # -- within ------------------------------------------------------------------------------------

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _cut(self) -> None:
        for one in list(self._open):
            one.transport.abort()

    async def _end(self) -> None:
        """All connections are cut, and nobody serves them any more."""
        self._server.close()
        await self._cut()
        if serving := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(serving, timeout=_ENDING)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            if self._refuses:
                await reader.readuntil(b"\r\n\r\n")
                self.refused += 1
                writer.write(_REFUSAL)
                await writer.drain()
            elif (found := await self._connected()) is not None:
                self._open.add(found[1])
                await asyncio.gather(
                    _carry(reader, found[1], self._asked), _carry(found[0], writer, _nothing)
                )
                self._open.discard(found[1])
        except (OSError, EOFError, asyncio.LimitOverrunError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    def _asked(self, piece: bytes) -> None:
        """A client waits for each answer: so a request begins a piece."""
        self.gets += piece.startswith(b"GET ")

    async def _connected(self) -> Stream | None:
        first = next(self._next)
        for number in range(len(self._targets)):
            target = self._targets[(first + number) % len(self._targets)]
            with suppress(OSError):
                return await asyncio.open_connection("127.0.0.1", target)
        return None


async def _carry(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: Callable[[bytes], None]
) -> None:
    try:
        while piece := await reader.read(_PIECE):
            seen(piece)
            writer.write(piece)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
    except OSError:
        writer.transport.abort()


def _nothing(_: bytes) -> None:
    return
