"""Files of a session, against a real server with TLS and lanes."""

from pathlib import Path

import argon2
import pytest

from tests.daemon.sessions.desk import desk
from tests.server.surroundings import CHEAP
from tests.server.test_app import running, settings
from tests.server.test_flows import tree


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(argon2, "PasswordHasher", lambda: CHEAP)


async def test_there_and_back_again(tmp_path: Path) -> None:
    here = tmp_path / "here"
    here.mkdir()
    (here / "a b é").write_bytes(b"hello")
    async with running(settings(tmp_path)) as up, desk(tmp_path / "daemon") as one:
        opened = await one.open(up)
        assert opened["workspaces"] == [{"name": "default", "access": "rw"}]
        row = await one.ended("put", local=str(here / "a b é"), remote="in/x y")
        assert (row["state"], row["problem"], row["files_done"], row["bytes_done"]) == ("done", None, 1, 5)
        assert (tmp_path / "ana" / "in" / "x y").read_bytes() == b"hello"
        row = await one.ended("get", remote="in/x y", local=str(tmp_path / "new" / "z"))
        assert (row["state"], row["problem"]) == ("done", None)
        assert tree(tmp_path / "new") == {"z": b"hello"}
        assert not (tmp_path / "new" / ".cargo_sync").exists()
        assert not (here / ".cargo_sync").exists()
