"""Invitations over HTTP: used once, for a device or a password; every failure looks the same."""

import base64
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cargo_sync.server.accounts.invitations import SECRET_PREFIX, digest
from cargo_sync.server.accounts.roster import Roster
from cargo_sync.server.accounts.throttle import FREE
from cargo_sync.state.invitations import InvitationRows
from tests.server.house import NOW, Answer, House, living

TOKEN, OTHER = "Zr0u5lXb8m2c1wq7TnKpLA", "AAAAAAAAAAAAAAAAAAAAAA"
HOUR = 3600.0
PASSWORD = "seven horses"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with living(tmp_path) as house:
        await house.invitations.add("ana", TOKEN, HOUR)
        yield house


async def use(house: House, way: str, token: str = TOKEN, user: str = "ana") -> Answer:
    """The invitation used in one of the two ways."""
    more = {"device": "laptop"} if way == "redeem" else {"password": PASSWORD}
    body = {"user": user, "token": token, **more}
    return await house.call("POST", f"/v1/invites/{way}", body, user="")


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


async def logged_in(house: House, password: str, user: str = "ana") -> Answer:
    body = {"username": user, "password": password}
    return await house.call("POST", "/v1/login", body, user="")


async def test_a_device_logs_in_wherever_its_user_does(house: House) -> None:
    made = await use(house, "redeem")
    assert made.status == 200
    secret = made.json["secret"]
    assert made.json == {"user": "ana", "device": "laptop", "secret": secret}
    assert secret.startswith(SECRET_PREFIX) and len(secret) == len(SECRET_PREFIX) + 43
    assert (await logged_in(house, secret)).json["user"] == "ana"
    answer = await house.call("GET", "/v1/files/default/", user="", headers=basic("ana", secret))
    assert answer.status == 200
    assert (await logged_in(house, secret, "ben")).status == 401
    assert (await logged_in(house, secret[:-1])).status == 401


@pytest.mark.sqlite
async def test_nothing_that_lets_somebody_in_is_kept(house: House, tmp_path: Path) -> None:
    secret = (await use(house, "redeem")).json["secret"]
    (row,) = house.devices.of("ana")
    assert row.secret == digest(secret)
    kept = (tmp_path / "state.db").read_bytes() + (tmp_path / "state.db-wal").read_bytes()
    assert TOKEN.encode() not in kept and secret.encode() not in kept
    ((who, command, args, outcome),) = house.audit.rows
    assert (who, command, outcome) == ('user "ana" at 127.0.0.1', "user.invitation", "ok")
    assert args == '{"device":"laptop"}'


