"""Users and their passwords: hashed once, never needed again, wrong ones cost the same for
everybody."""

import asyncio
from collections.abc import Awaitable, Callable

import argon2
import pytest

from cargo_sync.config.secret import Secret
from cargo_sync.config.server import UserSettings
from cargo_sync.model.problems import LaterError, ProblemError
from cargo_sync.server.accounts.logins import PER_USER, TOKEN_SECONDS, VERIFIED_SECONDS, Logins
from cargo_sync.server.accounts.throttle import FREE
from cargo_sync.server.accounts.users import User, Users
from tests.offloads import T, Ts, inline
from tests.server.surroundings import CHEAP, Book, Clock, entropy

ANA = UserSettings("ana", "/srv/ana", Secret("correct horse"), upload_speed=1_000)
BEN = UserSettings("ben", "/srv/ben", Secret("battery staple"), enabled=False)


async def _users(book: Book, *settings: UserSettings) -> Users:
    users = Users(book, CHEAP, inline, Clock())
    await users.apply(settings)
    return users


async def test_a_password_is_kept_as_a_hash_only() -> None:
    book = Book()
    users = await _users(book, ANA)
    assert book.hashes["ana"].startswith("$argon2id$")
    assert "horse" not in repr(book.hashes) + repr(ANA) + repr(users.get("ana"))
    assert (await users.check("ana", "correct horse")) is users.get("ana")
    assert await users.check("ana", "wrong") is None


async def test_a_missing_password_keeps_the_hash_and_a_same_one_is_not_hashed_again() -> None:
    book = Book()
    await _users(book, ANA)
    first = dict(book.hashes)
    users = await _users(book, UserSettings("ana", "/srv/ana"))
    assert book.hashes == first
    assert await users.check("ana", "correct horse")
    await _users(book, ANA)
    assert book.hashes == first


async def test_a_given_hash_is_taken_as_it_is() -> None:
    book = Book()
    given = CHEAP.hash("tr0ub4dor")
    users = await _users(book, UserSettings("ana", "/srv/ana", password_hash=given))
    assert book.hashes == {"ana": given}
    assert await users.check("ana", "tr0ub4dor")


async def test_who_changed_is_told_so_that_their_logins_end() -> None:
    users = Users(Book(), CHEAP, inline, Clock())
    assert (await users.apply([ANA])).changed == frozenset()
    assert (await users.apply([ANA])).changed == frozenset()
    other = UserSettings("ana", "/srv/ana", Secret("new"))
    assert (await users.apply([other])).changed == {"ana"}
    assert (await users.apply([])).changed == {"ana"}


async def test_a_user_of_the_file_without_a_password_is_told_of_a_nickname_is_not() -> None:
    users = Users(Book(), CHEAP, inline, Clock())
    written = UserSettings("cleo", "/srv/cleo", given=frozenset({"username", "path"}))
    (notice,) = (await users.apply([written, UserSettings("dora", "/srv/nicknames/dora")])).notices
    assert "cleo" in notice


async def test_a_password_that_is_changed_while_it_is_checked_lets_nobody_in() -> None:
    book = Book()
    changing: list[Callable[[], Awaitable[None]]] = []

    async def offload(work: Callable[[*Ts], T], *args: *Ts) -> T:
        done = work(*args)
        if getattr(work, "__name__", "") == "_verify" and changing:
            await changing.pop()()
        return done

    users = Users(book, CHEAP, offload, Clock())
    await users.apply([ANA])
    changing.append(lambda: users.set_password("ana", "new"))
    assert await users.check("ana", "correct horse") is None
    changing.append(lambda: users.set_password("ana", "newer"))
    assert await users.check("ana", "newer") is users.get("ana")


async def test_who_is_taken_out_or_disabled_is_named_without_a_look_at_passwords() -> None:
    users = await _users(Book(), ANA)
    assert users.take([ANA, BEN]) == frozenset()
    assert users.take([BEN]) == {"ana"}
    assert users.get("ana") is None


async def test_disabled_and_unknown_are_refused_after_the_same_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    users = await _users(Book(), ANA, BEN)
    checked: list[str] = []
    verify = argon2.PasswordHasher.verify

    def counted(hasher: argon2.PasswordHasher, hash: str, password: str) -> bool:
        checked.append(password)
        return verify(hasher, hash, password)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", counted)
    assert await users.check("ben", "battery staple") is None
    assert await users.check("nobody", "battery staple") is None
    assert await users.check("nobody", "nobody's") is None
    assert len(checked) == 3


class NoDevices:
    """Nobody logs in with a device."""

    async def enter(self, name: str, password: str) -> None:
        return None


class _Door:
    """Sessions over a clock that only moves when told."""

    def __init__(self, users: Users) -> None:
        self.clock = Clock()
        self.entered: list[str] = []
        self.sessions = Logins(users, NoDevices(), self.clock, entropy(), self._entered)

    async def _entered(self, user: str, address: str) -> None:
        self.entered.append(f"{user} {address}")

    async def code(self, name: str, password: str, address: str = "10.0.0.1") -> str:
        try:
            await self.sessions.login(name, password, address)
        except ProblemError as error:
            return error.problem.code
        return "in"


