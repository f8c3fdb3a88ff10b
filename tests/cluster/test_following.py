"""What the database counts of the changes that servers must see, and who is told of them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cargo_sync.cluster.following import Following
from cargo_sync.config.grants import Grant
from cargo_sync.model.limits import Ordered
from cargo_sync.model.problems import Code, Problem, ProblemError
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
        limits = max((one.newest for one in new if one.limits), default=0)
        return Changed(newest, any(one.roster for one in new), limits, users)


class Follower:
    """A server that follows."""

    def __init__(self) -> None:
        self.rows, self.told = Counted(), list[object]()
        self.following = Following(self.rows, inline)
        self.meanwhile: Callable[[], object] = lambda: None
        """What happens while the roster is read, and takes effect."""

    def changes(self, *kinds: str, user: str = "") -> None:
        number = len(self.rows.changes) + 1
        users = frozenset({user} - {""})
        self.rows.changes.append(
            Changed(number, "roster" in kinds, number * ("limits" in kinds), users)
        )

    async def roster(self) -> None:
        await self.following.reading()
        self.meanwhile()
        self.told.append(sorted(self.following.ended))
        self.following.taken()

    async def limits(self) -> None:
        self.told.append("limits")

    async def look(self) -> list[object]:
        self.told.clear()
        await self.following.look(self.roster, self.limits)
        return list(self.told)


async def test_each_change_is_taken_over_once() -> None:
    one = Follower()
    one.changes("roster", user="ana")
    await one.roster()
    assert one.told == [["ana"]]  # a server that starts reads all
    assert await one.look() == []
    one.changes("roster")
    one.changes("limits", user="ben")
    assert await one.look() == ["limits", ["ben"]]
    assert await one.look() == []
    one.changes("limits")
    assert await one.look() == ["limits"]
    assert await one.look() == []
    alone = Following(None, inline)
    await alone.look(one.roster, one.limits)
    assert alone.ended == frozenset()


async def test_what_changes_while_it_is_read_is_read_once_more() -> None:
    one = Follower()
    one.changes("roster")
    one.meanwhile = lambda: one.changes("roster", user="ben") if len(one.rows.changes) < 2 else None
    assert await one.look() == [[]]
    assert await one.look() == [["ben"]]
    assert await one.look() == []
    # A command of this server reads users, not limits.
    one.changes("limits")
    await one.roster()
    assert await one.look() == ["limits"]
    assert await one.look() == []


async def test_what_did_not_take_effect_is_read_once_more() -> None:
    one = Follower()
    one.changes("roster", user="ben")

    def fails() -> None:
        raise ProblemError(Problem(Code.DATABASE_AWAY, "away"))

    one.meanwhile = fails
    with pytest.raises(ProblemError):
        await one.look()
    one.meanwhile = lambda: None
    assert await one.look() == [["ben"]]
