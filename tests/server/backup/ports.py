"""Both ports over a real workspace of ana's, and clients that are nothing but sockets."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from cargo_sync.backup_protocol import frames
from cargo_sync.backup_protocol.messages import BackupRefusal
from cargo_sync.backup_protocol.text import GREETING, NO_NICKNAME
from cargo_sync.model.world import Offload, World
from cargo_sync.process.doors import Doors
from cargo_sync.server.accounts.access import Access, Grants
from cargo_sync.server.accounts.permits import Permit, Permits
from cargo_sync.server.backup.frame_port import FramePort
from cargo_sync.server.backup.port import BackupPort
from cargo_sync.server.backup.shelf import Shelves
from cargo_sync.server.backup.text_port import CopyText, TextPort
from cargo_sync.server.grants.rights import Right
from cargo_sync.server.grants.view import WorkspaceView
from cargo_sync.server.history.downloads import Downloads
from cargo_sync.server.workspace.contract import Workspace
from cargo_sync.server.workspace.folder.workspace import FolderWorkspace
from cargo_sync.state.backup_files import BackupFiles
from cargo_sync.state.database import Database
from cargo_sync.state.history import HistoryRows
from cargo_sync.state.sqlite.database import SqliteDatabase
from tests.offloads import inline
from tests.server.house import tokens, tracked

NOW = 1_700_000_000.0
PATIENCE = 60.0
NO_DROP_BOXES: Any = None


class Rooms(Grants):
    """Everybody has one workspace: the one named here."""

    def __init__(self, rooms: dict[str, Access]) -> None:
        super().__init__(NO_DROP_BOXES)
        self._rooms = rooms

    def get(self, user: str, name: str) -> Access:
        return self._rooms[user]


class OneDoor:
    """Lets everybody named here in; with `senha` only by the password "segredo"."""

    def __init__(self, rooms: dict[str, Access]) -> None:
        self.rooms = rooms
        self.permits = Permits(Rooms(rooms))
        self.sent: list[bool] = []

    async def enter(
        self, nickname: str, password: str | None, address: str, *, sends: bool
    ) -> Permit:
        self.sent.append(sends)
        if nickname not in self.rooms or password not in (None, "segredo"):
            raise BackupRefusal(NO_NICKNAME)
        right = Right.ADD if sends else Right.READ
        self.rooms[nickname].require(right)
        return self.permits.for_task(nickname, self.rooms[nickname], right, address=address)


class Ports(NamedTuple):
    """Where both listen, and what stands behind them. `rows` are the files that were sent."""

    text: int
    framed: int
    folder: Path
    rooms: dict[str, Access]
    rows: BackupFiles
    permits: Permits


@asynccontextmanager
async def ports(
    tmp_path: Path,
    *,
    deadline: float = PATIENCE,
    offload: Offload = inline,
    copy: CopyText | None = None,
    opened: Callable[[Path, Database], Workspace] | None = None,
) -> AsyncIterator[Ports]:
    folder = tmp_path / "ana"
    folder.mkdir()
    numbers = itertools.count(3507)
    with SqliteDatabase.open(str(tmp_path / "state.db"), "server") as database:
        workspace = (opened or _folder)(folder, database)
        rooms = {
            name: Access("default", workspace, WorkspaceView(workspace), "rw")
            for name in ("ana", "ben")
        }
        world = World(lambda: NOW, lambda: 0.0, lambda: 0.5, tokens(), inline, lambda: NOW)
        rows = BackupFiles(database)
        downloads = Downloads(
            HistoryRows(database, world.wall, world.lived), lambda told: None, world
        )
        shelves = Shelves(rows, downloads, world, lambda count: str(next(numbers)))
        door, doors = OneDoor(rooms), Doors()
        text = BackupPort(
            "listen",
            TextPort(door, shelves, inline, "porta 10001", deadline, copy).serve,
            doors,
            greeting=GREETING,
        )
        framed = BackupPort(
            "framed", FramePort(door, shelves, offload, deadline).serve, doors, most=8
        )
        try:
            yield Ports(
                await text.start("127.0.0.1", 0),
                await framed.start("127.0.0.1", 0),
                folder,
                rooms,
                rows,
                door.permits,
            )
        finally:
            await text.close()
            await framed.close()
            workspace.close()


def _folder(folder: Path, database: Database) -> Workspace:
    return FolderWorkspace(tracked(folder, database, lambda: NOW), tokens())


async def published_client(port: int, verb: bytes, body: bytes) -> bytes:
    """What the published program does, step by step; its one read of the answer, then whether it
    closed."""
    async with asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(verb)  # at once, without having read
        assert await reader.read(1024) == b"255"
        writer.write(body)
        answer = await reader.read(1024)
        assert await reader.read(1) == b"", "it closes, or the program hangs"
        writer.close()
        return answer


class FramedClient:
    """One connection to the framed port."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, port: int) -> "FramedClient":
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def ask(self, *, raw: bytes = b"", **fields: Any) -> dict[str, Any]:
        self.writer.write(frames.frame(fields) + raw)
        return await self.answer()

    async def answer(self) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE):
            head = await self.reader.readexactly(4)
            value = json.loads(await self.reader.readexactly(int.from_bytes(head, "big")))
        assert isinstance(value, dict)
        return value

    async def content(self, size: int) -> bytes:
        async with asyncio.timeout(PATIENCE):
            return await self.reader.readexactly(size)
