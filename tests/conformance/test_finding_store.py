"""Where it is kept what was found out about servers: in the state, and in memory."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cargo_sync.state.findings import Finding, Findings
from cargo_sync.state.sqlite.database import SqliteDatabase
from cargo_sync.trees.remote.findings import (
    BELIEVED,
    AskedAnew,
    FindingStore,
    MemoryFindings,
    PlaceFindings,
)
from tests.conformance.test_upload_store import Clock
from tests.offloads import inline


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["state", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[FindingStore]:
    if request.param == "memory":
        yield MemoryFindings(clock)
        return
    database = SqliteDatabase.open(str(tmp_path / "state.db"), "daemon")
    yield Findings(database, clock)
    database.close()


async def test_a_finding_is_believed_of_the_same_server_for_a_week(
    store: FindingStore, clock: Clock
) -> None:
    place = PlaceFindings(store, "here", inline)
    assert await place.believed("Store/1") == ""
    await place.keep("Store/1", "old")
    clock.now += BELIEVED
    assert await place.believed("Store/1") == ""
    await place.keep("Store/1", "can all")
    clock.now += BELIEVED - 1
    assert store.get("here") == Finding("here", "Store/1", "can all", BELIEVED - 1)
    assert await place.believed("Store/1") == "can all"
    assert await place.believed("Store/2") == ""
    assert await PlaceFindings(store, "elsewhere", inline).believed("Store/1") == ""


def test_a_check_believes_nothing_and_keeps_what_it_finds(store: FindingStore) -> None:
    anew = AskedAnew(store)
    anew.put(Finding("here", "Store/1", "can all"))
    assert anew.get("here") is None
    assert store.get("here") == Finding("here", "Store/1", "can all")


def test_old_ones_are_purged(tmp_path: Path, clock: Clock) -> None:
    database = SqliteDatabase.open(str(tmp_path / "state.db"), "daemon")
    store = Findings(database, clock)
    for number in range(3):
        store.put(Finding(f"{number}", "", ""))
    assert (store.purge(1_000.0), store.purge(1_001.0, 2), store.purge(1_001.0, 2)) == (0, 2, 1)
    database.close()
