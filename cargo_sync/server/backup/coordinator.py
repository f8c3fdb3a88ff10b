"""The coordinator: the ports in the server's file, connected, opened and closed."""

import secrets
from collections.abc import Callable
from typing import Final

from cargo_sync.backup_protocol.text import GREETING
from cargo_sync.config.backup import BackupSettings
from cargo_sync.model.world import Offload, World
from cargo_sync.process.doors import Doors, Tls
from cargo_sync.server.accounts.registry import Registry
from cargo_sync.server.backup.file_servers import FileServers
from cargo_sync.server.backup.frame_port import FramePort
from cargo_sync.server.backup.nicknames import Nicknames, UserLogin
from cargo_sync.server.backup.port import BackupPort
from cargo_sync.server.backup.shelf import BackupLogin, Shelves
from cargo_sync.server.backup.text_port import DEADLINE, TextPort
from cargo_sync.server.history.downloads import Downloads
from cargo_sync.state.accounts import Accounts
from cargo_sync.state.backup_files import BackupFiles
from cargo_sync.state.database import Database
from cargo_sync.state.file_servers import FileServerRows

REGISTERING: Final = 8
"""File servers that may register at the same time."""
NOWHERE = "outra porta, que não está aberta"


class Coordinator:
    """Serves the protocol from `start` to `close`."""

    def __init__(
        self,
        settings: BackupSettings,
        door: BackupLogin,
        shelves: Shelves,
        offload: Offload,
        file_servers: FileServers | None = None,
    ) -> None:
        self._settings = settings
        self._door = door
        self._shelves = shelves
        self._offload = offload
        self.file_servers = file_servers
        self._ports: list[BackupPort] = []

    async def start(self, context: Tls | None, doors: Doors) -> dict[str, tuple[str, int]]:
        """Opens the ports; returns the host and port of each, by its field in the file.

        Args:
            context: for the framed port; None for no encryption.
            doors: the process's TCP ports.

        Raises:
            ProblemError: `address`.
        """
        opened: dict[str, tuple[str, int]] = {}
        other = NOWHERE
        if self._settings.framed is not None:
            host, asked = self._settings.framed
            framed = FramePort(self._door, self._shelves, self._offload)
            port = BackupPort("framed", framed.serve, doors)
            bound = await self._opened(port, host, asked, context)
            opened["framed"] = (host, bound)
            other = f"porta {bound}"
        if self._settings.listen is not None:
            host, asked = self._settings.listen
            copy = self.file_servers.copy if self.file_servers else None
            text = TextPort(self._door, self._shelves, self._offload, other, DEADLINE, copy)
            port = BackupPort("listen", text.serve, doors, greeting=GREETING, handshake=DEADLINE)
            opened["listen"] = (host, await self._opened(port, host, asked, None))
        if self.file_servers and self._settings.file_servers:
            await self.file_servers.start()
            host, asked = self._settings.file_servers.listen
            port = BackupPort("file_servers", self.file_servers.serve, doors, most=REGISTERING)
            opened["file_servers"] = (host, await self._opened(port, host, asked, None))
        return opened

    async def close(self) -> None:
        """Takes no more connections; open ones have a moment to end."""
        for port in self._ports:
            await port.close()
        if self.file_servers is not None:
            await self.file_servers.close()

    async def _opened(self, port: BackupPort, host: str, asked: int, context: Tls | None) -> int:
        got = await port.start(host, asked, context)
        self._ports.append(port)
        return got


def coordinator(
    settings: BackupSettings,
    database: Database,
    world: World,
    registry: Registry,
    login: Callable[[Nicknames | None], UserLogin],
    downloads: Downloads,
) -> Coordinator:
    """The coordinator of a server; its ports are not open yet.

    Args:
        settings: the ports.
        database: the state.
        world: clock and threads.
        registry: the users.
        login: makes the login of both ports, with or without nicknames.
        downloads: hears of what is sent back.
    """
    nicknames = None
    if settings.nicknames is not None:
        nicknames = Nicknames(settings.nicknames, registry, Accounts(database), world.offload)
    shelves = Shelves(BackupFiles(database), downloads, world, _digits)
    file_servers = None
    if settings.file_servers is not None:
        file_servers = FileServers(settings.file_servers.allow, FileServerRows(database), world)
    return Coordinator(settings, login(nicknames), shelves, world.offload, file_servers)


def _digits(count: int) -> str:
    """That many unguessable decimal digits; the first one is not 0."""
    return str(secrets.randbelow(9 * 10 ** (count - 1)) + 10 ** (count - 1))
