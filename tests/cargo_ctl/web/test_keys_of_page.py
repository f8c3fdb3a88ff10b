"""A page that reaches a daemon over TCP: its own key says what it may do there, and for whom."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from cargo_ctl.web.source import Place
from cargo_sync.api.keys import key_text
from cargo_sync.api.roles import Role
from cargo_sync.config.control import ControlSettings
from tests.cargo_ctl.web.house import daemon_answers, page
from tests.control.canned import Canned, canned


@pytest.fixture
def daemon(runtime: str) -> Iterator[Canned]:
    answers = daemon_answers(more={"job.pause": {"jobs": []}})
    with canned(runtime, answers, control=ControlSettings(port=0)) as one:
        yield one


def keyed(folder: Path, daemon: Canned, role: str) -> list[Place]:
    path = folder / f"{role}.key"
    path.write_bytes(key_text(daemon.made_key(f"page-{role}", role)))
    path.chmod(0o600)
    return [Place("box", str(path))]


async def test_the_audit_has_the_key_and_the_person(tmp_path: Path, daemon: Canned) -> None:
    places = keyed(tmp_path, daemon, "control")
    async with page(tmp_path, places, os.environ, {"ben": Role.CONTROL}) as web:
        ben = await web.login("ben")
        assert (await web.command(ben, "box", "job.pause", job="a"))["ok"]
        [source] = (await (await web.ask("GET", "/api/sources", bearer=ben)).json())["sources"]
    assert [who for who, *_ in daemon.audit.rows] == ['key "page-control" for ben']
    assert (source["state"], source["role"]) == ("up", "control")


async def test_a_key_that_may_only_watch_lets_everybody_watch(
    tmp_path: Path, daemon: Canned
) -> None:
    places = keyed(tmp_path, daemon, "watch")
    async with page(tmp_path, places, os.environ, {"ben": Role.CONTROL}) as web:
        ben = await web.login("ben")
        assert (await web.command(ben, "box", "job.list"))["ok"]
        found = await web.command(ben, "box", "job.pause", job="a")
        assert found["error"]["code"] == "forbidden"
        [source] = (await (await web.ask("GET", "/api/sources", bearer=ben)).json())["sources"]
        async with web.feed(ben) as events:
            assert (await events.until("snapshot"))["jobs"]
    assert (source["state"], source["role"]) == ("up", "watch")
    assert daemon.audit.rows == []


async def test_a_key_that_was_revoked_says_so(tmp_path: Path, daemon: Canned) -> None:
    places = keyed(tmp_path, daemon, "control")
    assert daemon.keyring is not None
    daemon.keyring.revoke("page-control")
    async with page(tmp_path, places, os.environ, {}) as web:
        bearer = await web.enter()
        found = await web.command(bearer, "box", "status")
        assert found["error"]["code"] == "not_admitted"
        async with web.feed(bearer) as events:
            data = await events.until("snapshot")
            assert (data["state"], "does not know this key" in data["detail"]) == ("away", True)
