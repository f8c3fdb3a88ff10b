"""Servers that share a database, and one that is alone."""

from pathlib import Path

import argon2
import pytest

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
