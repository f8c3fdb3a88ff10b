"""The page's HTTP API, over real HTTP: who gets what."""

import json
import logging
import os
from collections.abc import AsyncIterator, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from cargo_ctl.web.pace import FREE
from cargo_ctl.web.routes import STREAMS
from cargo_ctl.web.sessions import LASTS
from cargo_ctl.web.source import Place
from cargo_sync.api.messages import ControlError
from cargo_sync.api.roles import Role
from cargo_sync.api.web_headers import PAGE_HEADERS
from tests.cargo_ctl.web.house import HOST, ORIGIN, PASSWORD, Page, daemon_answers, page
from tests.control.canned import Canned, canned

HOSTILE = "a\r\nb\x1b[2J\u202e</script><img src=x>\u2028"
ROUTES = [
    ("GET", "/"),
    ("GET", "/page/common/a.js"),
    ("POST", "/api/enter"),
    ("POST", "/api/login"),
    ("POST", "/api/leave"),
    ("GET", "/api/sources"),
    ("POST", "/api/command"),
    ("GET", "/api/feed?view=jobs"),
]
POSTS = [path for method, path in ROUTES if method == "POST"]
NEED_A_SESSION = [
    ("POST", "/api/leave"),
    ("GET", "/api/sources"),
    ("POST", "/api/command"),
    ("GET", "/api/feed?view=jobs"),
]


@pytest.fixture
def daemon(runtime: str) -> Iterator[Canned]:
    refused = ControlError("unknown_job", "there is no such job", "look again")
    answers = daemon_answers(
        more={
            "job.pause": {"jobs": [{"name": HOSTILE, "state": "paused"}]},
            "job.sync": refused,
            "audit": {"rows": [], "next": 0},
        }
    )
    with canned(runtime, answers) as one:
        yield one


@pytest.fixture
async def web(tmp_path: Path, runtime: str, daemon: Canned) -> AsyncIterator[Page]:
    places = [
        Place("daemon", "daemon", usual=True),
        Place("server", "server", usual=True, kind="server"),
        Place("gone", os.path.join(runtime, "gone")),
    ]
    users = {"ana": Role.WATCH, "ben": Role.CONTROL}
    async with page(tmp_path, places, os.environ, users) as one:
        yield one


async def error(response: Any) -> tuple[int, str]:
    return response.status, (await response.json())["error"]["code"]


# -- what holds for every route --------------------------------------------------------------------


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_only_the_pages_own_names_are_answered(web: Page, method: str, path: str) -> None:
    for host in ("evil.example:8480", "page.test", "127.0.0.1:8480", f"{HOST}.evil.example", ""):
        response = await web.ask(method, path, {}, Host=host)
        assert await error(response) == (403, "forbidden"), host
    response = await web.ask(method, path, {}, Host=HOST.upper())
    assert response.status != 403
    response.close()


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_no_other_page_is_answered(web: Page, method: str, path: str) -> None:
    bearer = await web.enter()
    origins = [
        "http://evil.example",
        "null",
        "https://page.test:8480",
        f"{ORIGIN}.evil.example",
        "",
    ]
    for origin in origins:
        response = await web.ask(method, path, {}, bearer, Origin=origin)
        assert await error(response) == (403, "forbidden"), origin
    if method == "POST":
        response = await web.ask(method, path, {}, bearer, Origin=None)
        assert await error(response) == (403, "forbidden"), "a browser always sends it"


@pytest.mark.parametrize("path", POSTS)
async def test_a_form_cannot_send_what_a_post_needs(web: Page, path: str) -> None:
    bearer = await web.enter()
    for kind in ("application/x-www-form-urlencoded", "text/plain", "multipart/form-data", None):
        response = await web.ask("POST", path, b"{}", bearer, Content_Type=kind)
        assert await error(response) == (415, "unsupported"), kind


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"[" * 10_000, b'{"unknown": 1}'])
async def test_a_body_that_is_none(web: Page, path: str, body: bytes) -> None:
    response = await web.ask("POST", path, body, await web.enter())
    assert await error(response) == (400, "bad_request")