async def test_a_token_is_bound_to_its_user_and_its_time() -> None:
    door = _Door(await _users(Book(), ANA))
    login = await door.sessions.login("ana", "correct horse", "10.0.0.1")
    assert len(login.token) == 43
    assert door.sessions.bearer(login.token, "10.0.0.1").name == "ana"
    assert login.token not in repr(vars(door.sessions))
    door.clock.now += TOKEN_SECONDS
    with pytest.raises(ProblemError, match="token"):
        door.sessions.bearer(login.token, "10.0.0.1")


async def test_a_disabled_user_is_out_at_once() -> None:
    users = await _users(Book(), ANA)
    door = _Door(users)
    login = await door.sessions.login("ana", "correct horse", "10.0.0.1")
    applied = await users.apply([])
    door.sessions.forget(applied.changed)
    with pytest.raises(ProblemError):
        door.sessions.bearer(login.token, "10.0.0.1")
    assert await door.code("ana", "correct horse") == "unauthorized"


async def test_logins_are_told_and_the_requests_that_follow_are_not() -> None:
    door = _Door(await _users(Book(), ANA))
    for _ in range(2):
        await door.sessions.basic("ana", "correct horse", "10.0.0.1")
    assert door.entered == ["ana 10.0.0.1"]
    await door.sessions.login("ana", "correct horse", "10.0.0.2")
    assert await door.code("ana", "wrong") == "unauthorized"
    assert door.entered == ["ana 10.0.0.1", "ana 10.0.0.2"]


async def test_guessing_is_slowed_down_by_account_and_address() -> None:
    door = _Door(await _users(Book(), ANA))
    assert [await door.code("ana", "guess") for _ in range(6)] == ["unauthorized"] * 5 + [
        "throttled"
    ]
    assert await door.code("ana", "correct horse", "10.9.9.9") == "throttled"
    with pytest.raises(LaterError) as held:
        await door.sessions.login("ana", "correct horse", "10.0.0.1")
    assert held.value.seconds == 1
    door.clock.now += 1
    assert await door.code("ana", "correct horse") == "in"


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The passwords that were hashed."""
    passwords: list[str] = []
    check = Users.check

    async def noted(users: Users, name: str, password: str) -> User | None:
        passwords.append(password)
        return await check(users, name, password)

    monkeypatch.setattr(Users, "check", noted)
    return passwords


async def test_a_right_password_is_not_hashed_again_for_five_minutes(hashed: list[str]) -> None:
    door = _Door(await _users(Book(), ANA))
    sessions = door.sessions
    tokens = {(await sessions.login("ana", "correct horse", "10.0.0.1")).token for _ in range(2)}
    assert len(tokens) == 2
    for _ in range(2):
        assert (await sessions.basic("ana", "correct horse", "10.0.0.1")).name == "ana"
    assert hashed == ["correct horse"]
    door.clock.now += VERIFIED_SECONDS
    await sessions.basic("ana", "correct horse", "10.0.0.1")
    assert hashed == ["correct horse"] * 2
    assert "correct" not in repr(vars(sessions))
    with pytest.raises(ProblemError):
        await sessions.basic("ana", "wrong", "10.0.0.1")


async def test_a_password_that_changed_is_not_right_any_more(hashed: list[str]) -> None:
    users = await _users(Book(), ANA)
    door = _Door(users)
    assert await door.code("ana", "correct horse") == "in"
    await users.set_password("ana", "new")
    door.sessions.forget(frozenset({"ana"}))
    assert await door.code("ana", "correct horse") == "unauthorized"
    assert hashed == ["correct horse"] * 2


@pytest.mark.parametrize("way", ["login", "basic"])
async def test_a_guess_is_not_told_right_before_its_time_because_the_owner_has_just_logged_in(
    way: str,
) -> None:
    door = _Door(await _users(Book(), ANA))
    owner, guesser = "10.0.0.1", "10.9.9.9"
    assert await door.code("ana", "correct horse", owner) == "in"
    for _ in range(FREE):
        assert await door.code("ana", "guess", guesser) == "unauthorized"
    with pytest.raises(LaterError):
        await getattr(door.sessions, way)("ana", "correct horse", guesser)
    assert await getattr(door.sessions, way)("ana", "correct horse", owner)


async def test_tokens_of_one_user_are_bounded() -> None:
    door = _Door(await _users(Book(), ANA))
    first = (await door.sessions.login("ana", "correct horse", "10.0.0.1")).token
    door.sessions._tokens.update(
        {
            bytes([1]) + number.to_bytes(31, "big"): door.sessions._tokens[
                next(iter(door.sessions._tokens))
            ]
            for number in range(PER_USER - 1)
        }
    )
    door.sessions.bearer(first, "10.0.0.1")
    await door.sessions.login("ana", "correct horse", "10.0.0.1")
    with pytest.raises(ProblemError):
        door.sessions.bearer(first, "10.0.0.1")


async def test_who_waited_while_others_guessed_is_asked_to_wait_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    users = await _users(Book(), ANA)
    door = _Door(users)
    looked_at: list[str] = []
    check = users.check

    async def slow(name: str, password: str) -> User | None:
        looked_at.append(password)
        await asyncio.sleep(0)
        return await check(name, password)

    monkeypatch.setattr(users, "check", slow)
    guesses = [f"guess {number}" for number in range(FREE + 4)]
    codes = await asyncio.gather(*(door.code("ana", guess) for guess in guesses))
    # Two are checked at once: the last one began before the one beside it had failed.
    assert looked_at == guesses[: FREE + 1]
    assert codes == ["unauthorized"] * (FREE + 1) + ["throttled"] * 3
