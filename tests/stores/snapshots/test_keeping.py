"""When snapshots are made, and how they get to the nodes."""

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.state.recovery import RecoveryRows
from cargo_sync.stores.snapshots.keeping import Snapshots
from cargo_sync.stores.snapshots.making import ServerPlaces, SnapshotMaker
from cargo_sync.stores.snapshots.shelf import SnapshotShelf
from tests.stores.nodes.house import House, house
from tests.stores.snapshots.lost import KEY

HOUR = 3_600.0


class Kept:
    """A store on three nodes, whose server keeps its state there."""

    def __init__(self, place: Path, at: House) -> None:
        self.house = at
        self.rows = RecoveryRows(at.database)
        places = ServerPlaces("", str(place), str(place / "keys"))
        maker = SnapshotMaker(places, lambda: at.now, lambda size: b"s" * size)
        token = "0123456789abcdef" * 2
        world = dataclasses.replace(at.store.cluster.world, token=lambda: token)
        self.snapshots = Snapshots(self.rows, maker, at.store, world, HOUR)

    async def an_hour_later(self) -> None:
        self.house.now += HOUR
        await self.house.until(lambda: self.house.up() == 3)

    def change(self) -> None:
        """Something that a snapshot is for."""
        with self.house.database.transaction() as connection:
            connection.execute(
                "INSERT INTO audit (time, lived, who, command, args, outcome)"
                " VALUES (0, 0, 'me', 'user.add', '{}', 'ok')"
            )

    def on_nodes(self) -> list[list[int]]:
        """The numbers of the snapshots of each node, the newest first."""
        return [
            [one.snapshot.number for one in SnapshotShelf(folder).all(KEY.verifier)]
            for folder in self.house.folders()
        ]


@asynccontextmanager
async def keeping(place: Path) -> AsyncIterator[Kept]:
    async with house(place) as at:
        found = Kept(place, at)
        await found.snapshots.set_key(KEY.sealing, KEY.verifier)
        yield found


async def test_one_is_made_when_something_changed_and_the_time_has_come(tmp_path: Path) -> None:
    async with keeping(tmp_path) as kept:
        look = kept.snapshots.look
        await look()
        assert kept.on_nodes() == [[1]] * 3
        await kept.an_hour_later()
        await look()  # nothing has changed
        assert kept.on_nodes() == [[1]] * 3
        kept.change()
        await look()
        kept.change()
        await look()  # too early
        assert kept.on_nodes() == [[2, 1]] * 3
        await kept.an_hour_later()
        await look()
        assert kept.on_nodes() == [[3, 2, 1]] * 3
        kept.change()
        await kept.snapshots.last()  # it stops in order
        assert kept.on_nodes() == [[4, 3, 2, 1]] * 3
        assert kept.house.spool.blobs.inventory("", 10).hashes == []
        assert [folder.inventory("", 10).hashes for folder in kept.house.folders()] == [[]] * 3
        assert not (tmp_path / "snapshot").exists()


async def test_without_a_key_there_is_none_and_it_is_said(tmp_path: Path) -> None:
    async with house(tmp_path) as at:
        kept = Kept(tmp_path, at)
        await kept.snapshots.look()
        assert kept.on_nodes() == [[]] * 3
        assert "recovery-key" in kept.snapshots.warnings()[0]
        assert list(kept.snapshots.families()) == []


async def test_a_node_that_fails_gets_the_next_one(tmp_path: Path) -> None:
    async with keeping(tmp_path) as kept:
        nodes = kept.house.nodes
        nodes["node0"].is_full = True
        await kept.snapshots.look()
        assert kept.on_nodes() == [[], [1], [1]]
        assert (kept.snapshots.report.nodes, kept.snapshots.warnings()) == (2, [])
        nodes["node0"].is_full = False
        for node in nodes.values():
            node.is_away = True
        kept.change()
        kept.house.now += HOUR
        await kept.snapshots.look()
        kept.house.now += 60.0
        age = next(one for one in kept.snapshots.families() if "age" in one.name)
        assert list(age.samples) == [({}, HOUR + 60.0)]
        for node in nodes.values():
            node.is_away = False
        await kept.house.until(lambda: kept.house.up() == 3)
        await kept.snapshots.look()  # no hour has passed since the one that failed
        newest = [numbers[0] for numbers in kept.on_nodes()]
        assert len(set(newest)) == 1 and newest[0] > 1


@pytest.mark.parametrize("call", ["place", "keep_snapshot"])
async def test_what_is_cut_on_its_way_is_no_snapshot(
    tmp_path: Path, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def cut(*_: object) -> None:
        raise ProblemError(Problem(Code.CUT, "the server was killed"))

    async with keeping(tmp_path) as kept:
        with monkeypatch.context() as patch:
            for node in kept.house.nodes.values():
                patch.setattr(node, call, cut)
            await kept.snapshots.look()
            found = kept.rows.get()
            assert found is not None and (found.made, found.covers) == (None, "")
            assert kept.on_nodes() == [[]] * 3
        await kept.house.until(lambda: kept.house.up() == 3)
        await kept.snapshots.look()
        assert kept.on_nodes() == [[2]] * 3


async def test_a_new_key_gets_a_snapshot_at_once(tmp_path: Path) -> None:
    async with keeping(tmp_path) as kept:
        await kept.snapshots.look()
        await kept.snapshots.set_key(b"n" * 32, b"v" * 32)
        await kept.snapshots.look()
        assert kept.on_nodes() == [[1]] * 3  # the old key still opens the old one
        for folder in kept.house.folders():
            assert [one.snapshot.number for one in SnapshotShelf(folder).all()] == [2, 1]
