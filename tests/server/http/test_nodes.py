"""A storage node joins: once, with the token of its invitation; every failure looks the same."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cargo_sync.server.accounts.throttle import FREE
from cargo_sync.stores.nodes.pairing import PREFIX
from tests.server.house import NOW, Answer, House, living

TOKEN, OTHER = "Zr0u5lXb8m2c1wq7TnKpLA", "AAAAAAAAAAAAAAAAAAAAAA"
HOUR = 3600.0
PRINT = "ab" * 32


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with living(tmp_path) as house:
        assert await house.pairing.invite("cellar", "house1", TOKEN, HOUR) == NOW + HOUR
        yield house


async def join(house: House, token: str = TOKEN, **more: object) -> Answer:
    body = {
        "name": "cellar",
        "token": token,
        "address": "cellar.lan",
        "port": 8445,
        "lane_port": 8446,
        "fingerprint": PRINT,
        **more,
    }
    return await house.call("POST", "/v1/nodes", body, user="")


async def test_a_node_joins_once(house: House) -> None:
    joined = await join(house)
    assert joined.status == 200
    bearer = joined.json["bearer"]
    assert joined.json == {"id": 1, "zone": "house1", "bearer": bearer}
    assert bearer.startswith(PREFIX) and len(bearer) == len(PREFIX) + 43
    [node] = house.nodes.all()
    assert (node.name, node.zone, node.host, node.port, node.lane_port, node.fingerprint) == (
        "cellar", "house1", "cellar.lan", 8445, 8446, PRINT,
    )  # fmt: skip
    assert (node.secret, house.joined) == (bearer, ["cellar"])
    assert bearer not in repr(node)
    assert (await join(house)).status == 401
    assert house.joined == ["cellar"]


async def test_a_node_that_has_lost_its_disk_joins_again_under_its_name(house: House) -> None:
    first = await join(house)
    await house.pairing.invite("cellar", "house2", OTHER, HOUR)
    second = await join(house, OTHER, address="10.0.0.7", fingerprint="cd" * 32)
    assert second.json["id"] == 1 and second.json["bearer"] != first.json["bearer"]
    [node] = house.nodes.all()
    assert (node.zone, node.host, node.fingerprint) == ("house2", "10.0.0.7", "cd" * 32)


async def test_a_later_invitation_takes_the_place_of_the_one_before(house: House) -> None:
    await house.pairing.invite("cellar", "house1", OTHER, HOUR)
    assert (await join(house)).status == 401
    assert (await join(house, OTHER)).status == 200


async def test_every_failure_looks_the_same_and_slows_down(house: House) -> None:
    await house.pairing.invite("late", "late", OTHER, 5)
    house.wall.now += 6
    failures = [
        await join(house, OTHER),
        await join(house, name="attic"),
        await join(house, OTHER, name="late"),
        await join(house, "short"),
    ]
    assert {answer.status for answer in failures} == {401}
    assert len({answer.body for answer in failures}) == 1
    for _ in range(FREE):
        await join(house, OTHER)
    throttled = await join(house, OTHER)
    assert throttled.status == 429
    assert house.nodes.all() == [] and house.joined == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("address", "http://cellar"),
        ("address", "cellar:80"),
        ("address", "a b"),
        ("address", ""),
        ("port", 0),
        ("port", "8445"),
        ("lane_port", 65536),
        ("fingerprint", "ab"),
        ("name", None),
    ],
)
async def test_what_makes_no_sense_is_refused_and_uses_nothing_up(
    house: House, field: str, value: object
) -> None:
    wrong: dict[str, object] = {field: value}
    refused = await join(house, **wrong)  # type: ignore[arg-type]
    assert (refused.status, refused.json["error"]["code"]) == (400, "bad_request")
    assert TOKEN.encode() not in refused.body
    assert (await join(house)).status == 200


@pytest.mark.sqlite
async def test_nothing_that_lets_a_node_in_is_kept(house: House, tmp_path: Path) -> None:
    [state] = tmp_path.rglob("*.db")
    kept = b"".join(path.read_bytes() for path in state.parent.glob("*.db*"))
    assert TOKEN.encode() not in kept
    assert hashlib.sha256(TOKEN.encode()).digest() in kept
