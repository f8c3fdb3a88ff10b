"""Quotas, expiry and networks of users, set by command while the server runs."""

import json
from pathlib import Path
from typing import Any

import aiohttp
import argon2
import pytest

from cargo_sync.api.messages import last_messages
from cargo_sync.server.server import Up
from tests.server.admin import ask, governed
from tests.server.surroundings import CHEAP
from tests.server.test_app import settings


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(argon2, "PasswordHasher", lambda: CHEAP)


async def put(up: Up, name: str, size: int, workspace: str = "default") -> tuple[int, str]:
    """Status and code of a plain upload by ana."""
    url = f"{up.api}/v1/files/{workspace}/{name}"
    login = {"Authorization": aiohttp.encode_basic_auth("ana", "correct horse")}
    async with (
        aiohttp.ClientSession(headers=login) as session,
        session.put(url, data=bytes(size)) as answer,
    ):
        text = await answer.text()
        return answer.status, json.loads(text)["error"]["code"] if text else ""


async def token(up: Up) -> str:
    login = {"username": "ana", "password": "correct horse"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{up.api}/v1/login", json=login) as answer,
    ):
        return str((await answer.json())["token"])


async def get(up: Up, path: str) -> Any:
    """What the API answers to ana."""
    login = {"Authorization": f"Bearer {await token(up)}"}
    async with (
        aiohttp.ClientSession(headers=login) as session,
        session.get(f"{up.api}/v1/{path}") as answer,
    ):
        return await answer.json()


async def begin(up: Up, size: int) -> tuple[int, str]:
    """Status and code of the beginning of an upload in pieces, into a new file."""
    asked = {"workspace": "default", "path": "new", "size": size, "mtime_ns": 0, "expected": 0}
    login = {"Authorization": f"Bearer {await token(up)}"}
    async with (
        aiohttp.ClientSession(headers=login) as session,
        session.post(f"{up.api}/v1/uploads", json=asked) as answer,
    ):
        found = await answer.json()
        return answer.status, found.get("error", {}).get("code", "")


async def limits(up: Up, **given: Any) -> dict[str, Any]:
    row: dict[str, Any] = await ask(up, "user.set", user="ana", **given)
    return {field: row[field] for field in ("quota", "used", "expires", "expired", "networks")}


async def test_a_quota_works_at_once_and_lasts(tmp_path: Path) -> None:
    file = settings(tmp_path, plain=True)
    async with governed(file) as up:
        assert await put(up, "a", 60) == (201, "")
        row = await limits(up, quota="100B")
        assert (row["quota"], row["used"]) == (
            {"bytes": 100, "files": None},
            {"bytes": 60, "files": 1},
        )
        assert await put(up, "b", 41) == (507, "over_quota")
        assert await begin(up, 41) == (507, "over_quota")
        [space] = (await get(up, "workspaces"))["workspaces"]
        assert (space["quota"], space["used"]) == (row["quota"], row["used"])
        assert await put(up, "b", 40) == (201, "")
        assert await put(up, "a", 61) == (507, "over_quota")
        assert await put(up, "a", 50) == (204, "")
        assert (await limits(up, quota="none", files="2"))["quota"] == {"bytes": None, "files": 2}
        assert await put(up, "c", 0) == (507, "over_quota")
        assert await put(up, "b", 500) == (204, "")
    async with governed(file) as up:
        [row] = (await ask(up, "user.list"))["users"]
        assert (row["quota"], row["used"]) == (
            {"bytes": None, "files": 2},
            {"bytes": 550, "files": 2},
        )
        assert await put(up, "c", 0) == (507, "over_quota")
        assert (await limits(up, files="none"))["quota"] is None
        assert await put(up, "c", 0) == (201, "")


