"""The command, between two lives of a server with nodes in this process."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import argon2
import pytest

from cargo_sync.config.daemon import DaemonSettings
from cargo_sync.config.errors import ConfigError
from cargo_sync.config.server import load_server
from cargo_sync.daemon import app as daemon_app
from cargo_sync.daemon.jobs.loading import JobFiles
from cargo_sync.daemon.one_run import RunOnce, RunOnceResult
from cargo_sync.migration import settings_file
from cargo_sync.migration.ending import WorkEnd
from cargo_sync.migration.giving_up import GivingUp
from cargo_sync.migration.leaving import LeftRemoval
from cargo_sync.migration.place import MoveOrder
from cargo_sync.migration.run import Migration
from cargo_sync.migration.screen import Screen
from cargo_sync.migration.stores import StoreAccess
from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.process.service import Service
from cargo_sync.server import app
from cargo_sync.server.server import Up
from cargo_sync.state.blob_owners import BlobOwners
from cargo_sync.state.sqlite.database import SqliteDatabase
from cargo_sync.state.workspace_moves import WorkspaceMoves
from tests.server.admin import ask
from tests.server.surroundings import CHEAP
from tests.server.test_on_nodes import Cellar, pair
from tests.stores.objects.bucket import MemoryBucket

PASSWORD = "correct horse"


class Printed(Screen):
    """Remembers what it says."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)

    def ask(self, question: str) -> bool | None:
        return None


class Estate:
    """A server's file with the workspace `archive`, a job, and what is in both folders."""

    def __init__(self, place: Path, cellar: Cellar) -> None:
        self.place, self.cellar = place, cellar
        self.bucket = MemoryBucket()
        self.reach = StoreAccess(cellar.dialer, lambda settings, world: self.bucket, os.environ)
        self.file = place / "server.json"
        self.near, self.archive = place / "near", place / "archive"
        self.archive.mkdir()
        (self.near / "deep").mkdir(parents=True)
        (place / "state").mkdir(0o700)
        self.file.write_text(f"""{{
  "listen": "127.0.0.1:0", "plain": true, "initial_port": 0, "state_dir": "{place}/state",
  "control": {{"runtime_dir": "{place}/run"}},
  "users": [{{"username": "ana", "password": "{PASSWORD}", "path": "{place}/ana"}}],
  "workspaces": [
    // what is old
    {{"name": "archive", "path": "{self.archive}", /* here */ "grants": {{"ana": "rw"}}}}
  ]
}}
""")
        self.file.chmod(0o600)
        pair(place)
        for number in range(5):
            (self.near / f"file {number}").write_bytes(bytes([number]) * 1000 * number)
        (self.near / "deep" / "large").write_bytes(os.urandom(9 << 20))
        (self.near / "link").symlink_to("deep")

    @asynccontextmanager
    async def served(self) -> AsyncIterator[Up]:
        up: asyncio.Future[Up] = asyncio.get_running_loop().create_future()
        settings = load_server(str(self.file), os.environ)
        dialer, connect = self.reach[:2]
        server = asyncio.ensure_future(
            app.run(settings, ready=up.set_result, dialer=dialer, connect_bucket=connect)
        )
        server.add_done_callback(lambda _: up.done() or up.cancel())
        await asyncio.wait({up})
        if server.done():
            server.result()
        yield up.result()
        await ask(up.result(), "shutdown")
        await server

    async def job(self, up: Up) -> RunOnceResult:
        """One run of a two-way job."""
        file = self.place / "job.json"
        fields = {
            "sync_name": "job", "hostname": up.api, "username": "ana", "password": PASSWORD,
            "workspace": "archive", "remote_dir": "", "local_dir": str(self.near),
            "sync_mode": "bidirectional", "settle": 0, "watch": False,
        }  # fmt: skip
        file.write_text(json.dumps(fields))
        file.chmod(0o600)
        once = RunOnce(None, None, lambda advance, why: None)
        await daemon_app.run(
            DaemonSettings(str(self.place / "daemon"), "", 1),
            JobFiles.one(str(file), os.environ),
            instance="private-1",
            env={**os.environ, "XDG_RUNTIME_DIR": str(self.place)},
            ready=lambda _: None,
            service=Service(),
            once=once,
        )
        assert once.result is not None
        return once.result

    async def migrate(
        self,
        screen: Printed | None = None,
        *,
        remove: bool = False,
        give_up: bool = False,
        **order: Any,
    ) -> tuple[int, list[str]]:
        """The exit code, and what was printed."""
        screen = screen or Printed()
        asked, end = MoveOrder(str(self.file), "archive", **order), WorkEnd()
        if remove:
            code = await LeftRemoval(screen, os.environ, end)(asked)
        elif give_up:
            code = await GivingUp(screen, os.environ, end)(asked)
        else:
            code = await Migration(screen, self.reach, end).move(asked)
        return code, screen.lines

    def files(self, folder: Path) -> dict[str, tuple[int, bytes]]:
        return {
            str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes())
            for path in folder.rglob("*")
            if path.is_file() and ".cargo_sync" not in path.parts
        }

    @contextmanager
    def moves(self) -> Iterator[WorkspaceMoves]:
        with SqliteDatabase.open(str(self.place / "state" / "state.db"), "server") as database:
            yield WorkspaceMoves(database)


