"""The folder store: which folder is accepted as a workspace's, and which is not."""

import errno
import os
from pathlib import Path

import pytest

from cargo_sync.local.ages import MemoryAges
from cargo_sync.local.ledger import MemoryLedger
from cargo_sync.local.parts import MemoryCheckpoints
from cargo_sync.local.space import SpaceLedger
from cargo_sync.local.system import System
from cargo_sync.local.trash_runs import SAME_RUN
from cargo_sync.machines.trash_limits import TrashLimits
from cargo_sync.model.problems import ProblemError
from cargo_sync.stores.folder import DAY, FolderStore
from tests.local.systems import KINDS, system

TOKEN = "0123456789abcdef0123456789abcdef"


class Wall:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


def opened(
    path: Path, known: str = "", wall: Wall | None = None, system: System | None = None
) -> FolderStore:
    now = wall or Wall()
    return FolderStore.open(
        str(path),
        known,
        lambda: TOKEN,
        MemoryCheckpoints(),
        SpaceLedger(),
        MemoryAges(now),
        now,
        system,
    )


def refusal(path: Path, known: str) -> str:
    with pytest.raises(ProblemError) as refused:
        opened(path, known).close()
    return refused.value.problem.code


def test_a_new_one_is_made_and_known_again(tmp_path: Path) -> None:
    store = opened(tmp_path / "files")
    assert store.marker == TOKEN
    store.close()
    again = opened(tmp_path / "files", TOKEN)
    assert again.still_there()
    again.close()


def test_a_missing_one_is_never_made_again(tmp_path: Path) -> None:
    assert refusal(tmp_path / "files", TOKEN) == "root_gone"
    assert not (tmp_path / "files").exists()
    assert refusal(tmp_path / "none" / "files", "") == "root_gone"


def test_another_in_its_place_is_refused_and_nothing_is_written_there(tmp_path: Path) -> None:
    """An empty mount point, or another disk: it says nothing about the files."""
    (tmp_path / "files").mkdir()
    assert refusal(tmp_path / "files", TOKEN) == "root_replaced"
    assert os.listdir(tmp_path / "files") == []


def test_it_has_one_owner(tmp_path: Path) -> None:
    store = opened(tmp_path / "files")
    assert refusal(tmp_path / "files", TOKEN) == "root_in_use"
    store.close()
    opened(tmp_path / "files", TOKEN).close()


def test_the_same_folder_after_it_was_away(tmp_path: Path) -> None:
    store = opened(tmp_path / "files")
    (tmp_path / "files").rename(tmp_path / "away")
    assert not store.still_there()
    (tmp_path / "away").rename(tmp_path / "files")
    assert store.still_there()
    store.let_go()
    again = opened(tmp_path / "files", TOKEN)
    again.close()


def test_trash_is_kept_for_its_days(tmp_path: Path) -> None:
    wall = Wall()
    store, ledger = opened(tmp_path / "files", wall=wall), MemoryLedger(wall)
    limits = TrashLimits(14 * DAY)
    places = []
    for after in (0.0, SAME_RUN - 1, SAME_RUN + 1):
        wall.now = 1_700_000_000.0 + after
        (tmp_path / "files" / "file").write_text(str(after))
        places.append(store.displace("file", "run")[0])
    assert len(set(places)) == 3
    assert len({os.path.dirname(place) for place in places}) == 2  # one for each hour
    assert store.tidy(ledger, limits).files == 0
    assert ledger.totals().files == 0  # others may be recording it just now
    assert store.tidy(ledger, limits).files == 0
    assert ledger.totals().files == 3
    wall.now += 14 * DAY - 1
    assert store.tidy(ledger, limits).files == 0  # its age began when it was found
    wall.now += 1
    assert store.tidy(ledger, limits).files == 3
    assert os.listdir(tmp_path / "files" / ".cargo_sync" / "trash") == []
    store.close()


def test_a_run_has_one_folder_which_is_named_once(tmp_path: Path) -> None:
    wall = Wall()
    store = opened(tmp_path / "files", wall=wall)
    run = "20260102T030405Z-abcd1234"
    (tmp_path / "files" / "a").write_text("a")
    assert store.displace("a", run).place == f".cargo_sync/trash/{run}/a"
    wall.now += 2 * SAME_RUN
    (tmp_path / "files" / "b").write_text("b")
    assert store.displace("b", run).place == f".cargo_sync/trash/{run}/b"
    store.close()


def test_staging_of_an_earlier_process_is_swept(tmp_path: Path) -> None:
    opened(tmp_path / "files").close()
    staging = tmp_path / "files" / ".cargo_sync" / "staging"
    staging.mkdir()
    (staging / "0.new").write_text("half")
    wall = Wall()
    wall.now = 4_000_000_000.0
    opened(tmp_path / "files", TOKEN, wall).close()
    assert list(staging.iterdir()) == []


class Mount:
    """A file system that is mounted read-only, or writable; calls that write fail meanwhile."""

    def __init__(self, kind: str) -> None:
        self.read_only = True
        self.system = system(kind, self._written)
        vars(self.system)["read_only"] = lambda fd: self.read_only

    def _written(self, name: str) -> None:
        if self.read_only:
            raise OSError(errno.EROFS, name)


@pytest.fixture(params=KINDS)
def mount(request: pytest.FixtureRequest) -> Mount:
    return Mount(request.param)


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a").write_text("a")
    return tmp_path / "files"


def test_nothing_is_written_to_a_read_only_folder(disk: Path, mount: Mount) -> None:
    store = opened(disk, system=mount.system)
    assert store.read_only and store.tidy(MemoryLedger(), TrashLimits(0)) == (0, 0)
    assert os.listdir(disk) == ["a"]
    known = store.marker
    assert refusal(disk, "") == "root_in_use", "it is locked all the same"
    store.close()
    opened(disk, known, system=mount.system).close()


def test_a_read_only_folder_is_known_by_its_file_system_and_inode(disk: Path, mount: Mount) -> None:
    store = opened(disk, system=mount.system)
    known = store.marker
    store.close()
    disk.rename(disk.with_name("away"))
    disk.mkdir()  # the mount point, or another disk
    with pytest.raises(ProblemError, match="is not the one") as refused:
        opened(disk, known, system=mount.system)
    assert refused.value.problem.code == "root_replaced"
    assert "serve it under another path" in refused.value.problem.hint
    assert refusal(disk, known) == "root_replaced"
    assert os.listdir(disk) == []


def test_a_folder_that_can_be_written_to_again_gets_its_marker(disk: Path, mount: Mount) -> None:
    store = opened(disk, system=mount.system)
    known = store.marker
    assert store.is_as_opened()
    mount.read_only = False
    assert not store.is_as_opened()
    store.close()
    again = opened(disk, known, system=mount.system)
    assert (again.marker, again.read_only) == (TOKEN, False)
    again.close()
    mount.read_only = True  # an error, or a person, took the permission away again
    assert not again.is_as_opened()
    last = opened(disk, TOKEN, system=mount.system)
    assert (last.marker, last.read_only) == (TOKEN, True)
    last.close()


def test_a_read_only_file_system_without_locks(
    disk: Path, mount: Mount, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flock(_: System, fd: int) -> None:
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(System, "flock", flock)
    opened(disk, system=mount.system).close()
    assert os.listdir(disk) == ["a"]
