"""What callbacks report: starts, and one end for each, whatever happens in between."""

from pathlib import Path
from typing import Any

import pytest

from cargo_sync.model.events import Moment
from cargo_sync.model.jobs import DIRECTIONS, Mode
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.transfers import Receipt
from cargo_sync.state.events import Events
from cargo_sync.trees.pump import pump
from tests.engine.world import System

PUMP = "cargo_sync.testing.tree.pump"
ALL = frozenset({Moment.START, Moment.FINISH, Moment.ERROR})


@pytest.fixture
def system(tmp_path: Path) -> System:
    """An upload job that asks for all callbacks."""
    return System(tmp_path, settle=0.0, tell=ALL)


def told(system: System) -> list[str]:
    """Rows since the last call that ask for a callback: event, path, transfer as a number."""
    rows = Events(system.database).since(getattr(system, "read", 0), 1000)
    system.read = rows[-1].cursor if rows else getattr(system, "read", 0)  # type: ignore[attr-defined]
    ids: dict[str | None, int] = system.__dict__.setdefault("seen", {})
    return [
        f"{event.happened} {event.path} {ids.setdefault(event.transfer, len(ids) + 1)}"
        for _, event in rows
        if event.tell
    ]


@pytest.mark.parametrize("mode", DIRECTIONS)
async def test_a_start_and_an_end_of_each_file(tmp_path: Path, mode: Mode) -> None:
    system = System(tmp_path, mode, settle=0.0, tell=ALL)
    system.source.write("a", b"1")
    system.source.write("d/b", b"22")
    await system.run().execute()
    happened = "uploaded" if mode is Mode.UPLOAD else "downloaded"
    assert told(system) == ["started a 1", "started d/b 2", f"{happened} a 1", f"{happened} d/b 2"]
    assert [event.tell for event in system.events if event.path] == [mode.value] * 4
    await system.run().execute()
    assert told(system) == []


async def test_without_callbacks_nothing_is_told_and_nothing_kept(tmp_path: Path) -> None:
    system = System(tmp_path, settle=0.0)
    system.near.write("a", b"1")
    await system.run().execute()
    assert told(system) == [] and system.said() == ["uploaded a"]
    with system.database.read() as connection:
        assert connection.execute("SELECT * FROM transfer").fetchall() == []


class Cut(Exception):  # noqa: N818
    """Acts like a kill: nothing happens after it."""


async def cut(system: System, monkeypatch: pytest.MonkeyPatch, *, arrived: bool) -> None:
    """A run that is killed before its files arrive, or after that but before it is recorded."""

    async def commit(*_: Any) -> None:
        raise Cut

    with monkeypatch.context() as patch:
        if arrived:
            patch.setattr("cargo_sync.engine.commit.Commit.brought", commit)
            patch.setattr("cargo_sync.engine.commit.Commit.__call__", commit)
        else:
            patch.setattr(PUMP, lambda *_: (_ for _ in ()).throw(Cut()))
        with pytest.raises(Cut):
            await system.run().execute()
    system.restart()


async def test_killed_before_it_arrived_it_goes_on_without_a_second_start(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    system.near.write("a", b"1")
    await cut(system, monkeypatch, arrived=False)
    assert told(system) == ["started a 1"]
    await system.run().execute()
    assert told(system) == ["uploaded a 1"]


@pytest.mark.parametrize(
    ("tell", "first"),
    [(ALL, ["started a 1"]), (frozenset({Moment.FINISH}), []), (ALL - {Moment.FINISH}, None)],
)
async def test_killed_between_its_arrival_and_the_word_of_it_the_end_is_told_all_the_same(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tell: frozenset[Moment],
    first: list[str] | None,
) -> None:
    system = System(tmp_path, settle=0.0, tell=tell)
    system.near.write("a", b"1")
    await cut(system, monkeypatch, arrived=True)
    await cut(system, monkeypatch, arrived=True)
    system.near.write("same", b"2", 5)
    system.far.write("same", b"2", 5)
    assert told(system) == (["started a 1"] if first is None else first)
    system.events.clear()
    await system.run().execute()
    assert sorted(system.said()) == ["adopted same", "uploaded a"]
    assert told(system) == ([] if first is None else ["uploaded a 1"])
    with system.database.read() as connection:
        assert connection.execute("SELECT * FROM transfer").fetchall() == []


async def test_what_is_overtaken_ends_and_starts_again(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    system.near.write("a", b"1")

    def busy(*args: Any) -> Any:
        system.near.write("a", b"other")
        return pump(*args)

    with monkeypatch.context() as patch:
        patch.setattr(PUMP, busy)
        report = await system.run().execute()
    assert report.errors == 0 and report.again_in is not None, "no error of the job"
    assert told(system) == ["started a 1", "failed a 1"]
    system.now += 3600
    await system.run().execute()
    assert told(system) == ["started a 2", "uploaded a 2"]


async def test_what_fails_ends_and_its_next_try_starts_again(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    system.near.write("a", b"1")

    def refused(source: Any, sink: Any, number: int, offers: Any, cancelled: Any) -> list[Receipt]:
        return [Receipt(Code.UNREADABLE, message="no")] * len(offers)

    with monkeypatch.context() as patch:
        patch.setattr(PUMP, refused)
        await system.run().execute()
    assert told(system) == ["started a 1", "failed a 1"]
    system.now += 3600
    await system.run().execute()
    assert told(system) == ["started a 1", "uploaded a 1"]


async def test_what_changed_while_it_was_cut_is_given_up(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    system.near.write("a", b"1")
    await cut(system, monkeypatch, arrived=False)
    system.near.write("a", b"22")
    await system.run().execute()
    assert told(system) == ["started a 1", "failed a 1", "started a 2", "uploaded a 2"]


async def test_a_start_that_cannot_be_written_sends_nothing(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    system.near.write("a", b"1")

    def full(*_: Any, **__: Any) -> None:
        raise ProblemError(Problem(Code.DISK_FULL, "no room"))

    monkeypatch.setattr(system.memory.transfers, "begin", full)
    with pytest.raises(ProblemError):
        await system.run().execute()
    assert system.far.files() == {}