async def test_a_workspace_has_its_own_quota(tmp_path: Path) -> None:
    async with governed(settings(tmp_path, plain=True)) as up:
        grants = {"ana": "rw"}
        await ask(up, "workspace.add", workspace="m", path=str(tmp_path / "m"), grants=grants)
        row = await ask(up, "workspace.set", workspace="m", quota="10B")
        assert row["quota"] == {"bytes": 10, "files": None}
        assert await put(up, "a", 11, "m") == (507, "over_quota")
        assert await put(up, "a", 10, "m") == (201, "")
        assert await put(up, "a", 11) == (201, "")
        [row] = (await ask(up, "workspace.list"))["workspaces"]
        assert row["used"] == {"bytes": 10, "files": 1}
        code, message = await ask(up, "workspace.set", workspace="m")
        assert (code, "something to set" in message) == ("bad_argument", True)
        assert (await ask(up, "workspace.set", workspace="m", quota="none"))["quota"] is None


async def test_what_the_file_sets_only_the_file_changes(tmp_path: Path) -> None:
    users = [
        {
            "username": "ana",
            "path": "ana",
            "password": "correct horse",
            "quota": {"files": 5},
            "expires": "2999-01-01",
        }
    ]
    spaces = [{"name": "m", "path": "m", "grants": {"ana": "rw"}, "quota": {"bytes": "1kB"}}]
    file = settings(tmp_path, plain=True, users=users, workspaces=spaces)
    async with governed(file) as up:
        for given in ({"quota": "5B"}, {"files": "none"}, {"expires": "none"}):
            code, message = await ask(up, "user.set", user="ana", **given)
            assert code == "in_file"
        code, message = await ask(up, "workspace.set", workspace="m", files="5")
        assert (code, '"m"' in message) == ("in_file", True)
        assert (await limits(up, networks=["127.0.0.0/8"]))["networks"] == ["127.0.0.0/8"]


async def test_an_expired_user_is_out_until_the_day_is_changed(tmp_path: Path) -> None:
    async with governed(settings(tmp_path, plain=True)) as up:
        assert await put(up, "a", 1) == (201, "")
        row = await limits(up, expires="2020-01-31")
        assert row["expired"]
        assert await put(up, "a", 1) == (403, "expired")
        row = await limits(up, expires="2999-01-31T10:00Z")
        assert (row["expires"], row["expired"]) == (32_474_772_000.0, False)
        assert await put(up, "a", 1) == (204, "")


async def test_who_comes_from_another_network_is_out(tmp_path: Path) -> None:
    async with governed(settings(tmp_path, plain=True)) as up:
        row = await limits(up, networks=["10.0.0.0/8", "2001:db8::5"])
        assert row["networks"] == ["10.0.0.0/8", "2001:db8::5/128"]
        assert await put(up, "a", 1) == (403, "foreign_network")
        await limits(up, networks=["127.0.0.1"])
        assert await put(up, "a", 1) == (201, "")
        assert (await limits(up, networks=["none"]))["networks"] == []


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"quota": "5 apples"}, "quota"),
        ({"files": "-1"}, "files"),
        ({"files": "1e6"}, "files"),
        ({"expires": "tomorrow"}, "expires"),
        ({"networks": []}, "networks"),
        ({"networks": ["none", "10.0.0.0/8"]}, "networks"),
        ({"networks": ["home"]}, "networks"),
    ],
)
async def test_what_cannot_be_read_is_refused(
    tmp_path: Path, given: dict[str, Any], field: str
) -> None:
    async with governed(settings(tmp_path, plain=True)) as up:
        code, message = await ask(up, "user.set", user="ana", **given)
        assert (code, f'"{field}"' in message) == ("bad_argument", True)


async def test_a_quota_that_is_used_up_is_told_in_the_feed(tmp_path: Path) -> None:
    async with governed(settings(tmp_path, plain=True)) as up:
        await limits(up, quota="100B")
        await put(up, "a", 95)
        await put(up, "b", 50)

        [notice] = last_messages(await ask(up, "feed.last", prefixes=["notice/ana/"]))
        assert notice.fields["kind"] == "quota_reached"
        assert notice.fields["used"] == {"bytes": 95, "files": 1}
        assert notice.fields["message"] == (
            'the quota of the user "ana" is used up (95 %): what would be more is refused'
        )
