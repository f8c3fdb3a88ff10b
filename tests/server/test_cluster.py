"""Servers that share a database, and one that is alone."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import argon2
import psycopg
import pytest

from cargo_sync.cluster import flow_orders, membership
from cargo_sync.server.server import Up
from cargo_sync.server.workspace.folder import external_changes
from tests.server.admin import ask, governed
from tests.server.surroundings import CHEAP
from tests.server.test_app import settings


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(argon2, "PasswordHasher", lambda: CHEAP)


async def test_a_server_that_is_alone_is_the_only_one(tmp_path: Path) -> None:
    async with governed(settings(tmp_path, plain=True)) as up:
        [row] = (await ask(up, "server.list"))["servers"]
        assert (row["state"], row["this"], row["address"]) == ("up", True, up.api.rstrip("/"))
        assert row["lanes"] == up.data_port
        shown = await ask(up, "server.show", server=row["server"])
        assert shown["flows"] == [] and shown["figures"]["uploads"] == 0
        assert (await ask(up, "server.show", server="x"))[0] == "unknown_server"
        assert (await ask(up, "server.remove", server=row["id"]))[0] == "bad_argument"
        assert (await ask(up, "server.drain"))["state"] == "draining"
        assert (await ask(up, "server.drain", undo=True))["state"] == "up"
        assert (await ask(up, "flow.list"))["flows"] == []


@asynccontextmanager
async def two(place: Path, database: str) -> AsyncIterator[tuple[Up, Up]]:
    """Two servers on one database; they look at each other ten times as often as usual."""
    async with AsyncExitStack() as last:
        ups = []
        for name in ("a", "b"):
            own = place / name
            own.mkdir()
            file = settings(
                own,
                database=database,
                plain=True,
                public_ip="127.0.0.1",
                cluster={"name": name},
                control={"runtime_dir": f"{os.environ['CARGO_RUNTIME_DIR']}/{name}"},
                users=[{"username": "ana", "path": str(place / "ana")}],
            )
            ups.append(await last.enter_async_context(governed(file)))
        yield ups[0], ups[1]


async def http(up: Up, path: str, token: str, /, **body: object) -> tuple[int, dict[str, Any]]:
    header = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession() as session:
        if body:
            asked = session.post(f"{up.api}/v1/{path}", data=json.dumps(body), headers=header)
        else:
            asked = session.get(f"{up.api}/v1/{path}", headers=header)
        async with asked as answer:
            return answer.status, await answer.json()


async def where(up: Up, path: str, token: str, /, **body: object) -> str:
    """The server that a refusal names."""
    header = {"Authorization": f"Bearer {token}"}
    method, sent = ("POST", json.dumps(body)) if body else ("GET", None)
    async with (
        aiohttp.ClientSession(headers=header) as session,
        session.request(method, f"{up.api}/v1/{path}", data=sent) as answer,
    ):
        return answer.headers["Cargo-Elsewhere"]


async def until(asked: Callable[[], Awaitable[bool]]) -> None:
    """Waits for what another server does within two seconds."""
    for _ in range(1_000):
        if await asked():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not happen")


async def has_states(up: Up, states: list[str]) -> bool:
    """Whether the servers a and b are in these states, as one of them says."""
    rows = (await ask(up, "server.list"))["servers"]
    return [(row["server"], row["state"]) for row in rows] == list(zip("ab", states, strict=True))


async def test_two_servers_know_each_other_and_each_others_logins(
    tmp_path: Path, fresh_postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(membership, "TICK", 0.05)
    async with two(tmp_path, fresh_postgres) as (a, b):
        for one in (a, b):
            await until(partial(has_states, one, ["up", "up"]))
        await ask(a, "user.passwd", user="ana", password="correct horse")
        login = {"username": "ana", "password": "correct horse"}
        _, answer = await http(a, "login", "", **login)
        token = answer["token"]
        for one in (a, b):
            assert (await http(one, "workspaces", token))[0] == 200
        assert (await http(b, "login", "", **login))[0] == 200
        # A change at one is seen at the other.
        await ask(b, "user.passwd", user="ana", password="battery staple")
        assert (await http(b, "workspaces", token))[0] == 401

        async def ended() -> bool:
            return (await http(a, "workspaces", token))[0] == 401

        await until(ended)

        async def is_refused() -> bool:
            return (await http(a, "login", "", **login))[0] == 401

        await until(is_refused)
        await ask(a, "server.drain", server="b")
        await until(partial(has_states, b, ["up", "draining"]))


async def test_one_of_them_serves_a_folder_and_another_one_goes_on(
    tmp_path: Path, fresh_postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(membership, "TICK", 0.05)
    monkeypatch.setattr(external_changes, "AWAY", 0.05)
    async with two(tmp_path, fresh_postgres) as (a, b):
        await ask(a, "user.passwd", user="ana", password="correct horse")
        login = {"username": "ana", "password": "correct horse"}
        token = (await http(a, "login", "", **login))[1]["token"]
        (tmp_path / "ana" / "letter").write_text("dear ben")
        tree = "workspaces/default/tree"

        async def seen(up: Up) -> bool:
            status, answer = await http(up, tree, token)
            return status == 200 and "letter" in str(answer)

        await until(partial(seen, a))
        status, answer = await http(b, tree, token)
        assert (status, answer["error"]["code"]) == (503, "elsewhere")
        assert answer["error"]["message"] == (
            f'the folder of this workspace is served by the server "a" at {a.api.rstrip("/")}'
        )
        assert await where(b, tree, token) == a.api.rstrip("/")
        general = await ask(b, "status")
        assert (general["away"], general["errors"]) == (0, [])
        await ask(a, "shutdown")
        await until(partial(seen, b))


async def test_a_flow_of_one_can_be_steered_at_the_other_and_ends_when_its_server_drains(
    tmp_path: Path, fresh_postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(membership, "TICK", 0.05)
    async with two(tmp_path, fresh_postgres) as (a, b):
        await ask(a, "user.passwd", user="ana", password="correct horse")
        login = {"username": "ana", "password": "correct horse"}
        token = (await http(a, "login", "", **login))[1]["token"]
        wanted = {"direction": "upload", "workspace": "default", "path": "", "speed": 8_000}
        _, opened = await http(a, "flows", token, **wanted)
        assert opened["lane"]["host"] == "127.0.0.1"
        of_speed = f"flows/{opened['flow']}/speed"
        assert await http(b, of_speed, token, speed=5_000) == (200, {"granted": 5_000})
        with monkeypatch.context() as hurry:
            hurry.setattr(flow_orders, "PATIENCE", 0.2)
            assert (await http(b, f"flows/{'0' * 32}/speed", token, speed=5_000))[0] == 404

        async def listed() -> bool:
            flows = (await ask(b, "flow.list"))["flows"]
            return [(one["server"], one["granted"]) for one in flows] == [("a", 5_000)]

        await until(listed)
        [user] = (await ask(b, "user.list"))["users"]
        assert user["flows"] == 1
        assert [one["server"] for one in (await ask(b, "user.show", user="ana"))["flows"]] == ["a"]
        for command in ("status", "bandwidth.show"):
            assert (await ask(b, command))["among"] == {"server": "b", "servers": 2}
        assert (await http(a, "ready", ""))[0] == 200
        await ask(b, "server.drain", server="a")

        async def drained() -> bool:
            return (await http(a, "ready", ""))[0] == 503

        await until(drained)
        status, answer = await http(a, "flows", token, **wanted)
        assert (status, answer["error"]["code"]) == (503, "elsewhere")
        assert await where(a, "flows", token, **wanted) == b.api.rstrip("/"), "it names another one"

        async def ended() -> bool:
            return not (await ask(a, "flow.list"))["flows"]

        await until(ended)
        assert (await http(b, "ready", ""))[0] == 200


async def test_a_folder_that_another_server_took_and_lost_is_served_again_at_once(
    tmp_path: Path, fresh_postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(membership, "TICK", 0.05)
    async with two(tmp_path, fresh_postgres) as (a, b):
        await ask(a, "user.passwd", user="ana", password="correct horse")
        login = {"username": "ana", "password": "correct horse"}
        token = (await http(a, "login", "", **login))[1]["token"]

        def stolen() -> int:
            with psycopg.connect(fresh_postgres, autocommit=True) as connection:
                done = connection.execute(
                    "UPDATE holder SET server = 'x', life = 'y' WHERE root = %s",
                    (str(tmp_path / "ana"),),
                )
                return done.rowcount

        def holder() -> str:
            with psycopg.connect(fresh_postgres) as connection:
                [(name,)] = connection.execute(
                    "SELECT name FROM server JOIN holder ON holder.server = server.id"
                )
                return str(name)

        async def back() -> bool:
            with suppress(ValueError):
                up = {"a": a, "b": b}[holder()]  # the other one may be faster
                return (await http(up, "workspaces/default/tree", token))[0] == 200
            return False

        assert stolen() == 1
        await until(back)
