"""Tokens at two servers that share a state."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from cargo_sync.config.secret import Secret
from cargo_sync.config.server import UserSettings
from cargo_sync.model.problems import ProblemError
from cargo_sync.server.accounts.invitations import Devices
from cargo_sync.server.accounts.logins import TOKEN_SECONDS, Logins
from cargo_sync.server.accounts.tokens import SharedTokens
from cargo_sync.server.accounts.users import Users
from cargo_sync.state.devices import DeviceRows
from cargo_sync.state.logins import LoginRow, LoginRows
from cargo_sync.state.sqlite.database import SqliteDatabase
from tests.offloads import inline
from tests.server.accounts.test_users import ANA
from tests.server.surroundings import CHEAP, Book, Clock, entropy

ADDRESS = "10.0.0.1"
BEN = UserSettings("ben", "/srv/ben", Secret("battery staple"))


def bytes_of(server: bytes) -> Callable[[int], bytes]:
    """Each server has others."""
    fresh = entropy()
    return lambda length: (server + fresh(length))[:length]


class Two:
    """Two servers, with one clock."""

    def __init__(self, database: SqliteDatabase) -> None:
        self.clock = Clock()
        self.rows, self.book, self.database = LoginRows(database), Book(), database
        self.users: list[Users] = []
        self.logins: list[Logins] = []
        for key in (b"a", b"b"):
            users = Users(self.book, CHEAP, inline, self.clock)
            shared = SharedTokens(self.rows, inline, self.clock)
            devices = Devices(DeviceRows(database), users, self.clock)
            self.users.append(users)
            self.logins.append(Logins(users, devices, self.clock, bytes_of(key), shared=shared))

    def changes_password(self, password: str) -> None:
        """Ana does, at another server; schema/server_005.sql says what the database does then."""
        self.book.set("ana", CHEAP.hash(password))
        with self.database.transaction() as connection:
            connection.execute("DELETE FROM login WHERE user = 'ana'")
            connection.execute("INSERT INTO revision VALUES ('login:ana', 1)")

    async def user(self, server: int, token: str) -> str:
        """Who comes with a token, or the code of the refusal."""
        logins = self.logins[server]
        await logins.recall(logins.mark(token))
        try:
            return logins.bearer(token, ADDRESS).name
        except ProblemError as error:
            return str(error.problem.code.value)


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    with SqliteDatabase.open(str(tmp_path / "state.db"), "server") as database:
        both = Two(database)
        for users in both.users:
            await users.apply([ANA, BEN])
        yield both


async def test_a_token_holds_at_both_and_ends_at_both(two: Two) -> None:
    token = (await two.logins[0].login("ana", "correct horse", ADDRESS)).token
    assert [await two.user(server, token) for server in (0, 1)] == ["ana", "ana"]
    await two.logins[1].end(token)
    assert await two.user(1, token) == "unauthorized"
    assert await two.user(0, token) == "ana"  # for a moment
    two.clock.now += 1
    assert await two.user(0, token) == "unauthorized"
    assert await two.user(0, "x" * 43) == "unauthorized"


async def test_what_was_forgotten_is_looked_up_and_what_has_ended_is_not_found(two: Two) -> None:
    ana = (await two.logins[0].login("ana", "correct horse", ADDRESS)).token
    ben = (await two.logins[0].login("ben", "battery staple", ADDRESS)).token
    both = frozenset({"ana", "ben"})
    two.logins[0].forget(both)
    assert await two.user(0, ana) == "ana"
    await two.logins[1].end_of(frozenset({"ana"}))
    two.logins[0].forget(both)
    assert [await two.user(server, ana) for server in (0, 1)] == ["unauthorized"] * 2
    assert await two.user(1, ben) == "ben"
    two.clock.now += TOKEN_SECONDS
    assert [await two.user(server, ben) for server in (0, 1)] == ["unauthorized"] * 2


@pytest.mark.parametrize("meanwhile", [False, True])
async def test_an_old_password_opens_nothing_at_a_server_that_has_not_heard_of_the_new_one(
    two: Two, monkeypatch: pytest.MonkeyPatch, meanwhile: bool
) -> None:
    login, add = two.logins[1].login, two.rows.add
    await login("ana", "correct horse", ADDRESS)  # now it is known there without hashing it

    def changed_before(*row: Any) -> bool:
        monkeypatch.setattr(two.rows, "add", add)
        two.changes_password("battery horse")
        return add(*row)

    if meanwhile:
        monkeypatch.setattr(two.rows, "add", changed_before)
    else:
        two.changes_password("battery horse")
    with pytest.raises(ProblemError, match="wrong"):
        await login("ana", "correct horse", ADDRESS)
    token = (await login("ana", "battery horse", ADDRESS)).token
    assert [await two.user(server, token) for server in (0, 1)] == ["ana", "ana"]


async def test_of_too_many_the_oldest_end_and_those_of_yesterday_are_gone(two: Two) -> None:
    now = two.clock()
    for number in range(6):
        two.rows.add(bytes([number]), LoginRow("ana", "", now + 1 + number), 3, now)
    assert [n for n in range(6) if two.rows.get(bytes([n])) is not None] == [3, 4, 5]
    two.rows.add(b"new", LoginRow("ben", "", now + 9), 3, now + 6)
    assert two.rows.get(bytes([5])) is None and two.rows.get(b"new") is not None
