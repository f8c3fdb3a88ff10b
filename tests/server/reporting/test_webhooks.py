"""Callbacks of a server: a real state, a fake sender and a fake clock."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from cargo_sync.config.callbacks import ANYWHERE
from cargo_sync.config.events import SERVER_VARIABLES, EventSettings, read_server_events
from cargo_sync.config.server import UserSettings
from cargo_sync.model.history import (
    MOMENTS,
    ChangeCause,
    HistoryFiles,
    HistoryKind,
    ServerMoment,
    rows_of,
)
from cargo_sync.model.world import World
from cargo_sync.process.metrics import exposition
from cargo_sync.server.history.names import WorkspaceNames
from cargo_sync.server.reporting import webhooks as room
from cargo_sync.server.reporting.webhooks import ServerWebhooks
from cargo_sync.state.database import Database
from cargo_sync.state.history import HistoryRows
from cargo_sync.state.sqlite.database import SqliteDatabase
from cargo_sync.webhooks.file_variables import example_of, of_file, of_quota
from cargo_sync.webhooks.message import Message
from cargo_sync.webhooks.retry_policy import Attempt
from tests.offloads import inline

ANA = ChangeCause("ana", "10.0.0.7", "http", seconds=2.0)
FIELDS = {"method": "POST", "url": "http://a.example/", "body": {"file": "{{ FILE_NAME }}"}}


def asking(**paths: list[str] | None) -> tuple[EventSettings, ...]:
    """Events, each for these paths, or for all files."""
    login = {"method": "GET", "url": "http://a.example/{{ USER }}"}
    return read_server_events(
        {
            name: login
            if name in ("onLogin", "onQuota")
            else FIELDS | ({} if some is None else {"paths": some})
            for name, some in paths.items()
        }
    )


class Desk:
    """The callbacks of a server; `sent` has their bodies or URLs."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.now = 1e9
        numbers = iter(range(10**6))
        clock = lambda: self.now  # noqa: E731
        self.world = World(clock, clock, lambda: 0.5, lambda: f"{next(numbers)}", inline, clock)
        self.history = HistoryRows(database, clock, clock)
        self.names = WorkspaceNames()
        self.names.apply([UserSettings("ana", "/srv/ana")], [], lambda path: 1)
        self.sent: list[str] = []
        self.answer = Attempt(200)
        self.restart()

    def restart(self) -> None:
        self.webhooks = ServerWebhooks(
            self._database, ANYWHERE, self.world, self.history, self.names
        )
        sender: Any = self.webhooks._send
        answering = {"__call__": lambda _, message, *__: self._send(message)}
        sender.__class__ = type("Answering", (type(sender),), answering)

    async def _send(self, message: Message) -> Attempt:
        self.sent.append(message.body.decode() if message.body else message.url)
        return self.answer

    def happen(self, kind: HistoryKind, *paths: str, cause: ChangeCause = ANA) -> None:
        count = len(paths)
        files = HistoryFiles(list(paths), [500] * count, ["ab" * 32] * count, [7] * count)
        self.webhooks.heard(self.history.add(1, cause, kind, files))

    def waiting(self) -> list[str]:
        rows = self.webhooks.rows.page(None, None, 0, 100)
        return [f"{row.moment} {row.variables.get('FILE_NAME', row.stream)}" for row in rows]

    @contextlib.asynccontextmanager
    async def going(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.webhooks.run())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with SqliteDatabase.open(str(tmp_path / "state.db"), "server") as database:
        yield Desk(database)


async def test_what_is_asked_for_becomes_callbacks(desk: Desk) -> None:
    await desk.webhooks.apply(asking(onUploaded=["*.mov", "in"], onDeleted=None))
    desk.happen(HistoryKind.UPLOADED, "a.mov", "b.txt", "in/c.txt", "d/e.mov")
    desk.happen(HistoryKind.DOWNLOADED, "a.mov")
    desk.happen(HistoryKind.DELETED, "d/", "d/e.mov")
    desk.happen(HistoryKind.CHANGED, "a.mov", cause=ChangeCause())
    await desk.webhooks.read()
    assert desk.waiting() == [
        "onUploaded a.mov", "onUploaded in/c.txt", "onUploaded d/e.mov", "onDeleted d/",
        "onDeleted d/e.mov",
    ]  # fmt: skip
    await desk.webhooks.read()
    assert len(desk.waiting()) == 5  # each once


