"""When users were there last, what they moved, and the names of workspaces."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cargo_sync.config.server import UserSettings, WorkspaceSettings
from cargo_sync.model.history import ChangeCause, HistoryFiles, HistoryKind
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.world import World
from cargo_sync.server.accounts.presence import EVERY, UserPresence
from cargo_sync.server.history.names import WorkspaceNames
from cargo_sync.server.history.users import UserHistory
from cargo_sync.state.database import Database
from cargo_sync.state.history import HistoryRows
from cargo_sync.state.presence import LastSeen, PresenceRows
from cargo_sync.state.sqlite.database import SqliteDatabase
from tests.offloads import inline

DAY = 86_400.0


class Porch:
    """UserPresence over a real state, with the test's own clock."""

    def __init__(self, database: Database) -> None:
        self.now = 1_000 * DAY
        clock = lambda: self.now  # noqa: E731
        world = World(clock, clock, lambda: 0.5, lambda: "t", inline, clock)
        self.kept = PresenceRows(database)
        self.presence = UserPresence(self.kept, world)
        self.rows = HistoryRows(database, clock, clock)
        self.users = UserHistory(self.presence, self.rows, world)


@pytest.fixture
def porch(tmp_path: Path) -> Iterator[Porch]:
    with SqliteDatabase.open(str(tmp_path / "state.db"), "server") as database:
        yield Porch(database)


async def test_who_was_there_is_written_once_a_minute_and_at_the_end(porch: Porch) -> None:
    presence = porch.presence
    presence.seen("ana", "10.0.0.7")
    await presence.tick()
    assert porch.kept.get("ana") is None
    assert await presence.of("ana") == LastSeen(porch.now, "10.0.0.7")
    porch.now += EVERY
    await presence.tick()
    assert porch.kept.get("ana") == LastSeen(porch.now - EVERY, "10.0.0.7")
    presence.seen("ben", "")
    presence.close()
    assert porch.kept.get("ben") == LastSeen(porch.now, "")
    await presence.forget("ana")
    assert await presence.of("ana") is None


async def test_what_cannot_be_written_is_kept(
    porch: Porch, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise ProblemError(Problem(Code.DISK_FULL, "the disk is full"))

    porch.presence.seen("ana", "10.0.0.7")
    with monkeypatch.context() as broken:
        broken.setattr(porch.kept, "put", full)
        porch.presence.close()
    assert "the disk is full" in caplog.text
    porch.presence.close()
    assert porch.kept.get("ana") is not None


async def test_a_users_past(porch: Porch) -> None:
    nothing = {"files_up": 0, "bytes_up": 0, "files_down": 0, "bytes_down": 0}
    assert await porch.users.of("ana") == {
        "last_seen": None, "moved": {"today": nothing, "kept": nothing},
    }  # fmt: skip
    files = HistoryFiles(["a", "b"], [3, 4], ["", ""], [1, 2])
    porch.rows.add(1, ChangeCause("ana"), HistoryKind.UPLOADED, files)
    porch.now += 2 * DAY
    porch.rows.add(1, ChangeCause("ana"), HistoryKind.DOWNLOADED, files)
    porch.presence.seen("ana", "10.0.0.7")
    found: Any = await porch.users.of("ana")
    assert found["last_seen"] == {"time": porch.now, "address": "10.0.0.7"}
    assert found["moved"]["today"] == nothing | {"files_down": 2, "bytes_down": 7}
    up = {"files_up": 2, "bytes_up": 7}
    assert found["moved"]["kept"] == up | {"files_down": 2, "bytes_down": 7}


def test_names_of_folders() -> None:
    ids = {"/srv/ana": 1, "/srv/music": 2}
    names = WorkspaceNames()
    users = [UserSettings(name, path) for name, path in (
        ("ana", "/srv/ana"), ("eva", "/srv/ana"), ("ben", "/srv/music"), ("off", "/srv/off"),
    )]  # fmt: skip
    spaces = [WorkspaceSettings(name, "/srv/music", {}) for name in ("music", "art")]
    names.apply(users, spaces, ids.get)
    assert [names[id] for id in (1, 2, 3)] == ["ana:default", "art", ""]
    assert [names.id(name) for name in ("eva:default", "ben:default", "music")] == [1, 2, 2]
    assert names.id("off:default") is names.id("nobody") is None
    assert names.all() == ["ana:default", "art", "ben:default", "eva:default", "music"]
    names.apply([], [], ids.get)
    assert names.all() == []
