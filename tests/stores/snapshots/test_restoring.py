"""A lost server comes back: the newest state that can be opened, complete or not at all."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cargo_sync.api.recovery_key import RecoveryKey
from cargo_sync.machines.nodes.returning import Life, Return, judge
from cargo_sync.machines.nodes.snapshots import MadeSnapshot, numbered
from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.state.nodes import NodeRows
from cargo_sync.state.recovery import RecoveryRows
from cargo_sync.state.sqlite.database import SqliteDatabase
from cargo_sync.stores.snapshots.asking import OfferedSnapshot
from tests.stores.snapshots.lost import KEY, MADE, LostServer, Machine


@pytest.fixture
def lost(tmp_path: Path) -> Iterator[LostServer]:
    server = LostServer(tmp_path)
    server.name_user("ana")
    yield server
    server.database.close()


def test_everything_comes_back_from_one_address(tmp_path: Path, lost: LostServer) -> None:
    number = lost.snapshot("a", "b")
    lost.name_user("eve")  # after it
    machine = Machine(tmp_path / "new", lost)
    found = machine.restoring()([lost.nodes["b"]])
    assert found == (MadeSnapshot(number, MADE), machine.here.state_dir, [])
    assert machine.users() == {"ana"}
    assert Path(machine.here.file).read_text() == lost.file.read_text()
    there = {
        str(path.relative_to(tmp_path / "new")): path.stat().st_mode & 0o777
        for path in (tmp_path / "new").rglob("*")
        if path.is_file() and path.suffix != ".lock"
    }
    names = ("keys/own.json", "server.json", "state/server.crt", "state/server.key")
    assert there == dict.fromkeys([*names, "state/state.db"], 0o600)


def test_the_state_begins_again(tmp_path: Path, lost: LostServer) -> None:
    lost.snapshot("a")
    before = NodeRows(lost.database).all()
    machine = Machine(tmp_path / "new", lost)
    machine.restoring()([lost.nodes["a"]])
    with SqliteDatabase.open(f"{machine.here.state_dir}/state.db", "server") as database:
        for old, row in zip(before, NodeRows(database).all(), strict=True):
            assert (row.secret, row.life) == (old.secret, old.life + 1)
            assert judge(Life(row.epoch, row.sequence), Life("epoch", 9)) is Return.NEW
            # Orders of the lost server, which may still be on their way, are older.
            assert NodeRows(database).begin_session(row.id) > 60_000
        began = RecoveryRows(database).begin()
        assert began is not None and began.since is not None
        assert (began.sealing, began.verifier) == (KEY.sealing, KEY.verifier)
        assert numbered(began.generation, began.count) > numbered(0, 1_000_000)


def newest_elsewhere(lost: LostServer) -> None:
    """The one that was named has only an old one; the state names the others."""
    lost.snapshot("a", "b")
    lost.name_user("ben")
    lost.snapshot("c")


def flipped(lost: LostServer) -> None:
    newest_elsewhere(lost)
    lost.name_user("eve")
    one = lost.offered("b", lost.snapshot("b"))
    content = lost.nodes["b"].kept[one]
    lost.nodes["b"].kept[one] = content[:-1] + bytes([content[-1] ^ 1])


def flipped_after_a_good_one(lost: LostServer) -> None:
    """What was ready already is replaced by what turns out to be bad."""
    lost.name_user("ben")
    lost.snapshot("a")
    lost.name_user("eve")
    one = lost.offered("b", lost.snapshot("b"))
    content = lost.nodes["b"].kept[one]
    lost.nodes["b"].kept[one] = content[:-1] + bytes([content[-1] ^ 1])


def cut(lost: LostServer) -> None:
    newest_elsewhere(lost)
    lost.name_user("eve")
    one = lost.offered("a", lost.snapshot("a"))
    lost.nodes["a"].kept[one] = lost.nodes["a"].kept[one][:-100]


def an_old_one_as_new(lost: LostServer) -> None:
    newest_elsewhere(lost)
    kept = lost.nodes["a"].kept
    [(_, content)] = kept.items()
    kept[OfferedSnapshot(MadeSnapshot(2**40, MADE), len(content))] = content


def of_another_key(lost: LostServer) -> None:
    newest_elsewhere(lost)
    lost.rows.set_key(b"o" * 32, b"v" * 32)
    lost.name_user("eve")
    lost.snapshot("b")


@pytest.mark.parametrize(
    "happened",
    [
        newest_elsewhere,
        flipped,
        flipped_after_a_good_one,
        cut,
        an_old_one_as_new,
        of_another_key,
    ],
)
def test_the_newest_that_can_be_opened_is_taken(
    tmp_path: Path, lost: LostServer, happened: Callable[[LostServer], None]
) -> None:
    happened(lost)
    machine = Machine(tmp_path / "new", lost)
    machine.restoring()([lost.nodes["a"]])
    assert machine.users() == {"ana", "ben"}


def test_who_could_not_be_asked_is_told(tmp_path: Path, lost: LostServer) -> None:
    newest_elsewhere(lost)
    lost.nodes["c"].is_away = True
    machine = Machine(tmp_path / "new", lost)
    found = machine.restoring()([lost.nodes["a"]])
    assert (machine.users(), machine.dialled) == ({"ana"}, ["a", "b", "c"])
    assert [str(why) for why in found.without] == ["the node c:8445 is away"]


def test_a_wrong_key_writes_nothing(tmp_path: Path, lost: LostServer) -> None:
    lost.snapshot("a")
    machine = Machine(tmp_path / "new", lost, RecoveryKey(b"o" * 16))
    with pytest.raises(ProblemError) as refused:
        machine.restoring()([lost.nodes["a"]])
    assert refused.value.problem.code == Code.CORRUPT
    assert not (tmp_path / "new").exists()
    with pytest.raises(ProblemError) as nothing:
        machine.restoring()([])
    assert nothing.value.problem.code == Code.UNKNOWN


@pytest.mark.parametrize("name", ["state/state.db", "server.json", "keys/own.json"])
def test_nothing_that_is_there_is_replaced(tmp_path: Path, lost: LostServer, name: str) -> None:
    lost.snapshot("a")
    machine = Machine(tmp_path / "new", lost)
    there = tmp_path / "new" / name
    there.parent.mkdir(parents=True)
    there.write_text("mine")
    with pytest.raises(ProblemError) as refused:
        machine.restoring()([lost.nodes["a"]])
    assert refused.value.problem.code == Code.OCCUPIED
    assert there.read_text() == "mine"
    assert not os.path.exists(machine.here.file) or name == "server.json"


class KilledError(BaseException):
    """The process is gone."""


def killing(monkeypatch: pytest.MonkeyPatch, at: int) -> Callable[[], int]:
    """The call number `at` that changes names on the disk, or syncs it, is the last one.

    Returns:
        What says how many calls there were.
    """
    calls = 0

    def dying(name: str) -> None:
        real = getattr(os, name)

        def call(*args: object, **more: object) -> object:
            nonlocal calls
            calls += 1
            if calls > at:
                raise KilledError
            return real(*args, **more)

        monkeypatch.setattr(os, name, call)

    for name in ("replace", "fsync", "unlink", "mkdir", "rmdir"):
        dying(name)
    return lambda: calls


def test_a_kill_at_any_step_costs_nothing(
    tmp_path: Path, lost: LostServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost.snapshot("a")
    for at in range(100):
        machine = Machine(tmp_path / f"new{at}", lost)
        with monkeypatch.context() as patch:
            calls = killing(patch, at)
            try:
                machine.restoring()([lost.nodes["a"]])
            except KilledError:
                pass
            else:
                assert calls() <= at
                break
        if not os.path.exists(machine.here.file):
            machine.restoring()([lost.nodes["a"]])
        assert machine.users() == {"ana"}
        assert Path(machine.here.file).read_text() == lost.file.read_text()
        assert Path(machine.here.keys, "own.json").read_text() == "a CURVE pair"
        assert Path(machine.here.state_dir, "server.key").read_text() == "a key"
    assert at > 15
