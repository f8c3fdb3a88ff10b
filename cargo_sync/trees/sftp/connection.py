"""One SSH connection and its SFTP channels, opened when they are needed, and again after a cut."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, Final, TypeVar

import asyncssh

from cargo_sync.model.problems import ProblemError
from cargo_sync.model.world import World
from cargo_sync.process.line_progress import moved_bytes
from cargo_sync.trees.sftp.channel import SftpChannel
from cargo_sync.trees.sftp.login import HostKeys, SftpLogin, private_keys
from cargo_sync.trees.sftp.problems import translated
from cargo_sync.wire.sftp.packets import SftpError, SftpFormatError

T = TypeVar("T")
CONNECT_SECONDS: Final = 30.0
_MORE_THAN_SIGNS_OF_LIFE: Final = 4 * 2**10
"""Bytes in `ALIVE_SECONDS` that are content, and not only questions whether the server is there."""
ALIVE_SECONDS: Final = 15.0
"""So often a silent server is asked whether it is still there; four silent times end it."""
WINDOW: Final = 16 * 2**20
"""Bytes that may be under way to us in one channel, for long links."""
PACKET: Final = 128 * 2**10
"""Bytes that the server may put into one packet: the fewer packets, the less there is to do."""
CHANNELS: Final = 8
"""The most channels; OpenSSH allows ten. A server does one thing at a time in each, and waits
for its disk when a file is synced."""
BUSY: Final = 2
"""Files that are written on one channel before another one is opened."""
_ENCRYPTION: Final = (
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
    "aes256-ctr",
    "aes192-ctr",
    "aes128-ctr",
)
"""The fastest first: AES-GCM seals in one pass."""


class SftpConnection:
    """Calls to one server as one user. All of them share one connection.

    fingerprint  of the host key, `SHA256:…`; "" before the first connection
    """

    def __init__(self, login: SftpLogin, world: World) -> None:
        self.login = login
        self._world = world
        self._opening = asyncio.Lock()
        self._connection: asyncssh.SSHClientConnection | None = None
        self._channels: list[SftpChannel] = []
        self._most = CHANNELS
        self._grows = False
        self._tasks: set[asyncio.Task[None]] = set()
        self.fingerprint = ""

    async def channel(self) -> SftpChannel:
        """The first channel, opened if there is none.

        Raises:
            ProblemError: the server cannot be reached, is not trusted, or refuses the login.
        """
        if not self._is_open:
            async with self._opening:
                if not self._is_open:
                    await self._drop()
                    await self._open()
        return self._channels[0]

    async def channel_to_write(self) -> SftpChannel:
        """A channel on which a file is to be written: whoever does counts it in `under_way`."""
        await self.channel()
        chosen = min(self._channels, key=lambda one: (not one.is_open, one.under_way))
        if chosen.under_way >= BUSY and len(self._channels) < self._most and not self._grows:
            self._grows = True
            self._begin(self._grow())
        return chosen

    async def call(self, path: str, work: Callable[[SftpChannel], Awaitable[T]]) -> T:
        """Makes calls about `path`.

        Raises:
            ProblemError: what the library raised, translated; the server does not answer.
        """
        channel = await self.channel()
        with translated(self.login.where, path):
            return await work(channel)

    async def close(self) -> None:
        async with self._opening:
            await self._drop()

    @property
    def _is_open(self) -> bool:
        return bool(self._channels) and self._channels[0].is_open

    async def host_key(self) -> tuple[str, bool]:
        """The fingerprint of the server's host key, and whether it is trusted. Nobody logs in.

        Raises:
            ProblemError: the server cannot be reached, or shows no key.
        """
        trust = HostKeys(self.login, only_look=True)
        with translated(self.login.where, ""):
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    connection = await self._connected(trust, [])
            except asyncssh.HostKeyNotVerifiable:
                if not trust.seen:
                    raise
            else:
                connection.abort()  # it cannot be: no key was accepted
        return trust.seen, trust.is_known

    async def _open(self) -> None:
        login = self.login
        keys = await self._world.offload(private_keys, login)
        trust = HostKeys(login)
        with translated(login.where, ""):
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    self._connection = await self._connected(trust, keys)
                    self._channels = [await self._started(self._connection)]
            except asyncssh.HostKeyNotVerifiable as error:
                if trust.seen:
                    raise ProblemError(trust.refusal()) from error
                raise
        self._most = CHANNELS
        self.fingerprint = trust.seen
        self._begin(self._watch(self._connection))

    async def _started(self, connection: asyncssh.SSHClientConnection) -> SftpChannel:
        """One more channel."""
        _, channel = await connection.create_session(
            lambda: SftpChannel(self._world.steady),
            subsystem="sftp",
            encoding=None,
            window=WINDOW,
            max_pktsize=PACKET,
        )
        assert isinstance(channel, SftpChannel)
        await channel.start()
        return channel

    async def _grow(self) -> None:
        """Opens one more channel; a server that allows no more is not asked again."""
        connection = self._connection
        try:
            if connection is None:
                return
            async with asyncio.timeout(CONNECT_SECONDS):
                channel = await self._started(connection)
        except (asyncssh.Error, OSError, SftpError, SftpFormatError):
            self._most = len(self._channels)
            return
        finally:
            self._grows = False
        if self._connection is connection:
            self._channels = [*(one for one in self._channels if one.is_open), channel]

    async def _watch(self, connection: asyncssh.SSHClientConnection) -> None:
        """Ends the connection if the server does not answer any more.

        On a slow line an answer may take long: what was asked, or is to come, is on its way then.
        """
        line = connection.get_extra_info("socket")
        moved = 0
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(ALIVE_SECONDS):
                    await connection.wait_closed()
                return
            before, moved = moved, sum(moved_bytes(line) or ())
            if moved - before >= _MORE_THAN_SIGNS_OF_LIFE:
                for channel in self._channels:
                    channel.moves()
            if any(channel.is_stuck() for channel in self._channels):
                for channel in self._channels:
                    channel.end(TimeoutError())
                connection.abort()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connected(
        self, trust: HostKeys, keys: list[asyncssh.SSHKey]
    ) -> asyncssh.SSHClientConnection:
        login = self.login
        connection, _ = await asyncssh.create_connection(
            lambda: trust,
            login.host,
            login.port,
            username=login.username,
            password=login.password() if login.password is not None else None,
            client_keys=keys or None,
            agent_path=() if login.agent else None,
            known_hosts=b"",  # `trust` is asked about every key
            x509_trusted_certs=None,
            config=None,
            encryption_algs=list(_ENCRYPTION),
            compression_algs=None,
            keepalive_interval=ALIVE_SECONDS,
            keepalive_count_max=4,
            client_version="Cargo",
        )
        return connection

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        channels, self._channels = self._channels, []
        tasks, self._tasks = self._tasks, set()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for channel in channels:
            channel.end(ConnectionResetError("the connection was closed"))
        if connection is not None:
            connection.abort()
            await connection.wait_closed()
