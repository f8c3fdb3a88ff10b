"""Sessions, the link, and how long wrong passwords make wait: all by a clock of the test."""

from itertools import count

import pytest

from cargo_ctl.web.pace import FORGET, FREE, KEPT, LONGEST, LoginPace, delay, network
from cargo_ctl.web.sessions import LASTS, MOST, LoginLink, WebSessions, new_secret
from cargo_ctl.web.settings import WebUser
from cargo_sync.api.roles import Role

ANA = WebUser("ana", Role.WATCH, "$argon2id$1")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Users:
    def __init__(self, *users: WebUser) -> None:
        self.there = set(users)

    def is_still(self, user: WebUser) -> bool:
        return user in self.there


def sessions(clock: Clock, users: Users) -> WebSessions:
    numbers = count(1)
    return WebSessions(clock, users.is_still, lambda: f"bearer-{next(numbers)}")


def test_a_session_lasts_twelve_hours() -> None:
    clock = Clock()
    known = sessions(clock, Users(ANA))
    bearer, session = known.open(ANA)
    assert (bearer, session.user, session.role) == ("bearer-1", "ana", Role.WATCH)
    clock.now = LASTS - 1
    assert known.find(bearer) == session
    clock.now = LASTS
    assert known.find(bearer) is None


def test_a_session_ends_with_its_user() -> None:
    users = Users(ANA)
    known = sessions(Clock(), users)
    bearer, _ = known.open(ANA)
    users.there = {WebUser("ana", Role.CONTROL, ANA.hash)}
    assert known.find(bearer) is None
    users.there = {ANA}
    assert known.find(bearer) is None, "it does not come back"


def test_who_has_the_link_may_do_everything_and_leaves() -> None:
    known = sessions(Clock(), Users())
    bearer, session = known.open(None)
    assert (session.user, session.role) == ("link", Role.CONTROL)
    known.end(bearer)
    known.end(bearer)
    assert known.find(bearer) is None


@pytest.mark.parametrize("bearer", ["", "bearer-2", "bearer-1 ", "\udce9", "x" * 10_000])
def test_no_other_bearer_opens_it(bearer: str) -> None:
    known = sessions(Clock(), Users())
    known.open(None)
    assert known.find(bearer) is None


def test_the_oldest_of_too_many_ends() -> None:
    known = sessions(Clock(), Users())
    first, second = known.open(None)[0], known.open(None)[0]
    for _ in range(MOST - 1):
        last = known.open(None)[0]
    assert known.find(first) is None
    assert known.find(second) is not None
    assert known.find(last) is not None


def test_secrets_have_256_bits() -> None:
    assert len({new_secret() for _ in range(100)}) == 100
    assert len(new_secret()) == 43


def test_a_link_opens_one_session() -> None:
    numbers = count(1)
    link = LoginLink(lambda: f"key-{next(numbers)}")
    assert not link.take("key-0")
    assert not link.take("")
    assert not link.take("\udce9")
    assert link.key == "key-1", "a wrong key uses nothing up"
    assert link.take("key-1")
    assert not link.take("key-1")
    link.renew()
    assert not link.take("key-2")
    assert link.take("key-3")


def test_wrong_passwords_make_wait_longer_and_longer() -> None:
    assert [delay(times) for times in (0, FREE - 1, FREE, FREE + 1, FREE + 3)] == [0, 0, 1, 2, 8]
    assert delay(10_000) == LONGEST
    pace = LoginPace()
    for _ in range(FREE):
        assert pace.wait("ana", "192.0.2.1", 100.0) == 0.0
        pace.failed("ana", "192.0.2.1", 100.0)
    assert pace.wait("ana", "192.0.2.1", 100.0) == 1.0
    assert pace.wait("ana", "192.0.2.2", 100.0) == 1.0, "from other addresses too"
    assert pace.wait("ben", "192.0.2.1", 100.0) == 1.0, "for other names too"
    assert pace.wait("ben", "192.0.2.2", 100.0) == 0.0
    assert pace.wait("ana", "192.0.2.1", 100.5) == 0.5
    assert pace.wait("ana", "192.0.2.1", 101.0 + FORGET) == 0.0


def test_guessing_does_not_lock_a_user_out_of_their_own_place() -> None:
    pace = LoginPace()
    pace.succeeded("ana", "192.0.2.1")
    for _ in range(20):
        pace.failed("ana", "192.0.2.9", 0.0)
    assert pace.wait("ana", "192.0.2.1", 0.0) == 0.0
    assert pace.wait("ana", "192.0.2.2", 0.0) == LONGEST


def test_wrong_keys_of_the_link_make_only_their_address_wait() -> None:
    pace = LoginPace()
    for _ in range(FREE):
        pace.failed(None, "192.0.2.1", 100.0)
        pace.failed("link", "192.0.2.3", 100.0)  # somebody types what the link's session is called
    assert pace.wait(None, "192.0.2.1", 100.0) == 1.0
    assert pace.wait("ana", "192.0.2.1", 100.0) == 1.0
    assert pace.wait(None, "192.0.2.2", 100.0) == 0.0


def test_what_is_kept_about_strangers_has_an_end() -> None:
    pace = LoginPace()
    for number in range(KEPT):
        pace.failed(f"user{number}", f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", 0.0)
    assert len(pace._wrong) == KEPT


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff:2%eth0", "2001:db8::/64"),
        ("", ""),
        ("strange", "strange"),
    ],
)
def test_what_counts_as_one_place(address: str, place: str) -> None:
    assert network(address) == place
