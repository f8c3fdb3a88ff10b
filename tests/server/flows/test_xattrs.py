"""Extended attributes between a folder here and a real server."""

import os
from pathlib import Path

import pytest

from cargo_sync.local.root import Root
from cargo_sync.local.xattrs import are_kept
from cargo_sync.model.jobs import Mode
from tests.server.flows.test_flows import job, login, quick, run
from tests.server.test_app import running, settings

__all__ = ["quick"]


def tags(path: Path) -> dict[str, bytes]:
    return {name: os.getxattr(path, name) for name in os.listxattr(path)}


async def test_they_go_up_and_come_down_and_a_change_alone_moves_nothing(tmp_path: Path) -> None:
    root = Root.open(str(tmp_path))
    kept = are_kept(root)
    root.close()
    if not kept:
        pytest.skip("this file system keeps no extended attributes")
    async with (
        running(settings(tmp_path)) as up,
        job(tmp_path / "a", login(up), Mode.UPLOAD, xattrs=True) as here,
        job(tmp_path / "b", login(up), Mode.DOWNLOAD, xattrs=True) as there,
    ):
        source, copy = tmp_path / "a/here/a", tmp_path / "b/here/a"
        source.write_bytes(b"one")
        os.setxattr(source, "user.tag", b"red")
        for system in (here, there):
            await run(system).execute()
        assert tags(copy) == {"user.tag": b"red"}
        os.setxattr(source, "user.tag", b"blue")
        reports = [await run(system).execute() for system in (here, there)]
        assert tags(copy) == {"user.tag": b"blue"}
        assert [report.bytes for report in reports] == [0, 0]
        assert copy.read_bytes() == b"one"
