"""Until when users may come, and from where; and what is told and ended when their time is over."""

from dataclasses import dataclass, replace
from typing import Any

import pytest

from cargo_sync.backup_protocol.messages import BackupRefusal
from cargo_sync.backup_protocol.text import NO_NICKNAME
from cargo_sync.model.problems import ProblemError
from cargo_sync.server.accounts.access import Grants
from cargo_sync.server.accounts.logins import Logins
from cargo_sync.server.accounts.permits import Permits
from cargo_sync.server.accounts.terms import FREE, LOOK, WARNED, Expiries, ExpiryWatch, Terms
from cargo_sync.server.accounts.users import Users
from cargo_sync.server.backup.nicknames import Nicknames, UserLogin
from tests.offloads import inline
from tests.server.accounts.test_permits import NO_DROP_BOXES
from tests.server.accounts.test_users import ANA, NoDevices
from tests.server.surroundings import CHEAP, Book, Clock, entropy

NOW = 1_700_000_000.0
OFFICE = Terms(networks=("10.0.0.0/8", "2001:db8::/32"))


@pytest.mark.parametrize(
    ("terms", "address", "code"),
    [
        (FREE, "203.0.113.9", None),
        (FREE, "", None),
        (Terms(expires=NOW + 1), "203.0.113.9", None),
        (Terms(expires=NOW), "203.0.113.9", "expired"),
        (OFFICE, "10.255.0.1", None),
        (OFFICE, "::ffff:10.255.0.1", None),
        (OFFICE, "2001:db8:1::5", None),
        (OFFICE, "fe80::1%eth0", "foreign_network"),
        (OFFICE, "11.0.0.1", "foreign_network"),
        (OFFICE, "2001:db9::1", "foreign_network"),
        (OFFICE, "", "foreign_network"),
        (OFFICE, "localhost", "foreign_network"),
        (Terms(networks=("no network",)), "10.0.0.1", "foreign_network"),
        (Terms(NOW, ("10.0.0.0/8",)), "11.0.0.1", "expired"),
    ],
)
def test_who_may_come(terms: Terms, address: str, code: str | None) -> None:
    refusal = terms.refusal(address, NOW)
    assert (refusal and refusal.code) == code
    assert refusal is None or not refusal.retry, "a person must change something first"


def test_each_expiry_is_told_once_and_a_new_one_again() -> None:
    expiries, at = Expiries(), NOW + WARNED + 10
    asked = [("ana", at)]
    assert expiries.look(asked, NOW) == (frozenset(), {}, at - WARNED)
    assert expiries.look(asked, NOW + 10) == (frozenset(), {"ana": at}, at)
    assert expiries.look(asked, NOW + 11) == (frozenset(), {}, at)
    assert expiries.look(asked, at) == (frozenset({"ana"}), {}, None)
    assert expiries.look(asked, at + 1) == (frozenset(), {}, None)
    later = at + WARNED
    assert expiries.look([("ana", later)], at + 1) == (frozenset(), {"ana": later}, later)
    assert expiries.look([("ana", at)], at + 2).over == {"ana"}, "it was taken back"
    assert expiries.look([], at + 3) == (frozenset(), {}, None)


def test_a_clock_that_is_set_back_lets_users_come_and_ends_them_again() -> None:
    expiries = Expiries()
    assert expiries.look([("ana", NOW)], NOW).over == {"ana"}
    assert expiries.look([("ana", NOW)], NOW - 5).over == frozenset()
    assert expiries.look([("ana", NOW)], NOW).over == {"ana"}


@dataclass(frozen=True)
class Guest:
    name: str
    terms: Terms


def test_the_watch_ends_users_at_their_moment() -> None:
    wall, said = Clock(NOW), list[object]()
    guests = [Guest("ana", Terms(expires=NOW + 30)), Guest("ben", FREE)]
    watch = ExpiryWatch(guests, wall, said.append, lambda name, at: said.append((name, at)))
    assert watch.look() == 30
    assert said == [("ana", NOW + 30)]
    wall.now += 29.5
    assert watch.look() == 0.5
    wall.now += 0.5
    assert watch.look() == LOOK
    assert said == [("ana", NOW + 30), frozenset({"ana"})]


async def test_a_nickname_without_a_password_hears_nothing_of_its_terms() -> None:
    permits = Permits(Grants(NO_DROP_BOXES), lambda user, address: OFFICE.refusal(address, NOW))
    door = UserLogin(NO_LOGINS, Grants(NO_DROP_BOXES), permits, Known())
    with pytest.raises(BackupRefusal) as caught:
        await door.enter("ana", None, "203.0.113.9", sends=False)
    assert caught.value.sentence == NO_NICKNAME


NO_LOGINS: Any = None


class Known(Nicknames):
    """Knows every nickname."""

    def __init__(self) -> None: ...

    async def has(self, name: str) -> bool:
        return True


async def test_only_who_has_proved_who_they_are_hears_why() -> None:
    wall = Clock(NOW)
    users = Users(Book(), CHEAP, inline, wall)
    await users.apply([replace(ANA, networks=("10.0.0.0/8",), expires=NOW + 100)])
    logins = Logins(users, NoDevices(), Clock(), entropy())

    async def code(password: str, address: str) -> str:
        try:
            await logins.login("ana", password, address)
        except ProblemError as error:
            return error.problem.code
        return "in"

    assert await code("wrong", "203.0.113.9") == "unauthorized"
    assert await code("correct horse", "203.0.113.9") == "foreign_network"
    token = (await logins.login("ana", "correct horse", "10.0.0.1")).token
    with pytest.raises(ProblemError) as caught:
        logins.bearer(token, "203.0.113.9")
    assert caught.value.problem.code == "foreign_network"
    with pytest.raises(ProblemError) as caught:
        await logins.basic("ana", "correct horse", "203.0.113.9")
    assert caught.value.problem.code == "foreign_network"
    wall.now += 100
    assert await code("wrong", "10.0.0.1") == "unauthorized"
    assert await code("correct horse", "10.0.0.1") == "expired"
    with pytest.raises(ProblemError) as caught:
        logins.bearer(token, "10.0.0.1")
    assert caught.value.problem.code == "expired"
