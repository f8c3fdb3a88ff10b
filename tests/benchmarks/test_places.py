from pathlib import Path

from benchmarks.transfers.places import MEMORY, folder_for, names, room, spread, temporary
from benchmarks.transfers.workloads import BIG, TRIALS, Workload

MILLION, SETTLED = BIG["million"], BIG["million-settled"]


def test_a_small_file_takes_a_page() -> None:
    assert room(Workload("x", "", 1_000_000, 1), 0) > 2 * 4096 * 1_000_000


def test_each_tool_needs_its_names() -> None:
    assert names(MILLION, 2) == 6_600_000  # a source, a copy, and two sides of each tool
    assert names(SETTLED, 2) == 11_000_000  # both sides are full in both directions


def test_a_folder_is_removed_after_an_error(tmp_path: Path) -> None:
    try:
        with folder_for(TRIALS["trial"], 1, tmp_path, tmp_path) as folder:
            (folder / "file").touch()
            raise InterruptedError
    except InterruptedError:
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_workload_on_a_disk_is_there(tmp_path: Path) -> None:
    disk = Workload("x", "", 1, 1, on_disk=True)
    with folder_for(disk, 1, tmp_path / "other", tmp_path) as folder:
        assert folder.parent == tmp_path


def test_a_folder_of_any_file_system_can_be_asked_to_spread(tmp_path: Path) -> None:
    for on in (tmp_path, MEMORY):
        with temporary(on) as folder:
            spread(folder)
            (folder / "new").mkdir()
