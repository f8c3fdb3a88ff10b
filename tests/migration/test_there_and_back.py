"""A workspace moves to a store and back: its users see no difference."""

from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest

from cargo_sync.machines.trash_limits import TrashLimits
from tests.local.systems import Stop
from tests.migration.house import STORED, Site, live, on_disk, same, view

CASES: Final = 5
"""Calls at which the process dies, of some hundreds."""


@pytest.mark.parametrize("seed", range(3))
def test_nothing_that_clients_see_changes(tmp_path: Path, seed: int) -> None:
    with ExitStack() as last:
        site = Site(tmp_path, last)
        folder = site.folder()
        scene = site.scene(folder.workspace)
        live(scene, seed)
        folder.workspace.tidy(TrashLimits(1e9, None))  # folders in the trash are measured
        before, disk = view(scene), on_disk(tmp_path / "files")
        assert before["files"] and before["trash"], "the history has something to move"
        folder.workspace.close()
        site.to_nodes()
        assert same(view(site.stored()), before) == []
        assert on_disk(tmp_path / "files") == disk, "the source stays as it was"
        site.to_folder()
        back = site.folder("back")
        assert on_disk(tmp_path / "back") == disk
        pending = [""]
        while pending:  # a look finds nothing new
            pending += back.workspace.compare(pending.pop(), lambda path, entry: True).below
        assert same(view(site.scene(back.workspace)), before) == []


class Death:
    """The process dies at one of its calls that write; what is called after that does nothing."""

    def __init__(self, at: int = -1) -> None:
        self.at = at
        self.calls: list[str] = []

    def __call__(self, call: str) -> None:
        if call == "COMMIT" or " " not in call:
            self.calls.append(call)
        if 0 <= self.at <= len(self.calls):
            raise Stop


def moved(place: Path, death: Death) -> None:
    """Both moves, as far as they come."""
    with ExitStack() as last:
        site = Site(place, last, death)
        if at_root(site) == "files":
            site.to_nodes()
        if at_root(site) == STORED:
            site.to_folder()


def begun(place: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """A workspace in a folder, the same each time; what clients see of it, and the disk."""
    place.mkdir()
    with ExitStack() as last:
        site = Site(place, last)
        folder = site.folder()
        live(site.scene(folder.workspace), 3, 8)
        folder.workspace.tidy(TrashLimits(1e9, None))
        return view(site.scene(folder.workspace)), on_disk(place / "files")


def test_a_kill_at_any_call_loses_nothing(tmp_path: Path) -> None:
    """The calls are those that change the disk, and the ends of transactions."""
    begun(tmp_path / "whole")
    whole = Death()
    moved(tmp_path / "whole", whole)
    stages = Counter[str]()
    for at in range(2, len(whole.calls), len(whole.calls) // CASES):
        place = tmp_path / str(at)
        before, disk = begun(place)
        with pytest.raises(Stop):
            moved(place, Death(at))
        with ExitStack() as last:
            stages[at_root(Site(place, last))] += 1
            assert on_disk(place / "files") == disk, "the source stays complete"
        moved(place, Death())
        with ExitStack() as last:
            site = Site(place, last)
            scene = site.scene(site.folder("back").workspace)
            assert same(view(scene), before) == [], at
            assert on_disk(place / "back") == disk
    assert min(stages["files"], stages[STORED]) > 1, stages


def at_root(site: Site) -> str:
    """Where the workspace is: a kill comes before a switch or after it."""
    [root] = (root for root, id in site.moves.roots().items() if id == 1)
    return root.rpartition("/")[2]
