"""One SSH connection and its SFTP channel, opened when it is needed, and again after a cut."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import asyncssh

from cargo_sync.model.problems import ProblemError
from cargo_sync.model.world import World
from cargo_sync.trees.sftp.login import HostKeys, SftpLogin, private_keys
from cargo_sync.trees.sftp.problems import translated

T = TypeVar("T")
CONNECT_SECONDS: Final = 30.0
ANSWER_SECONDS: Final = 120.0
"""So long a call may take, but for content: its steps may each."""
ALIVE_SECONDS: Final = 15.0
"""So often a silent server is asked whether it is still there; four silent times end it."""
WINDOW: Final = 16 * 2**20
"""Bytes that may be under way in each direction, for long links."""
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
        self._client: asyncssh.SFTPClient | None = None
        self.fingerprint = ""

    async def client(self) -> asyncssh.SFTPClient:
        """The channel, opened if there is none.

        Raises:
            ProblemError: the server cannot be reached, is not trusted, or refuses the login.
        """
        async with self._opening:
            if self._client is None or self._is_closed():
                await self._drop()
                self._client = await self._open()
            return self._client

    async def call(self, path: str, work: Callable[[asyncssh.SFTPClient], Awaitable[T]]) -> T:
        """Makes a short call about `path`.

        Raises:
            ProblemError: what the library raised, translated; the server does not answer.
        """

        async def answered(client: asyncssh.SFTPClient) -> T:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await work(client)

        return await self.long_call(path, answered)

    async def long_call(self, path: str, work: Callable[[asyncssh.SFTPClient], Awaitable[T]]) -> T:
        """As `call`, for one that moves content, and looks itself whether it is answered."""
        client = await self.client()
        with translated(self.login.where, path):
            try:
                return await work(client)
            except TimeoutError:
                await self.close()  # other calls would wait in vain, too
                raise

    async def close(self) -> None:
        async with self._opening:
            await self._drop()

    def _is_closed(self) -> bool:
        return self._connection is None or self._connection.is_closed()

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

    async def _open(self) -> asyncssh.SFTPClient:
        login = self.login
        keys = await self._world.offload(private_keys, login)
        trust = HostKeys(login)
        with translated(login.where, ""):
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    self._connection = await self._connected(trust, keys)
                    client = await self._connection.start_sftp_client(path_encoding=None)
            except asyncssh.HostKeyNotVerifiable as error:
                if trust.seen:
                    raise ProblemError(trust.refusal()) from error
                raise
        self.fingerprint = trust.seen
        return client

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
        connection, self._connection, self._client = self._connection, None, None
        if connection is not None:
            connection.abort()
            await connection.wait_closed()