@pytest.fixture
def estate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Estate]:
    monkeypatch.setattr(argon2, "PasswordHasher", lambda: CHEAP)
    with ExitStack() as last:
        yield Estate(tmp_path, Cellar(tmp_path, last))


async def test_a_job_beside_it_sees_no_change(estate: Estate) -> None:
    async with estate.served() as up:
        first = await estate.job(up)
        assert (first.verdict.name, first.files) == ("SYNCED", 7)
    os.mkfifo(estate.archive / "pipe")
    before = estate.files(estate.near)

    code, lines = await estate.migrate(dry=True)
    assert code == 0 and "nothing was done" in lines
    assert any("'pipe'" in line and "stays in the folder" in line for line in lines)
    code, lines = await estate.migrate()
    assert code == 2 and "--yes" in lines[-1], "what is lost is asked about"
    code, lines = await estate.migrate(yes=True)
    assert code == 0 and "cargo_sync migrate archive --remove-source --config" in lines[-1]
    text = estate.file.read_text()
    assert '{"name": "archive", "store": {"nodes": {"copies": 2}}, /* here */' in text
    assert "// what is old" in text and estate.file.stat().st_mode & 0o777 == 0o600

    async with estate.served() as up:
        second = await estate.job(up)
        assert (second.verdict.name, second.files, second.bytes) == ("SYNCED", 0, 0)
    (estate.archive / "other").write_bytes(b"written by another program after the move")
    code, lines = await estate.migrate(remove=True, yes=True)
    assert code == 0 and sorted(os.listdir(estate.archive)) == [".cargo_sync", "other", "pipe"]
    assert any("'other'" in line and "stays" in line for line in lines)

    back = estate.place / "back"
    assert (await estate.migrate(folder=str(back)))[0] == 0
    assert f'"path": "{back}", /* here */' in estate.file.read_text()
    assert estate.files(back) == before == estate.files(estate.near)
    async with estate.served() as up:
        third = await estate.job(up)
        assert (third.verdict.name, third.files, third.bytes) == ("SYNCED", 0, 0)


