"""Extra copies on the published program's file servers, with a fake of one.

The fake does what facts about the published program say: it reads three pieces, each once and with
room for 1,024 bytes, confirms none, closes without a word after a text was stored, and sends a text
back as it is. A second connection at a time confuses it.
"""

import asyncio
import json
import logging
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest

from cargo_sync.backup_protocol.file_server import extra_copy
from cargo_sync.model.world import World
from cargo_sync.process.doors import Doors
from cargo_sync.server.backup.extra_copies import GAP, QUEUE, TRIES, ExtraCopies, Pause, ask
from cargo_sync.server.backup.file_servers import MOST, FileServers, _plain
from cargo_sync.server.backup.port import BackupPort
from cargo_sync.state.database import Database
from cargo_sync.state.file_servers import FileServerRows
from cargo_sync.state.sqlite.database import SqliteDatabase
from tests.offloads import inline
from tests.server.backup.ports import PATIENCE, ports, published_client
from tests.server.house import tokens

HERE = "127.0.0.1"
ENROL = b'{"assignment": "cadastrar", "ip": "10.9.9.9"}'
LEAVE = b'{"assignment": "descadastrar", "ip": "10.8.8.8"}'
NOTE = b'{"apelido": "ana", "nome_arquivo": "nota.txt", "conteudo_arquivo": "ol\\u00e1"}'


class FakeFileServer:
    """texts  what it keeps, by id
    pieces    what it read
    forgets   it keeps nothing
    """

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.pieces: list[bytes] = []
        self.confused = False
        self.forgets = False
        self.tries = 0
        self._took = asyncio.Event()
        self._change = asyncio.Condition()
        self._busy = False
        self._server: asyncio.Server | None = None
        self._port = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, HERE, self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()
        self._server = None

    async def until(self, count: int) -> None:
        """Waits until it keeps so many texts, all of them read back, or was tried so often."""
        async with asyncio.timeout(PATIENCE), self._change:
            await self._change.wait_for(lambda: self.pieces.count(b"BAIXAR") >= count)

    async def until_tried(self, count: int) -> None:
        async with asyncio.timeout(PATIENCE), self._change:
            await self._change.wait_for(lambda: self.tries >= count)

    async def ask(self, address: str, pieces: Sequence[bytes], pause: Pause) -> bytes:
        """As the product asks, at the port of this fake."""
        assert address == HERE
        try:
            if self._server is None:
                raise ConnectionRefusedError("nobody listens")
            return await ask(address, pieces, pause, self._port)
        finally:
            async with self._change:
                self.tries += 1
                self._change.notify_all()

    async def pause(self, seconds: float) -> None:
        """The gap lasts until it has read the piece; other waits take no time."""
        if seconds != GAP:
            await asyncio.sleep(0)
            return
        async with asyncio.timeout(PATIENCE):
            await self._took.wait()
            self._took.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.confused |= self._busy
        self._busy = True
        self._took.clear()
        status, verb, body = [await self._read(reader) for _ in range(3)]
        self.confused |= status != b"255"
        if verb == b"TRANSMITIR":
            fields = json.loads(body)
            if not self.forgets:
                self.texts[fields["id"]] = fields["content"]
        elif body.decode() in self.texts:
            writer.write(self.texts[body.decode()].encode())
        self._busy = False
        writer.close()
        async with self._change:
            self._change.notify_all()

    async def _read(self, reader: asyncio.StreamReader) -> bytes:
        piece = await reader.read(1024)
        self.pieces.append(piece)
        self._took.set()
        return piece


def world() -> World:
    return World(lambda: 1.7e9, lambda: 0.0, lambda: 0.5, tokens(), inline, lambda: 0.0)


class Registering:
    """File servers behind a registration port, and one fake that they reach."""

    def __init__(self, servers: FileServers, port: int, fake: FakeFileServer) -> None:
        self.servers = servers
        self.port = port
        self.fake = fake

    async def say(self, document: bytes) -> str:
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection(HERE, self.port)
            writer.write(document)
            answer = await reader.read()  # until it closes
            writer.close()
            return answer.decode()

    def counts(self) -> dict[str, float]:
        _, copies = self.servers.families()
        return {labels["result"]: count for labels, count in copies.samples if count}

    def listed(self) -> float:
        servers, _ = self.servers.families()
        [(_, count)] = servers.samples
        return count


@asynccontextmanager
async def registering(
    database: Database, fake: FakeFileServer, allow: Sequence[str] = ()
) -> AsyncIterator[Registering]:
    rows = FileServerRows(database)
    servers = FileServers(allow, rows, world(), fake.pause, fake.ask)
    await servers.start()
    port = BackupPort("file_servers", servers.serve, Doors())
    try:
        yield Registering(servers, await port.start(HERE, 0), fake)
    finally:
        await port.close()
        await servers.close()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with SqliteDatabase.open(str(tmp_path / "list.db"), "server") as database:
        yield database


