import errno
import os
from pathlib import Path

import pytest

from cargo_sync.local.ledger import MemoryLedger
from cargo_sync.local.root import Root
from cargo_sync.local.trash import displace, run_folder
from cargo_sync.local.trash_upkeep import keep_up
from cargo_sync.machines.trash_limits import TrashLimits
from cargo_sync.model.displaced import DisplacedVersion, TrashCause, TrashState, TrashTotals
from tests.local.samples import RUN, everything, present
from tests.local.systems import failing_in, system

FOREVER = TrashLimits(1e9)
NOTHING = TrashTotals(0, 0)
TRASH = ".cargo_sync/trash"


class Scene:
    """A folder, the ledger of its trash, and a clock."""

    def __init__(self, root: Root, top: Path) -> None:
        self.root = root
        self.top = top
        self.now = 0.0
        self.ledger = MemoryLedger(lambda: self.now)

    def throw(
        self, path: str, content: str = "1234567", run: str = RUN, *, row: bool = True
    ) -> str:
        """Puts a file there and displaces it; its place in the trash."""
        file = self.top / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
        entry = present(self.root, path)
        place = displace(self.root, path, run).place
        if row:
            self.ledger.add([DisplacedVersion.of(entry, path, place, TrashCause.DELETED)])
        return place

    def keep_up(self, limits: TrashLimits = FOREVER, **runs: set[str]) -> TrashTotals:
        return keep_up(self.root, self.ledger, limits, **runs)

    def rows(self) -> dict[str, tuple[str, int, str]]:
        """path -> kind, size, cause of what is kept."""
        kept = self.ledger.kept([one.id for one in self.ledger.oldest(None, 1000)])
        return {one.path: (one.kind, one.size, one.cause) for _, one in kept}

    def trash(self) -> list[str]:
        return sorted(os.listdir(self.top / TRASH))


@pytest.fixture
def scene(root: Root, top: Path) -> Scene:
    return Scene(root, top)


def test_each_version_is_freed_at_its_own_age(scene: Scene) -> None:
    scene.throw("a/old")
    scene.now = 10.0
    scene.throw("a/young")
    assert scene.keep_up(TrashLimits(20.0)) == NOTHING
    scene.now = 20.0
    assert scene.keep_up(TrashLimits(20.0)) == TrashTotals(1, 7)
    assert everything(scene.top / TRASH) == {f"{RUN}/a/young": "1234567"}
    scene.now = 30.0
    assert scene.keep_up(TrashLimits(20.0)) == TrashTotals(1, 7)
    assert scene.trash() == [], "no empty folders are left"
    assert [(one.path, state) for one, state, _ in scene.ledger.gone] == [
        ("a/old", TrashState.FREED),
        ("a/young", TrashState.FREED),
    ]


def test_the_oldest_are_freed_when_there_is_too_much(scene: Scene) -> None:
    for number in range(4):
        scene.now = float(number)
        scene.throw(f"{number}", "x" * 100)
    assert scene.keep_up(TrashLimits(1e9, most=250)) == TrashTotals(2, 200)
    assert list(scene.rows()) == ["2", "3"]
    assert scene.keep_up(TrashLimits(1e9, most=250)) == NOTHING


def test_what_has_no_row_is_found_and_begins_to_age(scene: Scene, top: Path) -> None:
    """A kill between the rename and the transaction that records it."""
    scene.throw("docs/a", "known")
    scene.throw("docs/b", row=False)
    (top / "link").symlink_to("/nowhere")
    displace(scene.root, "link", run_folder(0, "other"))
    (top / "empty").mkdir()
    displace(scene.root, "empty", RUN)
    (top / TRASH / "kept by hand").mkdir()
    (top / TRASH / "kept by hand" / "file").write_text("not ours")
    scene.now = 100.0
    assert scene.keep_up(TrashLimits(150.0)) == NOTHING
    assert scene.rows() == {
        "docs/a": ("f", 5, "deleted"),
        "docs/b": ("f", 7, "found"),
        "empty": ("d", 0, "found"),
        "link": ("l", 8, "found"),
    }
    scene.now = 160.0
    assert scene.keep_up(TrashLimits(150.0)) == TrashTotals(1, 5)
    scene.now = 250.0
    assert scene.keep_up(TrashLimits(150.0)) == TrashTotals(3, 15)
    assert scene.trash() == ["kept by hand"], "folders that are no run's are left alone"