async def test_a_kill_around_the_switch(estate: Estate, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file decides: before it is written the workspace is where it was, then it has moved."""
    (estate.archive / "file").write_bytes(b"content")
    real = settings_file.write

    def killed(*arguments: Any) -> None:
        raise KeyboardInterrupt

    def killed_after(*arguments: Any) -> None:
        real(*arguments)
        raise KeyboardInterrupt

    async with estate.served() as up:
        pass
    roots = await switched(estate, monkeypatch, killed)
    assert roots == {str(estate.archive)}
    async with estate.served() as up:  # that makes it not ready again
        assert "copies" not in (await ask(up, "workspace.list"))["workspaces"][0]
    with estate.moves() as moves:
        [id] = (id for root, id in moves.roots().items() if root == str(estate.archive))
        move = moves.of(id)
        assert move is not None and not move.ready
    too_early = estate.file.read_text()
    place = settings_file.NewPlace("", 2)
    real(str(estate.file), settings_file.with_place(str(estate.file), "archive", place, {}).text)
    with pytest.raises(ExceptionGroup) as refused:
        async with estate.served():
            pass
    assert refused.group_contains(ProblemError, match="not everything is there")
    estate.file.write_text(too_early)
    roots = await switched(estate, monkeypatch, killed_after)
    assert roots == {str(estate.archive)}, "the state is not switched yet"
    async with estate.served() as up:
        assert (await ask(up, "workspace.list"))["workspaces"][0]["copies"] == 2
    with estate.moves() as moves:
        assert moves.roots()["stored:archive"] == id
        assert [one.root for one in moves.left(id)] == [str(estate.archive)]
    code, lines = await estate.migrate()
    assert code == 0 and lines[0] == "archive is on storage nodes already"


async def switched(
    estate: Estate, monkeypatch: pytest.MonkeyPatch, write: Callable[..., None]
) -> set[str]:
    """A migration that is killed when it writes the file; the roots of the workspace then."""
    monkeypatch.setattr(settings_file, "write", write)
    with pytest.raises(KeyboardInterrupt):
        await estate.migrate()
    with estate.moves() as moves:
        return {root for root in moves.roots() if root.endswith("archive")}


async def test_an_unfinished_move_is_given_up(
    estate: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    (estate.archive / "file").write_bytes(b"content")
    assert (await estate.migrate(give_up=True))[1][0].startswith("no move of archive has begun")
    real = settings_file.write

    def killed(*arguments: Any) -> None:
        raise KeyboardInterrupt

    await switched(estate, monkeypatch, killed)
    code, lines = await estate.migrate(give_up=True)
    assert (code, lines[-1]) == (2, "nothing was done: --yes gives it up")
    assert lines[:2] == [
        f"archive stays in {estate.archive}",
        "given up: what was brought to storage nodes, 7 bytes",
    ]
    named_already = estate.file.read_text()
    place = settings_file.NewPlace("", 2)
    real(str(estate.file), settings_file.with_place(str(estate.file), "archive", place, {}).text)
    with pytest.raises(ProblemError, match="at the new place already"):
        await estate.migrate(give_up=True)
    estate.file.write_text(named_already)
    code, lines = await estate.migrate(give_up=True, yes=True)
    assert (code, lines[-1]) == (0, "1 contents are given up: the nodes delete them, soon")
    with estate.moves() as moves:
        id = moves.roots()[str(estate.archive)]
        assert moves.of(id) is None and BlobOwners(moves._database).live(id, "", 9) == []

    # From nodes to a folder: what is there is as safe to remove as an old folder.
    monkeypatch.setattr(settings_file, "write", real)
    assert (await estate.migrate())[0] == 0
    back = estate.place / "back"
    monkeypatch.setattr(settings_file, "write", killed)
    with pytest.raises(KeyboardInterrupt):
        await estate.migrate(folder=str(back))
    assert (back / "file").read_bytes() == b"content"
    code, lines = await estate.migrate(give_up=True, yes=True)
    assert code == 0 and "--remove-source" in lines[-1]
    assert lines[0] == "archive stays on storage nodes"
    assert lines[1].startswith(f"given up: what was brought to {back}, ")
    (back / "more").write_bytes(b"of another program")
    assert (await estate.migrate(remove=True, yes=True))[0] == 0
    assert not estate.archive.exists() and sorted(os.listdir(back)) == [".cargo_sync", "more"]


async def test_what_is_refused(estate: Estate) -> None:
    async with estate.served():
        with pytest.raises(ProblemError, match="stop the server first"):
            await estate.migrate()
    with pytest.raises(ProblemError, match="no workspace 'other'"):
        await Migration(Printed(), estate.reach, WorkEnd()).move(
            MoveOrder(str(estate.file), "other")
        )
    (estate.archive / "file").write_bytes(b"content")
    assert (await estate.migrate())[0] == 0
    for folder, what in (
        (estate.near, "is not empty"),
        (estate.place / "no" / "where", "there is no folder"),
        (estate.place / "state" / "in", "overlap"),
        (estate.place / "ana" / "in", "overlap"),
    ):
        with pytest.raises((ProblemError, ConfigError), match=what):
            await estate.migrate(folder=str(folder))


async def test_a_damaged_file_is_named_and_nothing_is_switched(estate: Estate) -> None:
    """A disk has changed a file: its time, and so its row, are as they were."""
    async with estate.served() as up:
        await estate.job(up)
    spoilt = estate.archive / "file 3"
    state = str(estate.place / "state" / "state.db")
    with SqliteDatabase.open(state, "server") as database, database.transaction() as connection:
        connection.execute("UPDATE entry SET hash = ? WHERE path = ?", ("0" * 64, b"file 3"))
    with pytest.raises(ProblemError) as refused:
        await estate.migrate()
    assert refused.value.problem.code is Code.DAMAGED and "'file 3'" in str(refused.value)
    assert '"path"' in estate.file.read_text() and spoilt.exists()
