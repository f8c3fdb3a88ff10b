"""A page in this process, with daemons that answer from tables; browsers are HTTP clients."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import argon2
from aiohttp import ClientResponse, ClientTimeout
from aiohttp.test_utils import TestClient, TestServer

from cargo_ctl.web import settings
from cargo_ctl.web.accounts import WebAccounts
from cargo_ctl.web.fleet import Fleet, following
from cargo_ctl.web.reachable import reachable
from cargo_ctl.web.routes import WebRoutes
from cargo_ctl.web.sessions import LoginLink, WebSessions
from cargo_ctl.web.settings import WebUser
from cargo_ctl.web.source import Place, WebSource
from cargo_sync.api.page_files import PageFile
from cargo_sync.api.roles import Role
from tests.control.canned import NOW, Answer

HOST: Final = "page.test:8480"
ORIGIN: Final = f"http://{HOST}"
PASSWORD: Final = "canary-7f3a correct horse"
FILES: Final = {
    "jobs.html": PageFile(b"<!doctype html>", "text/html; charset=utf-8", '"1"'),
    "common/a.js": PageFile(b"export {}", "text/javascript; charset=utf-8", '"2"'),
}
PATIENCE: Final = 60.0


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def hello(kind: str = "daemon", epoch: str = "e1") -> dict[str, Any]:
    return {
        "versions": {"api": 1, "cargo": "1.2.3"},
        "epoch": epoch,
        "host": "box",
        "kind": kind,
    }


class Rows:
    """The history of a daemon."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.oldest = 1

    def add(self, path: str, job: str = "a") -> int:
        cursor = len(self.rows) + 1
        self.rows.append(
            {
                "cursor": cursor,
                "job": job,
                "kind": "uploaded",
                "time": NOW,
                "path": path,
                "bytes": 5,
                "message": "",
                "details": {},
            }
        )
        return cursor

    def answer(self, args: dict[str, Any]) -> dict[str, Any]:
        limit = args.get("limit", 100)
        rows = [
            row
            for row in self.rows
            if row["cursor"] >= self.oldest and args.get("job") in (None, row["job"])
        ]
        if "since" not in args:
            shown, more = rows[-limit:], False
        else:
            rows = [row for row in rows if row["cursor"] > args["since"]]
            shown, more = rows[:limit], len(rows) > limit
        after = shown[-1]["cursor"] if more else len(self.rows)
        return {"rows": shown, "next": after, "more": more, "oldest": self.oldest}


_NO_MORE: Final[Mapping[str, Answer]] = {}


def daemon_answers(
    rows: Rows | None = None, more: Mapping[str, Answer] = _NO_MORE
) -> Mapping[str, Answer]:
    return {
        "hello": hello(),
        "status": {"state": "synced", "totals": {"files_done": 0}},
        "job.list": {"jobs": [{"name": "a", "state": "synced"}]},
        "job.show": {"name": "a", "state": "synced"},
        "transfer.list": {"transfers": [], "waiting": []},
        "history": (rows or Rows()).answer,
        **more,
    }


@dataclass
class Page:
    """A page and what it is made of. `folder` has its `web.json`."""

    folder: Path
    client: TestClient[Any, Any]
    clock: Clock
    link: LoginLink
    fleet: Fleet
    used: list[str] = field(default_factory=list)

    async def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        bearer: str = "",
        **headers: str | None,
    ) -> ClientResponse:
        """A request as the page itself sends it; a header of None is left out."""
        sent: dict[str, str | None] = {"Host": HOST}
        if method != "GET":
            sent |= {"Origin": ORIGIN, "Content-Type": "application/json"}
        if bearer:
            sent["Authorization"] = f"Bearer {bearer}"
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        given = {name: value for name, value in sent.items() if value is not None}
        raw = body if isinstance(body, bytes | BytesIO | None) else json.dumps(body).encode()
        skip = () if "Content-Type" in given else ("Content-Type",)
        return await self.client.request(
            method, path, data=raw, headers=given, skip_auto_headers=skip
        )

    async def enter(self) -> str:
        """A bearer with the role control."""
        response = await self.ask("POST", "/api/enter", {"key": self.link.key})
        return str((await response.json())["bearer"])

    async def login(self, user: str, password: str = PASSWORD) -> str:
        response = await self.ask("POST", "/api/login", {"user": user, "password": password})
        assert response.status == 200, await response.text()
        return str((await response.json())["bearer"])

    async def command(self, bearer: str, source: str, cmd: str, **args: object) -> Any:
        body = {"source": source, "cmd": cmd, "args": args}
        response = await self.ask("POST", "/api/command", body, bearer)
        assert response.status == 200, await response.text()
        return await response.json()

    @asynccontextmanager
    async def feed(
        self, bearer: str, query: str = "view=jobs", last: str = ""
    ) -> AsyncIterator["Events"]:
        headers = {"Last_Event_ID": last} if last else {}
        response = await self.ask("GET", f"/api/feed?{query}", None, bearer, **headers)
        assert response.status == 200, await response.text()
        try:
            yield Events(response)
        finally:
            response.close()


class Events:
    """The events of a stream. `id`: the last one that came."""

    def __init__(self, response: ClientResponse) -> None:
        self.response = response
        self.id = ""

    async def next(self) -> tuple[str, Any]:
        """The next event; comments are skipped."""
        async with asyncio.timeout(PATIENCE):
            while True:
                fields = {}
                while (line := (await self.response.content.readline()).decode()) not in ("\n", ""):
                    name, _, value = line.rstrip("\n").partition(": ")
                    fields[name] = value
                if line == "":
                    raise EOFError
                self.id = fields.get("id", self.id)
                if "event" in fields:
                    return fields["event"], json.loads(fields["data"])

    async def until(self, name: str) -> Any:
        """The data of the next event of this name; others are skipped."""
        while True:
            found, data = await self.next()
            if found == name:
                return data


@asynccontextmanager
async def page(
    folder: Path,
    places: list[Place],
    env: Mapping[str, str],
    users: Mapping[str, Role],
    proxies: Sequence[str] = (),
) -> AsyncIterator[Page]:
    clock, link = Clock(), LoginLink()
    path = str(folder / "web.json")
    hash = argon2.PasswordHasher(1, 8, 1).hash(PASSWORD)
    made = {name: WebUser(name, role, hash) for name, role in users.items()}
    settings.change_users(path, lambda known: known.update(made), new=True)
    accounts = WebAccounts(path)
    fleet = Fleet(
        [WebSource(place, env) for place in places], following(asyncio.get_running_loop())
    )
    used: list[str] = []
    routes = WebRoutes(
        fleet,
        FILES,
        reachable("http", ["page.test"], 8480, [], proxies),
        accounts,
        WebSessions(clock, accounts.is_still),
        link,
        lambda: used.append(link.key),
        clock,
    )
    server = TestServer(routes.application(), host="127.0.0.1")
    client = TestClient(server, timeout=ClientTimeout(total=None, sock_read=PATIENCE))
    await client.start_server()
    # What is checked for unknown users costs as much as that of these users.
    cheap = patch("cargo_ctl.web.accounts._nobody", lambda: hash)
    cheap.start()
    try:
        yield Page(folder, client, clock, link, fleet, used)
    finally:
        cheap.stop()
        fleet.close()
        await client.close()