def test_only_doubtful_runs_are_looked_through_again(scene: Scene) -> None:
    scene.throw("known")
    scene.keep_up()
    scene.throw("late", row=False)
    scene.throw("busy", run=run_folder(0, "busy"), row=False)
    scene.keep_up(busy={run_folder(0, "busy")})
    assert set(scene.rows()) == {"known"}, "a run with rows is complete, unless it was used"
    scene.keep_up(used={RUN})
    assert set(scene.rows()) == {"known", "late", "busy"}


def test_a_folder_is_one_version_with_all_that_is_in_it(scene: Scene, top: Path) -> None:
    (top / "d" / "deep").mkdir(parents=True)
    (top / "d" / "deep" / "file").write_text("123")
    (top / "d" / "other").write_text("4567")
    entry = present(scene.root, "d")
    place = displace(scene.root, "d", RUN).place
    scene.ledger.add([DisplacedVersion.of(entry, "d", place, TrashCause.DELETED)])
    assert scene.rows() == {"d": ("d", -1, "deleted")}
    scene.keep_up()
    assert scene.rows() == {"d": ("d", 7, "deleted")}
    (top / place / "deep").chmod(0o500)
    assert scene.keep_up(TrashLimits(0)) == TrashTotals(1, 7)
    assert scene.trash() == []


def test_a_folder_with_names_that_no_row_can_have_is_found_as_one(scene: Scene, top: Path) -> None:
    odd = top / "odd"
    odd.mkdir()
    (odd / "plain").write_text("1")
    (Path(os.fsdecode(os.fsencode(odd) + b"/\xff"))).write_text("22")
    displace(scene.root, "odd", RUN)
    (top / "pipes").mkdir()
    os.mkfifo(top / "pipes" / "pipe")
    displace(scene.root, "pipes", RUN)
    os.mkfifo(top / "pipe")
    displace(scene.root, "pipe", RUN)
    scene.keep_up()
    assert scene.rows() == {"odd": ("d", 3, "found"), "pipes": ("d", 0, "found")}
    scene.keep_up(TrashLimits(0))
    assert os.listdir(top / TRASH / RUN) == ["pipe"], "nothing is known of it, so it is left alone"


def test_what_somebody_removed_is_noted_as_freed(scene: Scene, top: Path) -> None:
    (top / scene.throw("a")).unlink()
    assert scene.keep_up(TrashLimits(0)) == TrashTotals(1, 7)
    assert scene.rows() == {} and scene.trash() == []


def test_a_root_without_trash_stays_without(root: Root, top: Path) -> None:
    assert keep_up(root, MemoryLedger(), TrashLimits(0)) == NOTHING
    assert os.listdir(top) == []


def test_what_cannot_be_removed_does_not_keep_the_rest(top: Path, kind: str) -> None:
    scene = Scene(Root.open(str(top)), top)
    for name in ("a", "b", "c"):
        scene.throw(f"folder/{name}")
    scene.root.close()
    scene.root = Root.open(str(top), failing_in(kind, "unlink", errno.EIO, time=1))
    assert scene.keep_up(TrashLimits(0)) == TrashTotals(2, 14)
    assert len(scene.rows()) == 1
    assert scene.keep_up(TrashLimits(0)) == TrashTotals(1, 7)
    assert scene.trash() == []
    scene.root.close()


def test_a_folder_exchanged_for_a_link_while_it_is_removed_keeps_its_mode(
    top: Path, kind: str, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o755)
    (outside / "file").write_text("untouched")
    removed = top / TRASH / RUN / "folder"

    def exchanged(call: str) -> None:
        if call == "open_up" and not removed.is_symlink():
            removed.rename(tmp_path / "moved")
            removed.symlink_to(outside)

    scene = Scene(Root.open(str(top), system(kind, exchanged)), top)
    (top / "folder").mkdir()
    (top / "folder" / "file").write_text("displaced")
    entry = present(scene.root, "folder")
    place = displace(scene.root, "folder", RUN).place
    scene.ledger.add([DisplacedVersion.of(entry, "folder", place, TrashCause.DELETED)])
    scene.keep_up(TrashLimits(0))
    assert outside.stat().st_mode & 0o777 == 0o755
    assert everything(outside) == {"file": "untouched"}
    assert everything(tmp_path / "moved") == {"file": "displaced"}
    scene.root.close()
