"""Where it is kept what uploads to a remote need: in the state, and in memory."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cargo_sync.state.remote_uploads import KeptUpload, RemoteUploads
from cargo_sync.state.sqlite.database import SqliteDatabase
from cargo_sync.trees.remote.transfer.uploads import MemoryUploads, UploadStore

FIRST = "aaaaaaaaaaaaaaaa0001bbbbbbbbbbbb"
SECOND = "aaaaaaaaaaaaaaaa0002cccccccccccc"


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["state", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[UploadStore]:
    if request.param == "memory":
        yield MemoryUploads(clock)
        return
    database = SqliteDatabase.open(str(tmp_path / "state.db"), "daemon")
    yield RemoteUploads(database, clock)
    database.close()


def test_uploads_are_kept_for_one_remote_until_they_are_dropped(
    store: UploadStore, clock: Clock
) -> None:
    one = KeptUpload("here", FIRST, "a/b", 9, "1/2", "kept")
    store.put(one)
    assert store.get("here", FIRST) == one
    assert store.get("elsewhere", FIRST) is None and store.get("here", SECOND) is None
    store.put(one._replace(kept="more"))
    clock.now += 100
    store.put(one._replace(transfer=SECOND, path="a/c"))
    assert store.get("here", FIRST) == one._replace(kept="more")
    assert store.earlier("here", SECOND, "a/b") == [one._replace(kept="more")]
    assert not store.earlier("here", SECOND, "a/c")
    assert not store.earlier("here", FIRST, "a/b")
    assert not store.earlier("elsewhere", SECOND, "a/b")
    assert [kept.transfer for kept in store.left("here", 50)] == [FIRST]
    assert not store.left("here", 200) and not store.left("elsewhere", 0)
    store.drop("here", FIRST)
    assert store.get("here", FIRST) is None and store.get("here", SECOND) is not None


def test_those_of_jobs_that_are_gone_are_purged(tmp_path: Path, clock: Clock) -> None:
    database = SqliteDatabase.open(str(tmp_path / "state.db"), "daemon")
    store = RemoteUploads(database, clock)
    for number in range(3):
        store.put(KeptUpload("here", f"{number:032x}", "a", 9, "1/2", "kept"))
    clock.now += 10
    assert (store.purge(1_000.0), store.purge(1_001.0, 2), store.purge(1_001.0, 2)) == (0, 2, 1)
    database.close()