async def test_a_body_that_is_too_large(web: Page) -> None:
    response = await web.ask("POST", "/api/login", BytesIO(b" " * (1024 * 1024 + 1)))
    assert await error(response) == (413, "too_large")


@pytest.mark.parametrize(("method", "path"), NEED_A_SESSION)
async def test_what_needs_a_session(web: Page, method: str, path: str) -> None:
    bearer = await web.enter()
    for header in (None, "", "Bearer", "Bearer ", f"Basic {bearer}", bearer, f"Bearer {bearer}x"):
        response = await web.ask(method, path, {}, Authorization=header)
        assert await error(response) == (401, "unauthorized"), header
    response = await web.ask(method, f"{path}{'&' if '?' in path else '?'}bearer={bearer}", {})
    assert await error(response) == (401, "unauthorized"), "never in the address"


@pytest.mark.parametrize(("method", "path"), [*ROUTES, ("GET", "/nothing"), ("PUT", "/api/login")])
async def test_every_answer_has_the_headers_of_a_page(web: Page, method: str, path: str) -> None:
    bearer = await web.enter()
    response = await web.ask(method, path, {}, bearer)
    assert {name: response.headers[name] for name in PAGE_HEADERS} == PAGE_HEADERS
    assert response.headers["Server"] == "cargo"
    assert "Set-Cookie" not in response.headers
    assert "Access-Control-Allow-Origin" not in response.headers
    if path.startswith("/api/"):
        assert response.headers.get("Cache-Control") == "no-store"
    response.close()


async def test_addresses_and_methods_that_are_none(web: Page) -> None:
    for path in ("/nothing", "/page/", "/page/jobs.html", "/page/../web.json", "/page/common"):
        response = await web.ask("GET", path)
        assert await error(response) == (404, "unknown"), path
    response = await web.ask("PUT", "/api/login", {})
    assert await error(response) == (405, "method")
    assert response.headers["Allow"] == "POST"


async def test_the_page_and_its_files(web: Page) -> None:
    response = await web.ask("GET", "/")
    assert (response.status, await response.read()) == (200, b"<!doctype html>")
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    response = await web.ask("GET", "/page/common/a.js")
    assert response.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert response.headers["Cache-Control"] == "no-cache"
    again = await web.ask("GET", "/page/common/a.js", If_None_Match=response.headers["ETag"])
    assert (again.status, await again.read()) == (304, b"")
    assert again.headers["ETag"] == response.headers["ETag"]


# -- logging in ------------------------------------------------------------------------------------


async def test_the_link_works_once(web: Page) -> None:
    key = web.link.key
    response = await web.ask("POST", "/api/enter", {"key": key})
    entered = await response.json()
    assert entered | {"bearer": ""} == {
        "bearer": "",
        "user": "link",
        "role": "control",
        "expires_in": LASTS,
    }
    assert web.used == [web.link.key] != [key], "the next link is written"
    assert (await web.ask("GET", "/api/sources", bearer=entered["bearer"])).status == 200
    again = await web.ask("POST", "/api/enter", {"key": key})
    assert await error(again) == (401, "unauthorized")


async def test_a_user_logs_in_and_leaves(web: Page) -> None:
    response = await web.ask("POST", "/api/login", {"user": "ana", "password": PASSWORD})
    session = await response.json()
    assert (session["user"], session["role"]) == ("ana", "watch")
    bearer = session["bearer"]
    assert (await web.ask("GET", "/api/sources", bearer=bearer)).status == 200
    left = await web.ask("POST", "/api/leave", {}, bearer)
    assert (left.status, await left.json()) == (200, {})
    assert await error(await web.ask("GET", "/api/sources", bearer=bearer)) == (401, "unauthorized")


