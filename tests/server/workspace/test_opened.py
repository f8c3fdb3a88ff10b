"""A workspace is a folder, or has none, by its root; both are served alike."""

import asyncio
from functools import partial
from pathlib import Path

from cargo_sync.catalogue.stored import StoredCatalogue
from cargo_sync.config.server import ServerSettings
from cargo_sync.config.stored import real_root, stored_root
from cargo_sync.local.ages import MemoryAges
from cargo_sync.local.parts import MemoryCheckpoints
from cargo_sync.local.space import SpaceLedger
from cargo_sync.machines.quota import Use
from cargo_sync.server.workspace.content.tree import ContentState
from cargo_sync.server.workspace.content.workspace import ContentWorkspace
from cargo_sync.server.workspace.folder.workspace import FolderWorkspace
from cargo_sync.server.workspace.opened import OpenWorkspaces, SharedParts, StoredParts
from cargo_sync.state.blob_owners import BlobOwners
from cargo_sync.state.blobs import Blobs
from cargo_sync.state.displaced import DisplacedRows
from cargo_sync.state.manifests import Manifests
from cargo_sync.state.sqlite.database import SqliteDatabase
from tests.conformance.workspaces import Scene, spooled, world_of
from tests.server.house import NOW, Heard
from tests.server.surroundings import Clock


def test_a_root_is_a_real_path_or_a_name(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    assert real_root(str(tmp_path / "link")) == str(tmp_path / "folder")
    assert real_root(stored_root("music")) == "stored:music"


async def test_both_are_opened_served_and_closed(tmp_path: Path) -> None:
    clock, heard = Clock(NOW), Heard()
    music, folder = stored_root("music"), str(tmp_path / "folder")
    with SqliteDatabase.open(str(tmp_path / "state.db"), "server") as database:
        store = spooled(tmp_path / "spool", database, clock, MemoryCheckpoints())
        catalogue = StoredCatalogue(database)
        ledger = partial(DisplacedRows, database, wall=clock, lived=clock)
        state = ContentState(
            catalogue, ledger, partial(Manifests, database), Blobs(database), database
        )
        opened = OpenWorkspaces(
            world_of(clock),
            SharedParts(catalogue, ledger, MemoryCheckpoints(), SpaceLedger(), MemoryAges(clock)),
            heard,
            lambda told: None,
            StoredParts(store, state, BlobOwners(database)),
        )
        assert await opened.open(music) is None and await opened.open(folder) is None
        assert isinstance(opened.at(music), ContentWorkspace)
        assert isinstance(opened.at(folder), FolderWorkspace)
        async with asyncio.TaskGroup() as tasks:
            opened.serve([music, folder], ServerSettings("", 0, str(tmp_path)), tasks)
            scene = Scene(opened.at(music), database, clock, heard)
            scene.put("a", b"one")
            assert opened.used([music, folder]) == [Use(3, 1), Use()]
            assert opened.problems() == {} and opened.unoffered() == 0
            opened.serve([folder], ServerSettings("", 0, str(tmp_path)), tasks)
            assert opened.unserved() == [opened.at(music)]
            await opened.let_go(opened.unserved())
            assert music not in opened
            opened.serve([], ServerSettings("", 0, str(tmp_path)), tasks)
        opened.close()
        assert await opened.open(music) is None
        assert Scene(opened.at(music), database, clock).read("a") == b"one"
        store.spool.blobs.close()
