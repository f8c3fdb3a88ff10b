"""Another time and mode for what a workspace has: a new version, with the content it had."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from cargo_sync.model.entries import DAMAGED, Entry
from cargo_sync.model.problems import Problem
from cargo_sync.server.workspace.folder.catalogued_folder import CataloguedFolder
from cargo_sync.server.workspace.folder.workspace import FolderWorkspace
from cargo_sync.server.workspace.operations import Done, Meta, Mkdir, OperationResult
from cargo_sync.state.sqlite.database import SqliteDatabase
from tests.server.house import NOW, tokens, tracked
from tests.server.surroundings import Clock
from tests.server.workspace.folder.test_slices import put, scan, version, while_synced

TIME = 1_600_000_000_123_456_789


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "files"


@pytest.fixture
def folder(place: Path, tmp_path: Path) -> Iterator[CataloguedFolder]:
    with SqliteDatabase.open(str(tmp_path / "state.db"), "server") as database:
        one = tracked(place, database, Clock(NOW))
        yield one
        one.close()


@pytest.fixture
def workspace(folder: CataloguedFolder) -> FolderWorkspace:
    return FolderWorkspace(folder, tokens())


def meta(workspace: FolderWorkspace, path: str, expected: int) -> OperationResult:
    [result] = workspace.change([Meta(path, expected, 0o640, TIME)], "run")
    return result


def held(workspace: FolderWorkspace, path: str) -> Entry:
    entry = workspace.entry(path)
    assert entry is not None
    return entry


def code(result: OperationResult) -> str:
    return result.code_text if isinstance(result, Problem) else "done"


def test_a_file_keeps_its_content_its_id_and_its_hash(
    workspace: FolderWorkspace, place: Path
) -> None:
    put(workspace, "a", b"one")
    before = held(workspace, "a")
    assert before.hash
    done = meta(workspace, "a", before.version)
    assert isinstance(done, Done) and done.displaced == ""
    after = held(workspace, "a")
    assert after == before._replace(version=done.version, mtime_ns=TIME, mode=0o640)
    assert done.version > before.version and done.ident == before.ident
    scan(workspace)
    assert held(workspace, "a") == after, "a scan finds nothing new"
    assert meta(workspace, "a", after.version) == done, "once more changes nothing"
    assert not (place / ".cargo_sync/trash").exists()


def test_a_folder_gets_a_mode(workspace: FolderWorkspace, place: Path) -> None:
    workspace.change([Mkdir("f", 0o755, 0)], "run")
    [done] = workspace.change([Meta("f", version(workspace, "f"), 0o050, None)], "run")
    assert isinstance(done, Done) and held(workspace, "f").mode == 0o750
    assert held(workspace, "f").version == done.version


def test_another_version_keeps_its_time(workspace: FolderWorkspace, place: Path) -> None:
    first = put(workspace, "a", b"one")
    put(workspace, "a", b"two")
    assert code(meta(workspace, "a", first)) == "changed"
    os.utime(place / "a", ns=(5, 5))
    assert code(meta(workspace, "a", first + 1)) == "changed", "the folder itself is looked at"
    assert held(workspace, "a").mtime_ns == 5
    assert code(meta(workspace, "none", 3)) == "changed"
    (place / "link").symlink_to("a")
    assert code(meta(workspace, "link", version(workspace, "link"))) == "not_a_file"


def test_a_damaged_file_keeps_its_time(
    workspace: FolderWorkspace, folder: CataloguedFolder
) -> None:
    put(workspace, "a", b"one")
    with folder.lock:
        there, seen = folder.look_closely("a")
        assert there is not None and seen is not None
        folder.record([folder._marked("a", seen)])
    assert held(workspace, "a").hash == DAMAGED
    assert code(meta(workspace, "a", version(workspace, "a"))) == "damaged"


def test_who_writes_while_the_disk_is_synced_is_seen(
    workspace: FolderWorkspace,
    folder: CataloguedFolder,
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = put(workspace, "a", b"one")
    while_synced(folder, monkeypatch, lambda: (place / "a").write_bytes(b"two"))
    assert code(meta(workspace, "a", seen)) == "changed"
    now = held(workspace, "a")
    assert now.mtime_ns != TIME and now.hash == "" and now.version > seen


def test_many_are_synced_and_recorded_together(
    workspace: FolderWorkspace, folder: CataloguedFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.change([Mkdir("f", None, 0), Mkdir("f/g", None, 0)], "run")
    some = ["f", "f/g", *(f"f/g/{number}" for number in range(50))]
    for path in some[2:]:
        put(workspace, path)
    syncs: list[int] = []
    sync = folder.store.root.system.syncfs

    def counted(fd: int) -> None:
        syncs.append(fd)
        sync(fd)

    monkeypatch.setattr(folder.store.root.system, "syncfs", counted)
    done = workspace.change(
        [Meta(path, version(workspace, path), 0o700, None) for path in some], "run"
    )
    assert {code(one) for one in done} == {"done"}
    assert len(syncs) == 1
