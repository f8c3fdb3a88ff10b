"""A job with a workspace that has no folder, from end to end: it sees no difference."""

import asyncio
import os
import random
from pathlib import Path
from typing import Any

import pytest

from cargo_sync.local.parts import MemoryCheckpoints
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import Code, Problem
from cargo_sync.server.workspace.content.tree import ContentState, ContentTree
from cargo_sync.server.workspace.content.workspace import ContentWorkspace
from cargo_sync.server.workspace.opened import OpenWorkspaces
from cargo_sync.state.blob_owners import BlobOwners
from cargo_sync.state.blobs import Blobs
from cargo_sync.state.manifests import Manifests
from cargo_sync.testing.contents import AwayStore
from tests.conformance.workspaces import spooled
from tests.server.flows.test_flows import job, login, quick, run, tree  # noqa: F401
from tests.server.surroundings import until
from tests.server.test_app import running, settings


@pytest.fixture
def stores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[AwayStore]:
    """Ana's workspace gets no folder; its store is here once the server runs."""
    stores: list[AwayStore] = []

    def made(self: Any, path: str) -> ContentWorkspace:
        database = self._shared.catalogue._database
        spool = spooled(tmp_path / "spool", database, self._world.lived, MemoryCheckpoints())
        stores.append(AwayStore(spool))
        state = ContentState(
            self._shared.catalogue,
            self._shared.ledger,
            lambda id: Manifests(database, id),
            Blobs(database),
            database,
        )
        tree = ContentTree(path, state, stores[0], self._world, self._changed, self._tell)
        return ContentWorkspace(tree, BlobOwners(database))

    monkeypatch.setattr(OpenWorkspaces, "_made", made)
    return stores


async def test_up_and_down_again(tmp_path: Path, stores: list[AwayStore]) -> None:
    async with running(settings(tmp_path)) as up:
        here = tmp_path / "a" / "here"
        async with job(tmp_path / "a", login(up), Mode.UPLOAD, propagate=True) as first:
            (here / "f" / "empty").mkdir(parents=True)
            for number in range(40):
                (here / "f" / f"é {number}").write_bytes(b"%d" % number * number)
            (here / "large").write_bytes(random.Random(1).randbytes(9_000_000))
            os.symlink("large", here / "-link")
            os.chmod(here / "large", 0o640)
            report = await run(first).execute()
            assert (report.errors, report.files) == (0, 42)
            again = await run(first).execute()
            assert not again.acted and not again.files
            os.rename(here / "f" / "é 7", here / "moved")
            (here / "f" / "é 9").write_bytes(b"other")
            (here / "f" / "é 8").unlink()
            report = await run(first).execute()
            assert report.errors == 0
        async with job(tmp_path / "b", login(up), Mode.DOWNLOAD) as second:
            assert (await run(second).execute()).errors == 0
            assert not (await run(second).execute()).acted
        assert tree(tmp_path / "b" / "here") == tree(here)
        found = [(tmp_path / name / "here" / "large").stat() for name in "ab"]
        assert found[0].st_mtime_ns == found[1].st_mtime_ns and found[1].st_mode & 0o777 == 0o640
        assert not (tmp_path / "ana").exists(), "it has no folder"


async def test_a_lane_waits_for_machines_that_are_away(
    tmp_path: Path, stores: list[AwayStore]
) -> None:
    """The lane lives: when they are back, what has come is recorded, and not sent again."""
    async with (
        running(settings(tmp_path)) as up,
        job(tmp_path / "a", login(up), Mode.UPLOAD) as system,
    ):
        (tmp_path / "a" / "here" / "file").write_bytes(b"content")
        stores[0].away = Problem(Code.BELOW_QUORUM, "too few machines are there")
        going = asyncio.ensure_future(run(system).execute())
        await until(lambda: stores[0].waiting == 1, asyncio.sleep)
        assert not going.done()
        stores[0].come_back()
        report = await going
        assert (report.errors, report.files) == (0, 1)
        stores[0].away = None
        assert not (await run(system).execute()).files
