"""What cannot be kept is told by name; what was left behind goes only if it is known to be safe."""

import os
from contextlib import ExitStack
from pathlib import Path

import pytest

from cargo_sync.migration.contents import RowsOnNodes
from cargo_sync.migration.removal import OldFolder, leave_store
from cargo_sync.migration.sending import SendTarget
from cargo_sync.migration.survey import Extent, survey_folder, unfit
from cargo_sync.model.problems import ProblemError
from cargo_sync.server.workspace.operations import Delete
from cargo_sync.state.blob_owners import BlobOwners
from cargo_sync.state.drop_boxes import drop_box_root
from tests.migration.house import MARKER, STORED, Site, live, same, view
from tests.server.house import tokens


def nothing() -> None:
    """The work goes on."""


def test_what_nodes_cannot_keep_is_named(tmp_path: Path) -> None:
    with ExitStack() as last:
        site = Site(tmp_path, last)
        source = site.folder()
        files = tmp_path / "files"
        (files / "deep").mkdir()
        (files / "deep" / "one").write_bytes(b"x" * 9)
        (files / "two").hardlink_to(files / "deep" / "one")
        os.mkfifo(files / "pipe")
        (files / os.fsdecode(b"latin \xf1")).write_bytes(b"")
        (files / "runs").write_bytes(b"")
        (files / "runs").chmod(0o4755)
        folder = source.folder
        found = survey_folder(folder.store.root, folder.catalogue, folder.id, Extent(), nothing)
        assert found.live == Extent(3, 18, 9)
        assert {"pipe", "runs"} < {path for path, _, _ in found.losses}
        assert [why.split()[1:4] for _, why, _ in found.losses].count(["a", "hard", "link"]) == 1
        assert len(found.losses) == 4
        assert not any(loss.blocks for loss in found.losses)


@pytest.mark.parametrize("folds", [False, True])
def test_names_that_the_new_folder_cannot_have_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folds: bool
) -> None:
    with ExitStack() as last:
        site = Site(tmp_path, last)
        scene = site.stored()
        for path in ("a/Name", "a/name", "a/what?", "b"):
            scene.put(path)
        target = site.folder_store(str(tmp_path / "new"), "", token=lambda: MARKER)
        last.callback(target.close)
        real = type(target.root.system).create

        def create(system: object, folder: int, name: str, mode: int = 0o600) -> int:
            if folds and "?" in name:
                raise OSError(22, "no such character")
            return real(target.root.system, folder, name, mode)

        monkeypatch.setattr(type(target.root.system), "create", create)
        monkeypatch.setattr(target.root, "folds_names", lambda: folds)
        losses = unfit(target.staging, site.catalogue, scene.workspace.id, nothing)
        assert [one.path for one in losses] == (["a/name", "a/what?"] if folds else [])
        assert all(one.blocks for one in losses)


def test_an_old_folder_loses_only_what_is_safe_elsewhere(tmp_path: Path) -> None:
    with ExitStack() as last:
        site = Site(tmp_path, last)
        source = site.folder()
        scene = site.scene(source.workspace)
        for path in ("a", "deep/b", "deep/c", "empty"):
            scene.put(path, b"" if path == "empty" else path.encode())
        scene.change(Delete("deep/c", scene.version("deep/c"), None))
        source.workspace.close()
        marker = site.catalogue.workspace(source.folder.path, tokens()).marker
        site.to_nodes()
        files = tmp_path / "files"
        (files / "a").write_bytes(b"changed since")
        (files / "deep" / "copy").write_bytes(b"a")  # the store has this content
        (files / "new empty").write_bytes(b"")
        stored = site.stored()
        store = site.folder_store(str(files), marker)
        last.callback(store.close)
        target = SendTarget(site.store, RowsOnNodes(site.database, 0), stored.workspace.id)
        result = OldFolder(store, site.catalogue, target, nothing)(lambda files, size: None)
        assert [path for path, _ in result.stays] == ["a", "new empty"]
        there = sorted(str(path.relative_to(files)) for path in files.rglob("*"))
        assert [path for path in there if not path.startswith(".cargo_sync")] == ["a", "new empty"]
        assert not (files / ".cargo_sync" / "trash").exists() or not list(
            (files / ".cargo_sync" / "trash").rglob("c")
        )
        assert stored.files() == {"a": b"a", "deep/b": b"deep/b", "empty": b""}


def test_a_workspace_gives_its_contents_on_nodes_up(tmp_path: Path) -> None:
    with ExitStack() as last:
        site = Site(tmp_path, last)
        source = site.folder()
        live(site.scene(source.workspace), 1, 5)
        before = view(site.scene(source.workspace))
        source.workspace.close()
        site.to_nodes()
        site.to_folder()
        id = site.catalogue.workspace(str(tmp_path / "back"), tokens()).id
        owners = BlobOwners(site.database)
        assert leave_store(RowsOnNodes(site.database, 0), id, 0.0, nothing) > 0
        assert owners.live(id, "", 10) == []
        assert same(view(site.scene(site.folder("back").workspace)), before) in ([], ["trash"])


def test_a_server_may_run_between_two_tries(tmp_path: Path) -> None:
    """What changed meanwhile is moved as it is then, in both directions."""
    with ExitStack() as last:
        site = Site(tmp_path, last)
        source = site.folder()
        scene = site.scene(source.workspace)
        scene.put("a", b"one")
        scene.put("b", b"two")
        box = site.catalogue.workspace(drop_box_root("ana", source.folder.path, "in"), tokens())
        source.workspace.close()
        site.to_nodes()
        back = tmp_path / "back"
        site.to_folder(ready=False)
        assert (back / "a").read_bytes() == b"one"
        scene = site.stored()
        scene.put("a", b"changed")
        scene.change(Delete("b", scene.version("b"), None))
        scene.put("b/in", b"a folder now")
        before = view(scene)
        site.to_folder()
        folder = site.folder("back")
        now = view(site.scene(folder.workspace))
        assert same(now, before) == []
        assert (back / "a").read_bytes() == b"changed"
        assert sorted(os.listdir(back)) == [".cargo_sync", "a", "b"]
        roots = site.moves.roots()
        assert roots[drop_box_root("ana", str(back), "in")] == box.id


def test_nobody_opens_it_at_a_place_where_it_is_not_yet(tmp_path: Path) -> None:
    with ExitStack() as last:
        site = Site(tmp_path, last)
        source = site.folder()
        source.workspace.close()
        site.moves.begin(source.folder.id, STORED, "")
        with pytest.raises(ProblemError, match="not everything is there"):
            site.stored()
        site.moves.ready(source.folder.id)
        site.folder()  # opened where it is: it may change
        move = site.moves.of(source.folder.id)
        assert move is not None and not move.ready
        other = site.catalogue.workspace(str(tmp_path / "other"), tokens()).id
        with pytest.raises(ProblemError, match="another workspace"):
            site.moves.begin(other, STORED, "")