async def test_it_registers_and_gets_each_text_once_it_is_read_back(database: Database) -> None:
    fake = FakeFileServer()
    async with registering(database, fake) as there:
        there.servers.copy("1", "nota.txt", b"nobody is there yet")
        assert await there.say(ENROL) == "Servidor cadastrado"
        await fake.start()  # it listens only after that
        there.servers.copy("2", "nota.txt", "olá".encode())
        there.servers.copy("3", "longa.txt", b"x" * 5000)
        await fake.until(2)
        assert await there.say(LEAVE) == "Servidor descadastrado"
        there.servers.copy("4", "nota.txt", b"nobody is there any more")
        assert not fake.confused
        assert fake.pieces[:6] == [
            b"255", b"TRANSMITIR", b'{"id": "2", "content": "ol\\u00e1"}', b"255", b"BAIXAR", b"2",
        ]  # fmt: skip
        assert fake.texts["2"] == "olá"
        assert 900 < len(fake.texts["3"]) < 1024
        assert there.listed() == 0
        await fake.stop()


async def test_what_it_cuts_or_loses_is_told_and_counted(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    fake = FakeFileServer()
    await fake.start()
    async with registering(database, fake) as there:
        await there.say(ENROL)
        there.servers.copy("1", "nota.txt", b"x")
        there.servers.copy("2", "longa.txt", b"x" * 5000)
        await fake.until(2)
        fake.forgets = True
        there.servers.copy("3", "perdida.txt", b"y")
        there.servers.copy("4", "perdida.txt", b"y")
        await fake.until(4)
        there.servers.copy("5", "a.txt", b"z")  # the one before is counted when this one begins
        await fake.until(5)
        counts = there.counts()
        assert (counts["whole"], counts["cut"]) == (1, 1) and counts["lost"] >= 2
        assert "of the 5000 bytes of 'longa.txt'" in caplog.text
        assert "no extra copy of 'perdida.txt'" in caplog.text
    await fake.stop()


async def test_one_that_does_not_answer_is_tried_again_and_then_off_the_list(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    fake = FakeFileServer()
    async with registering(database, fake) as there:
        for _ in range(2):  # the second time nothing changes
            await there.say(ENROL)
        assert FileServerRows(database).all() == [HERE]
        for id in "12":
            there.servers.copy(id, "nota.txt", b"x")
        await fake.until_tried(TRIES)
        while there.listed():
            await asyncio.sleep(0)
        assert fake.tries == TRIES and FileServerRows(database).all() == []
        assert "127.0.0.1 does not answer and is off the list" in caplog.text
        assert there.counts() == {"missed": 2}
        await fake.start()
        await there.say(ENROL)
        there.servers.copy("3", "nota.txt", b"x")
        await fake.until(1)
        assert list(fake.texts) == ["3"]
    await fake.stop()


async def test_the_list_is_there_after_a_restart(database: Database) -> None:
    fake = FakeFileServer()
    await fake.start()
    async with registering(database, fake) as there:
        await there.say(ENROL)
    async with registering(database, fake) as there:
        assert there.listed() == 1
        there.servers.copy("1", "nota.txt", b"x")
        await fake.until(1)
    await fake.stop()


async def test_a_queue_has_an_end() -> None:
    counts: Counter[str] = Counter()
    copies = ExtraCopies(HERE, counts, lambda: 0.0, asyncio.sleep, ask)
    copy = extra_copy("1", b"x")
    for _ in range(QUEUE + 3):
        copies.add(copy, "nota.txt")
    assert len(copies) == QUEUE and counts == {"missed": 3}


@pytest.mark.parametrize(
    ("address", "allow", "may"),
    [
        ("127.0.0.1", (), True),
        ("127.8.8.8", (), True),
        ("::1", (), True),
        ("10.1.2.3", (), False),
        ("10.1.2.3", ("10.0.0.0/8",), True),
        ("::ffff:10.1.2.3", ("10.0.0.0/8",), True),
        ("11.1.2.3", ("10.0.0.0/8", "fd00::/8"), False),
        ("fe80::1%eth0", ("10.0.0.0/8",), False),
    ],
)
def test_only_this_machine_and_who_is_allowed_may_register(
    address: str, allow: Sequence[str], may: bool
) -> None:
    servers = FileServers(allow, cast(FileServerRows, None), world())
    assert servers._may(_plain(address)) is may


async def test_the_address_that_it_names_is_not_used(database: Database) -> None:
    async with registering(database, FakeFileServer(), ["10.0.0.0/8"]) as there:
        await there.say(ENROL)
        assert FileServerRows(database).all() == [HERE]


async def test_a_list_has_an_end_and_one_that_may_not_is_told(database: Database) -> None:
    async with registering(database, FakeFileServer()) as there:
        for number in range(MOST):
            assert await there.servers._registered(f"127.0.1.{number}", True)
        assert await there.say(ENROL) == "Já há 16 servidores cadastrados"
        assert await there.say(b'{"assignment": "x"}\n') != ""
        there.servers._may = lambda address: False  # type: ignore[method-assign]
        assert await there.say(ENROL) == "Este endereço não pode cadastrar um servidor"


async def test_a_text_is_copied_after_its_client_was_answered(tmp_path: Path) -> None:
    copied: list[tuple[str, str, bytes]] = []
    async with ports(tmp_path, copy=lambda *told: copied.append(told)) as there:
        assert await published_client(there.text, b"TRANSMITIR", NOTE) == b"3507"
        assert copied == [("3507", "nota.txt", "olá".encode())]
        await published_client(there.text, b"LISTAR", b'"ana"')
        await published_client(there.text, b"TRANSMITIR", NOTE.replace(b"nota.txt", b".."))
        assert len(copied) == 1, "only what was stored is copied"
