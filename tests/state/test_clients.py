"""The jobs that a server has met."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cargo_sync.machines.client_fence import ClientProcess, Fence, FencedError, JobClient
from cargo_sync.state import clients
from cargo_sync.state.clients import Clients
from cargo_sync.state.database import Database
from cargo_sync.state.sqlite.database import SqliteDatabase


class Met:
    """A server's clients at a time of the tests."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.now = 0.0
        self.clients = Clients(database, lambda: self.now)

    def __call__(
        self, id: str, starts: int, records: int, nonce: str = "a", user: str = "ana"
    ) -> Fence | None:
        try:
            self.clients.meet(user, JobClient(id, starts, records, ClientProcess(nonce, "here")))
        except FencedError as error:
            return error.fence
        return None

    def ids(self, user: str = "ana") -> list[str]:
        with self.database.read() as connection:
            rows = connection.execute("SELECT id FROM client WHERE user = ? ORDER BY id", (user,))
            return [id for (id,) in rows]


@pytest.fixture
def met(tmp_path: Path) -> Iterator[Met]:
    with SqliteDatabase.open(str(tmp_path / "state.db"), "server") as database:
        yield Met(database)


def test_the_last_state_counts_and_survives_a_restart(met: Met) -> None:
    assert met("j", 1, 10) is None and met("j", 2, 30, "b") is None
    met.clients = Clients(met.database, lambda: met.now)
    assert met("j", 1, 10, "c") == Fence(2, 30, elsewhere=False)
    assert met("j", 2, 30, "b") is None, "a refusal changes nothing"
    assert met("j", 2, 20, "b") is None and met("j", 3, 29, "c") is not None
    assert met("j", 1, 10, "c", user="ben") is None, "each user has their own"


def test_what_is_known_as_it_is_writes_nothing_for_a_day(
    met: Met, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert met("j", 1, 10) is None
    with monkeypatch.context() as patch:
        patch.setattr(met.database, "transaction", None)
        met.now += clients.AGED - 1
        assert met("j", 1, 10) is None
    met.now += 2
    assert met("j", 1, 10) is None
    assert met.clients.purge(met.now - 1, 10) == 0, "it was used now"


def test_the_rows_of_a_user_are_limited(met: Met, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "MOST", 3)
    for number in range(6):
        met.now += 1
        met(str(number), 1, 1)
        met("of ben", 1, 1, user="ben")
    assert (met.ids(), met.ids("ben")) == (["3", "4", "5"], ["of ben"])


def test_those_that_do_not_come_any_more_are_forgotten(met: Met) -> None:
    for number in range(3):
        met.now = float(number)
        met(str(number), 1, 1)
    assert [met.clients.purge(2.0, 1) for _ in range(3)] == [1, 1, 0]
    assert met.ids() == ["2"]
