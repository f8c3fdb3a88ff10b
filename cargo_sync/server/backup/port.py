"""A port of the backup protocol: bound, with a limit of connections, and closed."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from cargo_sync.machines.half_open import HANDSHAKE
from cargo_sync.model.problems import ProblemError, unopened_port
from cargo_sync.process.doors import Arrival, Door, Doors, Tls, speaks
from cargo_sync.process.tasks import contained

CONNECTIONS: Final = 128
"""The most connections of clients that have logged in, per port; further ones are closed at once.
"""
GOODBYE: Final = 1.0

_log = logging.getLogger(__name__)

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter, Arrival], Awaitable[None]]


class BackupPort:
    """One port and its connections.

    Args:
        name: its field in the server's file.
        serve: serves a connection.
        doors: the process's TCP ports.
        greeting: sent at once to each client.
        handshake: seconds that a client has to log in, or to send its request.
        most: the most connections of clients that have logged in.
    """

    def __init__(
        self,
        name: str,
        serve: Serve,
        doors: Doors,
        *,
        greeting: bytes = b"",
        handshake: float = HANDSHAKE,
        most: int = CONNECTIONS,
    ) -> None:
        self._name = name
        self._serve = serve
        self._doors = doors
        self._greeting = greeting
        self._handshake = handshake
        self._most = most
        self._door: Door | None = None
        self._open: dict[asyncio.Task[None], Arrival] = {}

    async def start(self, host: str, port: int, context: Tls | None = None) -> int:
        """Begins to listen; returns the port, which differs from `port` when that is 0.

        Raises:
            ProblemError: `address`.
        """
        try:
            self._door = await self._doors.open(
                host,
                port,
                speaks(self._connected, context),
                greeting=self._greeting,
                handshake=self._handshake,
            )
        except OSError as error:
            hint = f'change "{self._name}" in "backup", or stop the program that listens there'
            raise ProblemError(unopened_port(host, port, error, hint)) from error
        return self._door.port

    async def close(self) -> None:
        """Takes no more connections; open ones have a moment to end."""
        if self._door is None:
            return
        self._door.close()
        if self._open:
            _, late = await asyncio.wait(self._open, timeout=GOODBYE)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)

    def _connected(self, arrival: Arrival) -> asyncio.Protocol:
        reader = asyncio.StreamReader()
        return asyncio.StreamReaderProtocol(reader, partial(self._begin, arrival))

    def _begin(
        self, arrival: Arrival, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        arrival.owned(writer.transport.abort)
        if sum(one.inside for one in self._open.values()) >= self._most:
            arrival.left()
            writer.transport.abort()
            return
        served = self._served(arrival, reader, writer)
        task = asyncio.create_task(contained(served, "a connection to a backup port"))
        self._open[task] = arrival
        task.add_done_callback(self._open.pop)

    async def _served(
        self, arrival: Arrival, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            await self._serve(reader, writer, arrival)
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            _log.debug(
                "a client of the backup port %s is gone: %s",
                self._name,
                error or "silent for too long",
            )
        except Exception:
            _log.exception("a request on the backup port %s failed", self._name)
        finally:
            arrival.left()
            with contextlib.suppress(OSError, TimeoutError):
                writer.close()
                async with asyncio.timeout(GOODBYE):
                    await writer.wait_closed()
