"""Job files that were put aside: how many stay, how long, and for whom."""

import os
from pathlib import Path

import pytest

from cargo_sync.daemon.jobs.folder import ASIDE, JobFolder
from cargo_sync.daemon.jobs.put_aside import INDEX, sweep
from cargo_sync.model.problems import ProblemError

DAY = 86_400.0
NOW = 1000 * DAY


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != INDEX)


def test_the_newest_stay_for_their_owner_alone(tmp_path: Path) -> None:
    jobs = JobFolder(str(tmp_path))
    path = jobs.place("a", "0")
    for number in range(1, 6):
        os.chmod(path, 0o644)
        jobs.replace(path, str(number))
    aside = tmp_path / ASIDE
    assert len(left(aside)) == 5
    assert sweep(str(aside), NOW, 30, 2) == 3
    kept = {name: (aside / name).read_text() for name in left(aside)}
    assert sorted(kept.values()) == ["3", "4"]
    assert {(aside / name).stat().st_mode & 0o777 for name in [*kept, INDEX]} == {0o600}
    assert Path(path).read_text() == "5"
    assert sweep(str(aside), NOW, 30, 2) == 0


def test_a_file_goes_when_it_was_there_for_its_days_whatever_its_own_times_say(
    tmp_path: Path,
) -> None:
    (tmp_path / "old").write_text("secret")
    os.utime(tmp_path / "old", (0, 0))
    assert sweep(str(tmp_path), NOW, 30, 20) == 0, "nobody has seen it before"
    (tmp_path / "new").write_text("secret")
    assert sweep(str(tmp_path), NOW + 20 * DAY, 30, 20) == 0
    assert sweep(str(tmp_path), NOW + 30 * DAY, 30, 20) == 0
    assert sweep(str(tmp_path), NOW + 30.1 * DAY, 30, 20) == 1
    assert left(tmp_path) == ["new"]
    assert sweep(str(tmp_path), NOW + 51 * DAY, 30, 20) == 1


def test_an_index_that_cannot_be_read_makes_nothing_older(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("secret")
    for content in ("{", "[]", '{"a": "long ago"}', f'{{"a": {NOW + 900 * DAY}}}'):
        (tmp_path / INDEX).write_text(content)
        assert sweep(str(tmp_path), NOW, 30, 20) == 0
        assert sweep(str(tmp_path), NOW + 30 * DAY, 30, 20) == 0
    assert sweep(str(tmp_path), NOW + 61 * DAY, 30, 20) == 1


def test_links_go_and_what_they_lead_to_stays(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("elsewhere")
    (tmp_path / "secret").chmod(0o640)
    aside = tmp_path / ASIDE
    (aside / "inner").mkdir(parents=True)
    (aside / "job.json").symlink_to(tmp_path / "secret")
    assert sweep(str(aside), NOW, 30, 0) == 1
    assert left(aside) == ["inner"]
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o640


def test_without_a_folder_nothing_is_to_do_and_a_link_is_none(tmp_path: Path) -> None:
    assert sweep(str(tmp_path / "none"), NOW, 30, 20) == 0
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(ProblemError):
        sweep(str(tmp_path / "link"), NOW, 30, 20)