async def test_pages_are_read_to_the_end(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_PAGE", 2)
    await desk.webhooks.apply(asking(onUploaded=None))
    desk.happen(HistoryKind.UPLOADED, *"abcde")
    await desk.webhooks.read()
    assert desk.waiting() == [f"onUploaded {name}" for name in "abcde"]


async def test_nothing_is_told_of_what_happened_while_none_was_asked_for(desk: Desk) -> None:
    desk.happen(HistoryKind.UPLOADED, "before")
    await desk.webhooks.apply(())
    await desk.webhooks.apply(asking(onUploaded=None))
    desk.happen(HistoryKind.UPLOADED, "told")
    await desk.webhooks.read()
    await desk.webhooks.apply(())
    desk.happen(HistoryKind.UPLOADED, "between")
    await desk.webhooks.read()
    await desk.webhooks.apply(asking(onUploaded=None))
    await desk.webhooks.read()
    assert desk.waiting() == ["onUploaded told"]


async def test_after_a_kill_it_goes_on_where_it_was(desk: Desk) -> None:
    await desk.webhooks.apply(asking(onUploaded=None))
    desk.happen(HistoryKind.UPLOADED, "a")
    await desk.webhooks.read()
    desk.happen(HistoryKind.UPLOADED, "b")
    desk.restart()
    await desk.webhooks.apply(asking(onUploaded=None))
    await desk.webhooks.read()
    assert desk.waiting() == ["onUploaded a", "onUploaded b"]


async def test_a_login_is_stored_before_it_is_answered(desk: Desk) -> None:
    await desk.webhooks.apply(asking(onUploaded=None))
    await desk.webhooks.logged_in("ana", "10.0.0.7")
    assert desk.waiting() == []
    await desk.webhooks.apply(asking(onLogin=None))
    await desk.webhooks.logged_in("ana", "10.0.0.7")
    assert desk.waiting() == ["onLogin login ana"]
    [row] = desk.webhooks.rows.page(None, None, 0, 9)
    assert row.variables == {"USER": "ana", "ADDRESS": "10.0.0.7", "TIME": 1e9}


async def test_a_quota_is_told(desk: Desk) -> None:
    values = of_quota("ana", "", 91, "91 % are used", 1e9)
    await desk.webhooks.apply(asking(onDeleted=None))
    desk.webhooks.quota(values)
    await desk.webhooks.apply(asking(onQuota=None))
    desk.webhooks.quota(values)
    await desk.webhooks.read()
    await desk.webhooks.read()
    [row] = desk.webhooks.rows.page(None, None, 0, 9)
    assert (row.moment, row.variables) == ("onQuota", values)


async def test_they_are_delivered_in_order_and_tried_again(desk: Desk) -> None:
    desk.answer = Attempt(503, "", "answered 503")
    await desk.webhooks.apply(asking(onUploaded=None))
    async with desk.going():
        desk.happen(HistoryKind.UPLOADED, "a")
        desk.happen(HistoryKind.UPLOADED, "a")
        while not desk.sent:
            await asyncio.sleep(0)
        while not any(row.attempts for row in desk.webhooks.rows.page(None, None, 0, 9)):
            await asyncio.sleep(0)
        assert desk.sent == ['{"file":"a"}']
        desk.answer = Attempt(200)
        assert await desk.webhooks.retry(None) == 2
        while desk.waiting():
            await asyncio.sleep(0)
    assert desk.sent == ['{"file":"a"}'] * 3
    told = exposition(desk.webhooks.families())
    assert 'cargo_callback_attempts_total{result="delivered"} 2' in told


async def test_what_is_not_asked_for_any_more_is_given_up(desk: Desk) -> None:
    await desk.webhooks.apply(asking(onUploaded=None))
    desk.happen(HistoryKind.UPLOADED, "a")
    await desk.webhooks.read()
    await desk.webhooks.apply(())
    async with desk.going():
        while desk.webhooks.rows.count(None)["pending"]:
            await asyncio.sleep(0)
    [row] = desk.webhooks.rows.page(None, None, 0, 9)
    assert (row.state, row.error) == ("dead", "the server's file has no onUploaded any more")


async def test_of_two_servers_one_sends_what_both_have_to_tell(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "_TURN", 0.01)
    other = Desk(desk._database)
    other.webhooks.sends = lambda: False
    desk.webhooks.shared = lambda: True
    for one in (desk, other):
        await one.webhooks.apply(asking(onUploaded=None, onQuota=None))
    async with other.going(), desk.going():
        other.happen(HistoryKind.UPLOADED, "a")
        other.webhooks.quota(of_quota("ana", "", 100, "full", 1.0))
        async with asyncio.timeout(60):
            while len(desk.sent) < 2 or desk.waiting():  # until it is noted, too
                await asyncio.sleep(0.01)
        desk.webhooks.sends, other.webhooks.sends = other.webhooks.sends, desk.webhooks.sends
        other.webhooks.shared = lambda: True
        desk.happen(HistoryKind.UPLOADED, "b")
        async with asyncio.timeout(60):
            while not other.sent or desk.waiting():
                await asyncio.sleep(0.01)
    assert sorted(desk.sent) == ["http://a.example/ana", '{"file":"a"}']
    assert other.sent == ['{"file":"b"}']


@pytest.mark.parametrize("delivered", [False, True])
async def test_who_sends_again_sends_what_waits_then(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, delivered: bool
) -> None:
    monkeypatch.setattr(room, "_TURN", 0.01)
    await desk.webhooks.apply(asking(onUploaded=None))
    names = [f"f{number:02}" for number in range(20)]
    hang, ended, answers = asyncio.Event(), list[Message](), desk._send

    async def hangs(message: Message) -> Attempt:
        try:
            await answers(message)
            await hang.wait()
        finally:
            ended.append(message)
        raise AssertionError("it is cancelled")

    monkeypatch.setattr(desk, "_send", hangs)
    async with asyncio.timeout(60), desk.going():
        desk.happen(HistoryKind.UPLOADED, *names)
        while len(desk.sent) < ANYWHERE.at_once:
            await asyncio.sleep(0.01)
        desk.webhooks.sends = lambda: False
        while len(ended) < ANYWHERE.at_once:
            await asyncio.sleep(0.01)
        if delivered:  # by another server
            rows = desk.webhooks.rows
            rows.settle([row.number for row in rows.page(None, None, 0, 100)], [], [], 1e9)
        monkeypatch.setattr(desk, "_send", answers)
        desk.sent.clear()
        desk.webhooks.sends = lambda: True
        desk.happen(HistoryKind.UPLOADED, "z")
        while not desk.sent or desk.waiting():
            await asyncio.sleep(0.01)
    wanted = ["z"] if delivered else [*names, "z"]
    assert sorted(desk.sent) == [f'{{"file":"{name}"}}' for name in wanted]


async def test_what_two_servers_read_at_once_is_stored_once(desk: Desk) -> None:
    await desk.webhooks.apply(asking(onUploaded=None))
    desk.happen(HistoryKind.UPLOADED, "a")
    rows, was = desk.webhooks.rows, desk.webhooks.rows.reached()
    await desk.webhooks.read()
    late = desk.webhooks._new(ServerMoment.UPLOADED, "a", {"FILE_NAME": "a"})
    assert not rows.add([late], 1, was)
    assert desk.waiting() == ["onUploaded a"]


async def test_a_test_is_sent_at_once(desk: Desk) -> None:
    [event] = asking(onDeleted=None)
    done = await desk.webhooks.test(event)
    assert (done.event, done.result.delivered) == ("onDeleted", True)
    assert desk.sent == ['{"file":"folder/example file.txt"}']


def test_what_events_offer_is_what_files_may_name(desk: Desk) -> None:
    assert {moment.value for moment in ServerMoment} == set(SERVER_VARIABLES)
    for moment in ServerMoment:
        assert set(example_of(moment, 1.0)) == set(SERVER_VARIABLES[moment])
    for kind, moment in MOMENTS.items():
        files = HistoryFiles(["a"], [500], ["ab" * 32], [7])
        [told] = desk.history.add(1, ANA, kind, files)
        [row] = rows_of(told.batch, files)
        found = of_file(row, "music")
        assert set(found) == set(SERVER_VARIABLES[moment])
        assert found.get("AVG_SPEED", 2_000) == 2_000
        assert found["HASH"] == "ab" * 32 and found["WORKSPACE"] == "music"