@pytest.mark.parametrize(("user", "password"), [("ana", "wrong"), ("eve", PASSWORD), ("link", "")])
async def test_a_wrong_login_tells_nothing(web: Page, user: str, password: str) -> None:
    response = await web.ask("POST", "/api/login", {"user": user, "password": password})
    assert (response.status, await response.json()) == (
        401,
        {
            "error": {
                "code": "unauthorized",
                "message": "the name or the password is wrong",
                "hint": "",
            }
        },
    )


async def test_guessing_is_slowed_down(web: Page) -> None:
    for _ in range(FREE):
        response = await web.ask("POST", "/api/enter", {"key": "guess"})
        assert response.status == 401
    response = await web.ask("POST", "/api/enter", {"key": web.link.key})
    assert await error(response) == (429, "throttled")
    assert response.headers["Retry-After"] == "2"
    response = await web.ask("POST", "/api/login", {"user": "ana", "password": PASSWORD})
    assert await error(response) == (429, "throttled"), "by address"
    web.clock.now = 1.0
    assert (await web.ask("POST", "/api/enter", {"key": web.link.key})).status == 200


async def test_behind_a_trusted_proxy_nobody_waits_for_the_guesses_of_others(
    tmp_path: Path, runtime: str, daemon: Canned
) -> None:
    env = {"CARGO_RUNTIME_DIR": runtime}
    users = {"ana": Role.WATCH, "ben": Role.WATCH}
    for proxies, status in (((), 429), (("127.0.0.0/8",), 200)):
        folder = tmp_path / str(status)
        folder.mkdir()
        async with page(folder, [Place("daemon", "daemon")], env, users, proxies) as web:
            told = "203.0.113.9, 198.51.100.7"
            for _ in range(FREE):
                wrong = {"user": "ana", "password": "guess"}
                response = await web.ask("POST", "/api/login", wrong, X_Forwarded_For=told)
                assert response.status == 401
            right = {"user": "ben", "password": PASSWORD}
            # What a client writes in front of the proxy's own word chooses no address.
            for told in ("203.0.113.9", "198.51.100.7, 203.0.113.9"):
                response = await web.ask("POST", "/api/login", right, X_Forwarded_For=told)
                assert response.status == status


async def test_a_session_ends_with_its_user(web: Page) -> None:
    bearer = await web.login("ana")
    path = web.folder / "web.json"
    fields = json.loads(path.read_text())
    fields["users"]["ana"]["role"] = "control"
    path.write_text(json.dumps(fields))
    assert await error(await web.ask("GET", "/api/sources", bearer=bearer)) == (401, "unauthorized")