async def test_a_login_with_a_secret_is_not_hashed_and_waits_for_nobody(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = (await use(house, "redeem")).json["secret"]

    async def check(name: str, password: str) -> None:
        raise AssertionError("a password is hashed")

    monkeypatch.setattr(house.users, "check", check)
    async with house.sessions.gate, house.sessions.gate:
        assert (await logged_in(house, secret)).status == 200
    (row,) = house.devices.of("ana")
    assert row.used == NOW


async def test_a_password_is_chosen_and_earlier_logins_end(house: House) -> None:
    before = await house.token("ana")
    answer = await use(house, "password")
    assert (answer.status, answer.json["user"]) == (200, "ana")
    fresh = {"Authorization": f"Bearer {answer.json['token']}"}
    assert (await house.call("GET", "/v1/workspaces", user="", headers=fresh)).status == 200
    old = {"Authorization": f"Bearer {before}"}
    assert (await house.call("GET", "/v1/workspaces", user="", headers=old)).status == 401
    assert (await logged_in(house, PASSWORD)).status == 200
    assert (await logged_in(house, "correct horse")).status == 401
    assert PASSWORD not in str(house.audit.rows)


@pytest.mark.parametrize("way", ["redeem", "password"])
async def test_every_failure_looks_the_same(house: House, way: str) -> None:
    await house.invitations.add("cleo", OTHER, HOUR)  # there is no such user
    refused = [
        await use(house, way, OTHER),
        await use(house, way, "nonsense"),
        await use(house, way, TOKEN, "ben"),
    ]
    house.clock.now += 1_000
    refused.append(await use(house, way, OTHER, "cleo"))
    assert (await use(house, way)).status == 200
    refused.append(await use(house, way))
    house.clock.now += 1_000
    again = await house.invitations.add("ana", OTHER, HOUR)
    house.wall.now += HOUR
    refused.append(await use(house, way, OTHER))
    house.wall.now = NOW
    await house.invitations.revoke(again.id)
    house.clock.now += 1_000
    refused.append(await use(house, way, OTHER))
    assert {answer.status for answer in refused} == {401}
    assert len({answer.body for answer in refused}) == 1


async def test_guessing_is_slowed_down_as_with_passwords(house: House) -> None:
    for _ in range(FREE):
        assert (await use(house, "redeem", OTHER)).status == 401
    answer = await use(house, "redeem")
    assert (answer.status, answer.code) == (429, "throttled")
    assert int(answer.headers["Retry-After"]) >= 1
    assert (await logged_in(house, "correct horse")).status == 429
    house.clock.now += 1_000
    assert (await use(house, "redeem")).status == 200


async def test_one_of_two_who_use_it_at_once_gets_in(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_up = InvitationRows.use

    def overtaken(
        rows: InvitationRows, user: str, token: bytes, now: float, then: Callable[[], object]
    ) -> bool:
        assert use_up(rows, user, token, now, lambda: None), "the other one"
        return use_up(rows, user, token, now, then)

    monkeypatch.setattr(InvitationRows, "use", overtaken)
    assert (await use(house, "redeem")).status == 401
    assert house.devices.of("ana") == []


@pytest.mark.parametrize(
    ("way", "more"),
    [
        ("password", {"password": "short"}),
        ("password", {"password": "x" * 1025}),
        ("password", {}),
        ("redeem", {"device": ""}),
        ("redeem", {"device": "a\nb"}),
        ("redeem", {"device": "x" * 101}),
        ("redeem", {}),
    ],
)
async def test_what_cannot_be_used_is_said_and_uses_nothing_up(
    house: House, way: str, more: dict[str, str]
) -> None:
    body = {"user": "ana", "token": TOKEN, **more}
    answer = await house.call("POST", f"/v1/invites/{way}", body, user="")
    assert (answer.status, answer.code) == (400, "bad_request")
    assert more.get("password", "none") not in answer.body.decode()
    assert (await use(house, way)).status == 200


async def test_the_servers_file_wins_and_the_invitation_stays(house: House) -> None:
    (ana, *others) = house.changes.roster.users
    file = replace(ana, given=frozenset({"username", "path", "password_file"}))
    house.changes.roster = Roster((file, *others))
    answer = await use(house, "password")
    assert (answer.status, answer.code) == (409, "in_file")
    assert (await use(house, "redeem")).status == 200


async def test_a_device_ends_itself_and_only_itself(house: House) -> None:
    await house.invitations.add("ana", OTHER, HOUR)
    first = (await use(house, "redeem")).json["secret"]
    second = (await use(house, "redeem", OTHER)).json["secret"]
    tokens = [(await logged_in(house, one)).json["token"] for one in (first, second)]

    async def end(token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return (await house.call("DELETE", "/v1/device", user="", headers=headers)).status

    assert await end(await house.token("ana")) == 401  # of a login with a password
    assert await end(tokens[0]) == 204
    assert await end(tokens[0]) == 401
    assert (await logged_in(house, first)).status == 401
    assert (await logged_in(house, second)).status == 200
    assert [row.name for row in house.devices.of("ana")] == ["laptop 2"]


async def test_a_revoked_device_is_out_at_once(house: House) -> None:
    secret = (await use(house, "redeem")).json["secret"]
    token = (await logged_in(house, secret)).json["token"]
    assert await house.invitations.revoke_devices("ana", ["laptop", "none"]) == ["laptop"]
    headers = {"Authorization": f"Bearer {token}"}
    assert (await house.call("GET", "/v1/workspaces", user="", headers=headers)).status == 401
    answer = await house.call("GET", "/v1/files/default/", user="", headers=basic("ana", secret))
    assert answer.status == 401
    assert house.told[-1] == ("ana", "device")
