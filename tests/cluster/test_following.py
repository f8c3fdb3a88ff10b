"""What the database counts of the changes that servers must see, and who is told of them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cargo_sync.cluster.following import Following
from cargo_sync.config.grants import Grant
from cargo_sync.model.limits import Ordered
from cargo_sync.state.accounts import Accounts
from cargo_sync.state.database import Database
from cargo_sync.state.devices import DeviceRow, DeviceRows
from cargo_sync.state.limits import LimitRows
from cargo_sync.state.logins import LoginRow, LoginRows
from cargo_sync.state.postgres.database import PostgresDatabase
from cargo_sync.state.revisions import Changed, Revisions
from cargo_sync.state.users import UserRow, UserRows
from cargo_sync.state.workspaces import WorkspaceRow, WorkspaceRows
from tests.offloads import inline


@pytest.fixture
def database(fresh_postgres: str, tmp_path: Path) -> Iterator[Database]:
    with PostgresDatabase.open(fresh_postgres, str(tmp_path)) as opened:
        Accounts(opened).set("ana", "hash")
        UserRows(opened).add(UserRow("ben", "/ben"), "hash")
        for number, (user, device) in enumerate((("ana", "laptop"), ("ana", ""), ("ben", ""))):
            LoginRows(opened).add(bytes([number]), LoginRow(user, device, 9e9), 9, 0.0)
        DeviceRows(opened).add("ana", DeviceRow("laptop", b"s", 1.0))
        yield opened


ROSTER, ANA, BEN = {"roster"}, {"ana"}, {"ben"}
CHANGES: dict[str, tuple[Callable[[Database], object], set[str], set[int]]] = {
    "a user": (lambda one: UserRows(one).add(UserRow("eve", "/eve"), "hash"), ROSTER, set()),
    "speeds": (lambda one: UserRows(one).put(UserRow("ben", "/b", 1)), ROSTER, set()),
    "disabled": (
        lambda one: UserRows(one).put(UserRow("ben", "/ben", enabled=False)), ROSTER | BEN, {2}
    ),
    "removed": (lambda one: UserRows(one).remove("ben"), ROSTER | BEN, {2}),
    "a password": (lambda one: Accounts(one).set("ana", "other"), ANA, {0, 1}),
    "a device": (lambda one: DeviceRows(one).revoke("ana", "laptop"), ANA, {0}),
    "a workspace": (lambda one: WorkspaceRows(one).add(WorkspaceRow("w", "/w")), ROSTER, set()),
    "a grant": (lambda one: WorkspaceRows(one).grant("w", "ana", Grant("rw")), ROSTER, set()),
    "a quota": (lambda one: WorkspaceRows(one).set_quota("w", 1, None), ROSTER, set()),
    "limits": (
        lambda one: LimitRows(one).set(None, {"upload": Ordered(1, "null")}), {"limits"}, set()
    ),
    "use of a device": (
        lambda one: DeviceRows(one).note_use("ana", DeviceRow("laptop", b"s", 1.0), 2.0),
        set(), set(),
    ),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_what_a_change_counts_as_and_which_logins_it_ends(database: Database, change: str) -> None:
    work, counted, ended = CHANGES[change]
    before = Revisions(database).since(0).newest
    work(database)
    found = Revisions(database).since(before)
    assert {name for name in ("roster", "limits") if getattr(found, name)} | found.users == counted
    assert (found.newest > before) is bool(counted)
    assert {key for key in range(3) if LoginRows(database).get(bytes([key])) is None} == ended


class Counted:
    """Changes as a test says."""

    def __init__(self) -> None:
        self.changes: list[Changed] = []

    def since(self, number: int) -> Changed:
        new = [one for one in self.changes if one.newest > number]
        users = frozenset[str]().union(*(one.users for one in new))
        newest = self.changes[-1].newest if self.changes else 0
        return Changed(
            newest, any(one.roster for one in new), any(one.limits for one in new), users
        )


async def test_each_change_is_taken_over_once() -> None:
    rows, told = Counted(), list[object]()
    following = Following(rows, inline)

    async def roster() -> None:
        told.append(sorted(await following.caught_up()))

    async def limits() -> None:
        told.append("limits")

    async def look() -> list[object]:
        told.clear()
        await following.look(roster, limits)
        return list(told)

    rows.changes.append(Changed(1, roster=True, users=frozenset({"ana"})))
    assert await following.caught_up() == {"ana"}  # a server that starts reads all
    assert await look() == []
    rows.changes.append(Changed(2, roster=True))
    rows.changes.append(Changed(3, limits=True, users=frozenset({"ben"})))
    assert await look() == ["limits", ["ben"]]
    assert await look() == []
    rows.changes.append(Changed(4, limits=True))
    assert await look() == ["limits"]
    assert await look() == []
    assert await Following(None, inline).caught_up() == frozenset()
