"""A port of the backup protocol: bound, with a limit of connections, and closed."""

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Awaitable, Callable
from typing import Final

from cargo_sync.model.problems import Code, Problem, ProblemError

CONNECTIONS: Final = 128
"""The most connections per port; further ones are closed at once."""
GOODBYE: Final = 1.0
HANDSHAKE: Final = 10.0
"""Seconds for TLS; a connection counts only after that."""

_log = logging.getLogger(__name__)

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class BackupPort:
    """One port and its connections."""

    def __init__(self, name: str, serve: Serve, most: int = CONNECTIONS) -> None:
        self._name = name
        self._serve = serve
        self._most = most
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()

    async def start(self, host: str, port: int, context: ssl.SSLContext | None = None) -> int:
        """Begins to listen; returns the port, which differs from `port` when that is 0.

        Raises:
            ProblemError: `address`.
        """
        try:
            self._server = await asyncio.start_server(
                self._connected,
                host,
                port,
                ssl=context,
                ssl_handshake_timeout=HANDSHAKE if context else None,
            )
        except OSError as error:
            message = f"{host} port {port} cannot be listened on: {error.strerror or error}"
            hint = f'change "{self._name}" in "backup", or stop the program that listens there'
            raise ProblemError(Problem(Code.ADDRESS, message, hint=hint)) from error
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Takes no more connections; open ones have a moment to end."""
        if self._server is None:
            return
        self._server.close()
        if self._open:
            _, late = await asyncio.wait(self._open, timeout=GOODBYE)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None, "asyncio runs each connection in a task"
        if len(self._open) >= self._most:
            writer.transport.abort()
            return
        self._open.add(task)
        try:
            await self._serve(reader, writer)
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            _log.info(
                "a client of the backup port %s is gone: %s",
                self._name,
                error or "silent for too long",
            )
        except Exception:
            _log.exception("a request on the backup port %s failed", self._name)
        finally:
            self._open.discard(task)
            with contextlib.suppress(OSError, TimeoutError):
                writer.close()
                async with asyncio.timeout(GOODBYE):
                    await writer.wait_closed()
