"""The sweep: what nothing refers to goes after a day, and nothing else ever does."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from cargo_sync.catalogue import unfinished
from cargo_sync.model.displaced import TrashFilter
from cargo_sync.model.problems import ProblemError
from cargo_sync.server.workspace.content import sweep
from cargo_sync.server.workspace.content.workspace import ContentWorkspace
from cargo_sync.server.workspace.operations import Delete, Move
from cargo_sync.stores.spooled import SpooledStore
from tests.conformance.workspaces import (
    ANA,
    RUN,
    Scene,
    content_scene,
    content_workspace,
    offer,
)

DAY = 86_400.0


class Swept(Scene):
    """A scene whose workspace is swept."""

    @property
    def contents(self) -> ContentWorkspace:
        assert isinstance(self.workspace, ContentWorkspace)
        return self.workspace

    @property
    def store(self) -> SpooledStore:
        store = self.contents._tree.store
        assert isinstance(store, SpooledStore)
        return store

    def sweep(self) -> tuple[int, int]:
        condemned, forgotten = self.contents.sweep()
        return condemned, forgotten

    def kept_contents(self) -> int:
        return len(self.store.spool.blobs.inventory("", 1_000).hashes)

    def delete(self, path: str) -> None:
        seen = self.workspace.position(0).sequence
        self.workspace.change([Delete(path, self.version(path), seen)], RUN, cause=ANA)

    def empty_trash(self) -> None:
        self.workspace.free_all(TrashFilter())

    def during_the_sweep(self, monkeypatch: pytest.MonkeyPatch, do: Callable[[], object]) -> None:
        """Does something once, after the rows were looked through and before the trash is."""
        looked = sweep.Sweep._of_trash

        def then(self: sweep.Sweep, going: Callable[[], bool]) -> Iterator[str]:
            monkeypatch.setattr(sweep.Sweep, "_of_trash", looked)
            do()
            return looked(self, going)

        monkeypatch.setattr(sweep.Sweep, "_of_trash", then)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Swept]:
    with ExitStack() as last:
        one = content_scene(tmp_path, last)
        yield Swept(one.workspace, one.database, one.clock, one.heard)


def test_what_nothing_refers_to_is_condemned_and_goes_a_day_later(scene: Swept) -> None:
    scene.put("a", b"one")
    scene.put("b", b"two")
    scene.delete("a")
    assert scene.sweep() == (0, 0), "the trash refers to it"
    scene.empty_trash()
    assert scene.sweep() == (1, 0) and scene.sweep() == (0, 0)
    assert scene.kept_contents() == 2
    scene.clock.now += DAY
    assert scene.sweep() == (0, 1) and scene.kept_contents() == 1
    assert scene.files() == {"b": b"two"}
    assert scene.sweep() == (0, 0)


def test_all_that_is_kept_in_a_folder_of_the_trash_stays(scene: Swept) -> None:
    scene.put("d/a", b"one")
    scene.put("d/deep/b", b"two")
    scene.delete("d")
    assert scene.sweep() == (0, 0)
    scene.clock.now += DAY
    scene.sweep()
    scene.workspace.restore([1], "", RUN)
    assert scene.files() == {"d/a": b"one", "d/deep/b": b"two"}


def test_a_content_that_comes_again_is_live_again(scene: Swept) -> None:
    scene.put("a", b"one")
    scene.delete("a")
    scene.empty_trash()
    assert scene.sweep() == (1, 0)
    scene.put("again", b"one")
    scene.clock.now += DAY
    assert scene.sweep() == (0, 0) and scene.read("again") == b"one"


def test_what_comes_while_it_looks_stays(scene: Swept, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.put("a", b"one")
    scene.delete("a")
    scene.empty_trash()
    scene.during_the_sweep(monkeypatch, lambda: scene.put("late", b"one"))
    assert scene.sweep() == (0, 0) and scene.sweep() == (0, 0)


def test_what_is_restored_or_deleted_while_it_looks_stays(
    scene: Swept, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.put("a", b"one")
    scene.put("b", b"two")
    scene.delete("a")

    def change_places() -> None:
        scene.workspace.restore([1], "", RUN)
        scene.delete("b")

    scene.during_the_sweep(monkeypatch, change_places)
    assert scene.sweep() == (0, 0)


def test_what_another_server_restores_while_it_looks_stays(
    scene: Swept, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = content_workspace("files", scene.database, scene.store, scene.clock, scene.heard)
    scene.put("a", b"one")
    for trashed in (1, 2):
        scene.delete("a")
        scene.during_the_sweep(monkeypatch, partial(other.restore, [trashed], "", RUN))
        assert scene.sweep() == (0, 0)
        scene.clock.now += 2 * DAY
        assert scene.sweep() == (0, 0)
    assert scene.files() == {"a": b"one"}


def test_a_large_folder_that_moves_while_it_looks_stays(
    scene: Swept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unfinished, "LARGE", 3)
    monkeypatch.setattr(sweep, "PAGE", 4)
    for number in range(9):
        scene.put(f"z/{number}", b"%d" % number)
    changes, moved = scene.workspace.catalogue.changes, list[object]()

    def moving(workspace: int, since: int, *rest: object) -> object:
        if since and not moved:
            moved.append(True)
            tree = scene.contents._tree
            monkeypatch.setattr(tree, "finish", lambda path="": [])
            scene.change(Move("z", "a", scene.version("z")))
            monkeypatch.undo()
            monkeypatch.setattr(sweep, "PAGE", 4)
        return changes(workspace, since, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(scene.workspace.catalogue, "changes", moving)
    assert scene.sweep() == (0, 0) and moved


def test_what_somebody_is_using_is_not_deleted(scene: Swept) -> None:
    scene.put("a", b"one")
    hash = scene.entry("a").hash
    scene.delete("a")
    scene.empty_trash()
    scene.sweep()
    scene.store._holds.hold([hash])
    scene.clock.now += DAY
    scene.sweep()
    assert scene.kept_contents() == 1
    scene.store._holds.release([hash])
    scene.sweep()
    assert scene.kept_contents() == 0


def test_what_another_workspace_has_stays_on_the_disk(scene: Swept) -> None:
    other = content_workspace("elsewhere", scene.database, scene.store, scene.clock, scene.heard)
    scene.put("a", b"one")
    Scene(other, scene.database, scene.clock, scene.heard).put("mine", b"one")
    scene.delete("a")
    scene.empty_trash()
    scene.sweep()
    scene.clock.now += DAY
    assert scene.sweep() == (0, 1) and scene.kept_contents() == 1
    assert Scene(other, scene.database, scene.clock).read("mine") == b"one"


def test_it_ends_when_the_server_stops(scene: Swept) -> None:
    scene.put("a", b"one")
    scene.workspace.stop()
    with pytest.raises(ProblemError) as refused:
        scene.contents.sweep()
    assert refused.value.problem.code == "stopped"


class _KilledError(Exception):
    """The process ends here."""


def test_a_kill_at_any_statement_loses_nothing(tmp_path: Path) -> None:
    left: list[int] = []

    def fault(_: str) -> None:
        if left:
            left[0] -= 1
            if left[0] < 0:
                raise _KilledError

    def killed_everywhere(scene: Swept) -> int:
        """Sweeps, killed at the first statement that writes, then at the second, and so on."""
        for statement in range(1_000):
            left[:] = [statement]
            try:
                scene.sweep()
            except _KilledError:
                assert scene.read("kept") == b"kept"
            else:
                return statement
        raise AssertionError("it never ended")

    with ExitStack() as last:
        one = content_scene(tmp_path, last, fault)
        scene = Swept(one.workspace, one.database, one.clock, one.heard)
        scene.put("kept", b"kept")
        scene.put("lost", b"lost")
        scene.delete("lost")
        scene.empty_trash()
        assert killed_everywhere(scene) > 2
        scene.clock.now += DAY
        assert killed_everywhere(scene) > 2
        left.clear()
        scene.store.clean()
        assert scene.files() == {"kept": b"kept"} and scene.kept_contents() == 1


def test_a_kill_before_the_file_is_removed_leaves_it_to_the_next_start(
    scene: Swept, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.put("a", b"one")
    scene.delete("a")
    scene.empty_trash()
    scene.sweep()
    scene.clock.now += DAY

    def killed(_: object) -> list[object]:
        raise _KilledError

    with monkeypatch.context() as patched, pytest.raises(_KilledError):
        patched.setattr(scene.store.spool.blobs, "remove", killed)
        scene.sweep()
    assert scene.kept_contents() == 1
    scene.store.clean()
    assert scene.kept_contents() == 0


def test_what_a_kill_left_in_the_spool_goes_at_the_next_start(scene: Swept) -> None:
    sink = scene.workspace.sink(RUN, cause=ANA)
    scene.put("kept", b"kept")
    sink.begin(1, [offer("a", b"lost")])
    sink.whole(1, 0, memoryview(b"lost"))
    sink.submit(1)  # placed, and never recorded
    assert scene.kept_contents() == 2
    restarted = SpooledStore(
        scene.store.spool, type(scene.store._holds)(), scene.store._rows, scene.store._owners,
        scene.clock,
    )  # fmt: skip
    restarted.clean()
    assert scene.kept_contents() == 1 and scene.read("kept") == b"kept"
