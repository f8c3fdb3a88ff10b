"""The jobs folder as the daemon writes it: no file is overwritten, deleted or half written."""

import os
from pathlib import Path

import pytest

from cargo_sync.daemon.jobs.folder import JobFolder, slug
from cargo_sync.local.system import System
from cargo_sync.model.problems import ProblemError


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("nightly", "nightly"),
        ("My Photos é", "my-photos-e"),
        ("../../etc/passwd", "etc-passwd"),
        ("日本", "job"),
        ("...", "job"),
        ("x" * 100, "x" * 60),
        ("con", "con"),
    ],
)
def test_a_name_as_a_files(name: str, file: str) -> None:
    assert slug(name) == file


def test_a_new_file_is_its_owners_and_takes_a_free_number(tmp_path: Path) -> None:
    folder = tmp_path / "made" / "jobs"
    filing = JobFolder(str(folder))
    assert filing.place("a job", "one") == str(folder / "a-job.json")
    (folder / ".a-job.new").write_text("left by a kill, and longer than what comes")
    assert filing.place("a job", "two") == str(folder / "a-job-2.json")
    assert filing.place("A  JOB", "three é") == str(folder / "a-job-3.json")
    assert {path.name: path.read_text() for path in folder.iterdir()} == {
        "a-job.json": "one", "a-job-2.json": "two", "a-job-3.json": "three é",
    }  # fmt: skip
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    filing.withdraw(str(folder / "a-job-2.json"))
    assert sorted(path.name for path in folder.iterdir()) == ["a-job-3.json", "a-job.json"]


@pytest.mark.parametrize("call", ["create", "write", "fsync", "rename_noreplace"])
def test_what_cannot_be_written_leaves_nothing(
    tmp_path: Path, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "no space left")

    system = System.portable()
    monkeypatch.setattr(system, call, full)
    monkeypatch.setattr(System, "choose", staticmethod(lambda: system))
    with pytest.raises(ProblemError) as caught:
        JobFolder(str(tmp_path)).place("a", "text")
    assert caught.value.problem.code == "disk_full"
    assert list(tmp_path.iterdir()) == []


def test_what_is_put_aside_is_kept(tmp_path: Path) -> None:
    filing = JobFolder(str(tmp_path))
    for text in ("one", "two"):
        (tmp_path / "a.json").write_text(text)
        filing.put_aside(str(tmp_path / "a.json"))
    aside = tmp_path / ".removed"
    assert {path.name: path.read_text() for path in aside.iterdir()} == {
        "a.json": "one",
        "a-2.json": "two",
    }
    assert aside.stat().st_mode & 0o777 == 0o700
    assert filing.put_aside(str(tmp_path / "a.json")) == "", "it was gone already"
    assert os.listdir(tmp_path) == [".removed"]


@pytest.mark.parametrize("system", [System.portable(), System.choose()], ids=["posix", "this"])
def test_a_replaced_file_is_kept_and_keeps_its_mode(
    tmp_path: Path, system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(System, "choose", staticmethod(lambda: system))
    filing = JobFolder(str(tmp_path))
    path = Path(filing.place("a", "one"))
    path.chmod(0o644)
    assert filing.replace(str(path), "two") == str(tmp_path / ".removed" / "a.json")
    assert filing.replace(str(path), "three é") == str(tmp_path / ".removed" / "a-2.json")
    assert path.read_text() == "three é" and path.stat().st_mode & 0o777 == 0o644
    assert [one.read_text() for one in sorted((tmp_path / ".removed").iterdir())] == ["two", "one"]
    assert sorted(one.name for one in tmp_path.iterdir()) == [".removed", "a.json"]


@pytest.mark.parametrize("call", ["create", "write", "fsync", "chmod", "swap_in"])
def test_what_cannot_be_replaced_stays(
    tmp_path: Path, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "no space left")

    path = Path(JobFolder(str(tmp_path)).place("a", "one"))
    path.chmod(0o644)
    system = System.portable()
    monkeypatch.setattr(system, call, full)
    monkeypatch.setattr(System, "choose", staticmethod(lambda: system))
    with pytest.raises(ProblemError):
        JobFolder(str(tmp_path)).replace(str(path), "two")
    assert path.read_text() == "one"
    assert sorted(one.name for one in tmp_path.iterdir()) == [".removed", "a.json"]
    assert list((tmp_path / ".removed").iterdir()) == []