async def test_no_secret_is_in_the_log(web: Page, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    key = web.link.key
    bearers = [await web.enter(), await web.login("ana")]
    await web.ask("POST", "/api/login", {"user": "canary-my-password", "password": "canary-2"})
    await web.ask("POST", "/api/enter", {"key": "canary-3"})
    await web.command(bearers[0], "daemon", "job.add", text='{"password": "canary-4"}')
    assert "ana logged in from 127.0.0.1, role watch" in caplog.text
    assert "a wrong password for an unknown user from 127.0.0.1" in caplog.text
    for secret in (key, *bearers, PASSWORD, "canary"):
        assert secret not in caplog.text


# -- daemons and servers ---------------------------------------------------------------------------


async def test_the_sources(web: Page, runtime: str) -> None:
    response = await web.ask("GET", "/api/sources", bearer=await web.login("ana"))
    daemon, gone = (await response.json())["sources"]
    assert daemon == {
        "source": "daemon",
        "kind": "daemon",
        "name": "daemon",
        "host": "box",
        "state": "up",
        "detail": "",
        "version": "1.2.3",
        "role": "watch",
    }
    assert (gone["source"], gone["state"], gone["kind"]) == ("gone", "away", "")
    assert gone["detail"].startswith("no daemon answers at ipc://")
    assert gone["detail"].endswith("(start one with: cargo_sync daemon)")


async def test_a_command_is_sent_for_the_person(web: Page, daemon: Canned) -> None:
    ben = await web.login("ben")
    found = await web.command(ben, "daemon", "job.pause", job="a")
    assert found == {"ok": True, "result": {"jobs": [{"name": HOSTILE, "state": "paused"}]}}
    [(who, command, _, outcome)] = daemon.audit.rows
    assert (command, outcome) == ("job.pause", "ok")
    assert who.endswith(" for ben")


async def test_a_refusal_is_passed_on(web: Page) -> None:
    found = await web.command(await web.enter(), "daemon", "job.sync", job="a")
    error = {"code": "unknown_job", "message": "there is no such job", "hint": "look again"}
    assert found == {"ok": False, "error": error}


async def test_who_may_only_watch_changes_nothing(web: Page, daemon: Canned) -> None:
    ana = await web.login("ana")
    assert (await web.command(ana, "daemon", "job.list"))["ok"]
    for cmd in ("job.pause", "audit", "shutdown", "job.of_a_later_version"):
        found = await web.command(ana, "daemon", cmd)
        assert found["error"]["code"] == "forbidden", cmd
    assert [cmd for cmd, _ in daemon.asked] == ["job.list"]


async def test_the_daemon_itself_refuses_who_may_only_watch(
    web: Page, daemon: Canned, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cargo_ctl.web.commands.check", lambda role, cmd: None)
    found = await web.command(await web.login("ana"), "daemon", "job.pause")
    assert found["error"] == {
        "code": "forbidden",
        "message": "ana may only watch; job.pause changes something",
    }
    assert daemon.asked == []


async def test_a_repeated_id_is_done_once(web: Page, daemon: Canned) -> None:
    bearer = await web.enter()
    body = {"source": "daemon", "cmd": "job.pause", "args": {}, "id": "the same"}
    first = await (await web.ask("POST", "/api/command", body, bearer)).json()
    assert await (await web.ask("POST", "/api/command", body, bearer)).json() == first
    assert [cmd for cmd, _ in daemon.asked] == ["job.pause"]


async def test_a_source_that_is_away_or_is_none(web: Page) -> None:
    bearer = await web.enter()
    found = await web.command(bearer, "gone", "status")
    assert found["error"]["code"] == "not_running"
    found = await web.command(bearer, HOSTILE, "status")
    assert found["error"]["code"] == "unknown_source"
    assert HOSTILE in found["error"]["message"], "JSON has the name as it is"


@pytest.mark.parametrize(
    "body",
    [
        {"cmd": "status"},
        {"source": "daemon"},
        {"source": 1, "cmd": "status"},
        {"source": "daemon", "cmd": ["status"]},
        {"source": "daemon", "cmd": "x" * 65},
        {"source": "daemon", "cmd": "status", "args": []},
        {"source": "daemon", "cmd": "status", "id": 7},
        {"source": "daemon", "cmd": "status", "id": "x" * 129},
        {"source": "daemon", "cmd": "status", "for": {"name": "root", "role": "control"}},
    ],
)
async def test_a_command_that_is_none(web: Page, body: object) -> None:
    response = await web.ask("POST", "/api/command", body, await web.enter())
    assert await error(response) == (400, "bad_request")


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("", 400, "bad_request"),
        ("view=all", 400, "bad_request"),
        ("view=job&source=daemon", 400, "bad_request"),
        ("view=job&job=a", 404, "unknown_source"),
        ("view=server&source=none", 404, "unknown_source"),
    ],
)
async def test_a_view_that_is_none(web: Page, query: str, status: int, code: str) -> None:
    response = await web.ask("GET", f"/api/feed?{query}", bearer=await web.enter())
    assert await error(response) == (status, code)


async def test_a_session_has_a_limit_of_streams(web: Page) -> None:
    bearer = await web.enter()
    open_ = [await web.ask("GET", "/api/feed?view=jobs", bearer=bearer) for _ in range(STREAMS)]
    response = await web.ask("GET", "/api/feed?view=jobs", bearer=bearer)
    assert await error(response) == (429, "throttled")
    other = await web.ask("GET", "/api/feed?view=jobs", bearer=await web.enter())
    assert other.status == 200
    for one in (*open_, other):
        one.close()
