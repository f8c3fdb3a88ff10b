"""Manifests in parts, and the upkeep of a workspace that has no folder."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from cargo_sync.machines.trash_limits import TrashLimits
from cargo_sync.model.entries import FOLDER, Entry
from cargo_sync.server.workspace.content import manifests
from cargo_sync.server.workspace.content.manifests import decoded, encoded
from cargo_sync.server.workspace.content.upkeep import SWEEP, ContentUpkeep
from cargo_sync.server.workspace.content.workspace import ContentWorkspace
from cargo_sync.server.workspace.operations import Delete, Exchange, Mkdir
from cargo_sync.state.manifests import Manifests
from tests.conformance.workspaces import RUN, Scene, content_scene, offer, world_of

DAY = 86_400.0


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with ExitStack() as last:
        yield content_scene(tmp_path, last)


def test_a_manifest_comes_back_part_by_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifests, "PART", 2)
    entries = [("a", Entry("a", FOLDER, mode=0o700)), ("a/é", Entry("é", "f", 3, hash="h" * 64))]
    parts = list(encoded([*entries, ("l", Entry("l", "l", target="a"))]))
    assert len(parts) == 2
    assert list(decoded(parts[0])) == entries
    assert list(decoded(parts[1])) == [("l", Entry("l", "l", target="a"))]


def test_a_large_folder_comes_back_in_parts(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifests, "PART", 3)
    monkeypatch.setattr("cargo_sync.server.workspace.content.trash.PART", 4)
    for number in range(10):
        scene.put(f"d/{number}", b"%d" % number)
    scene.change(Delete("d", scene.version("d"), scene.workspace.position(0).sequence))
    scene.workspace.restore([1], "", RUN)
    assert scene.files() == {f"d/{number}": b"%d" % number for number in range(10)}
    assert Manifests(scene.database, scene.workspace.id).after(0, 10) == []


async def test_overdue_trash_is_freed_with_its_manifest(scene: Scene) -> None:
    scene.put("d/a", b"one")
    scene.change(Delete("d", scene.version("d"), scene.workspace.position(0).sequence))
    scene.put("b", b"two")
    scene.put("b", b"three")
    assert isinstance(scene.workspace, ContentWorkspace)
    upkeep = ContentUpkeep(scene.workspace, world_of(scene.clock), TrashLimits(DAY))
    await upkeep.step()
    assert len(scene.kept()) == 2
    scene.clock.now += DAY
    await upkeep.step()  # the sweep is due, too
    assert scene.kept() == []
    assert Manifests(scene.database, scene.workspace.id).after(0, 10) == []
    tree = scene.workspace._tree
    assert len(scene.workspace._sweep._owned.condemned(tree.id, tree.lived(), "", 10)) == 2
    scene.clock.now += max(DAY, SWEEP)
    await upkeep.step()
    assert tree.store.room(tree.id) is not None
    assert len(tree.store.spool.blobs.inventory("", 10).hashes) == 1  # type: ignore[attr-defined]
    assert scene.files() == {"b": b"three"}


def test_a_path_that_is_displaced_twice_in_a_run_has_two_places(scene: Scene) -> None:
    for content in (b"one", b"second", b"third one", b"fourth"):
        scene.put("file", content)
    places = [row.version.place for row in scene.kept()]
    top = f".cargo_sync/trash/{RUN}/file"
    assert places == [top, f"{top} (2)", f"{top} (3)"]


def test_a_folder_that_a_file_replaces_is_kept_whole(scene: Scene) -> None:
    """A sender that has seen the folder may put a file there."""
    scene.put("d/a", b"one")
    _, [receipt] = scene.bring((offer("d", b"file", scene.version("d")), b"file"))
    assert receipt.code == "done" and scene.files() == {"d": b"file"}
    scene.change(Mkdir("other", None, 0))
    scene.workspace.restore([1], "other", RUN)
    assert scene.files() == {"d": b"file", "other/d/a": b"one"}


def test_names_change_places_after_what_came_before_them(scene: Scene) -> None:
    results = scene.change(Mkdir("a", None, 0), Mkdir("b", None, 0), Exchange("a", "b", 1, 2))
    assert "changed" not in results and len(results) == 3
