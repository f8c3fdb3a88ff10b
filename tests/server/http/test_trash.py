"""The trash over HTTP: pages, filters, who may what, and names that are no ids."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.server.house import House, living

TRASH = "/v1/workspaces/default/trash"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with living(tmp_path) as one:
        yield one


async def put(house: House, path: str, content: bytes, user: str = "ana") -> None:
    answer = await house.call("PUT", f"/v1/files/{path}", content, user=user)
    assert answer.status in (201, 204)


async def delete(house: House, path: str, user: str = "ana") -> None:
    found = await house.call("GET", f"/v1/workspaces/default/entry?path={path}", user=user)
    body = {"operations": [{"op": "delete", "path": path, "expected": found.json["entry"][5]}]}
    answer = await house.call("POST", "/v1/workspaces/default/operations", body, user=user)
    assert answer.json["results"][0]["code"] == "done"


async def test_what_was_replaced_and_deleted_is_listed(house: House) -> None:
    await put(house, "default/docs/a", b"one")
    await put(house, "default/docs/a", b"second")
    await delete(house, "docs/a")
    answer = (await house.call("GET", TRASH)).json
    assert (answer["files"], answer["bytes"], answer["before"]) == (2, 9, None)
    newest, oldest = answer["rows"]
    assert (newest["path"], newest["size"], newest["cause"]) == ("docs/a", 6, "deleted")
    assert (oldest["size"], oldest["cause"], oldest["user"]) == (3, "overwritten", "ana")
    assert oldest["hash"] and oldest["state"] == "kept" and oldest["ended"] is None
    assert (await house.call("GET", f"{TRASH}?pattern=*.txt")).json["rows"] == []
    assert len((await house.call("GET", f"{TRASH}?under=docs&pattern=a")).json["rows"]) == 2


async def test_it_comes_in_pages(house: House) -> None:
    for number in range(5):
        await put(house, f"default/{number}", b"x")
        await delete(house, str(number))
    seen, before = [], ""
    while True:
        page = (await house.call("GET", f"{TRASH}?limit=2{before}")).json
        seen += [row["path"] for row in page["rows"]]
        if page["before"] is None:
            break
        before = f"&before={page['before']}"
    assert seen == ["4", "3", "2", "1", "0"]


async def test_restore_and_empty(house: House) -> None:
    await put(house, "default/a", b"one")
    await put(house, "default/a", b"second")
    answer = await house.call("POST", f"{TRASH}/restore", {"ids": [1, 77]})
    done, unknown = answer.json["results"]
    assert (done["code"], done["path"], done["displaced"]) == ("done", "a", 1)
    assert unknown["code"] == "vanished"
    assert (house.folders["ana"] / "a").read_bytes() == b"one"
    assert (await house.call("POST", f"{TRASH}/empty", {"older": 0})).json == {
        "files": 1,
        "bytes": 6,
        "more": False,
    }
    rows = (await house.call("GET", f"{TRASH}?all=1")).json["rows"]
    assert [(row["state"], row["moved_to"]) for row in rows] == [("freed", ""), ("restored", "a")]


async def test_who_restored_and_emptied_what_is_in_the_audit(house: House) -> None:
    await put(house, "default/a", b"one")
    await put(house, "default/a", b"second")
    await house.call("POST", f"{TRASH}/restore", {"ids": [1], "to": "back"})
    await house.call("POST", f"{TRASH}/empty", {"older": 0})
    await house.call("POST", f"{TRASH}/restore", {"ids": [1], "to": ".cargo_sync"})
    await house.call("GET", TRASH)
    restored, emptied = house.audit.rows
    who, command, args, outcome = restored
    assert who.startswith('user "ana" at ') and (command, outcome) == ("trash.restore", "ok")
    assert json.loads(args) == {"workspace": "default", "ids": {"items": 1}, "to": "back"}
    assert emptied[1:] == ("trash.empty", '{"workspace":"default","older":0}', "ok")


async def test_only_who_may_write_restores(house: House) -> None:
    (house.folders["shared"] / "x").write_text("x")
    house.intake("shared")
    trash = "/v1/workspaces/shared/trash"
    assert (await house.call("GET", trash, user="ben")).status == 200
    for what, body in (("restore", {"ids": [1]}), ("empty", {"older": 0})):
        answer = await house.call("POST", f"{trash}/{what}", body, user="ben")
        assert (answer.status, answer.code) == (403, "read_only")
    assert (await house.call("GET", trash, user="")).status == 401


async def test_other_users_have_their_own(house: House) -> None:
    await put(house, "default/secret", b"x")
    await delete(house, "secret")
    assert (await house.call("GET", TRASH, user="ben")).json["rows"] == []
    answer = await house.call("POST", f"{TRASH}/restore", {"ids": [1]}, user="ben")
    assert answer.json["results"][0]["code"] == "vanished"
    assert (await house.call("POST", f"{TRASH}/empty", {"ids": [1]}, user="ben")).json["files"] == 0
    assert len((await house.call("GET", TRASH)).json["rows"]) == 1


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("restore", {}),
        ("restore", {"ids": ["../../etc/passwd"]}),
        ("restore", {"ids": [0]}),
        ("restore", {"ids": [-1]}),
        ("restore", {"ids": [True]}),
        ("restore", {"ids": [2**63]}),
        ("restore", {"ids": list(range(1, 502))}),
        ("restore", {"ids": [1], "to": "../up"}),
        ("restore", {"ids": [1], "to": "/etc"}),
        ("restore", {"ids": [1], "to": ".cargo_sync/x"}),
        ("restore", {"ids": [1], "run": "../x"}),
        ("empty", {}),
        ("empty", {"ids": [1], "older": 0}),
        ("empty", {"older": -1}),
        ("empty", {"older": "all"}),
    ],
)
async def test_what_names_no_version_is_refused(house: House, what: str, body: object) -> None:
    await put(house, "default/a", b"one")
    await put(house, "default/a", b"second")
    answer = await house.call("POST", f"{TRASH}/{what}", body)
    assert answer.status == 400
    assert answer.code in ("bad_request", "bad_path", "reserved_name")
    assert (house.folders["ana"] / "a").read_bytes() == b"second"
    assert len((await house.call("GET", TRASH)).json["rows"]) == 1


@pytest.mark.parametrize(
    "query", ["limit=x", "before=-1", "since=1.5", "under=../x", "all=yes", "place=/etc"]
)
async def test_queries_are_checked(house: House, query: str) -> None:
    assert (await house.call("GET", f"{TRASH}?{query}")).status == 400
