"""Files that were recorded: whether something else is at their place."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cargo_sync.catalogue.contract import Gone, PutColumns
from cargo_sync.local.root import Root
from cargo_sync.server.workspace.folder import recorded
from cargo_sync.server.workspace.folder.comparison import put
from cargo_sync.server.workspace.folder.recorded import RecordedFiles

NAMES = ["a", "b", "c"]


@pytest.fixture
def top(tmp_path: Path) -> Path:
    (tmp_path / "top" / "f").mkdir(parents=True)
    for name in NAMES:
        (tmp_path / "top" / "f" / name).write_text(name)
    return tmp_path / "top"


def noted(files: RecordedFiles, root: Root, *names: str) -> None:
    found = [root.entry(f"f/{name}") for name in names]
    puts = [
        put(f"f/{name}", one) for name, one in zip(names, found, strict=True) if one is not None
    ]
    files.note([*puts[:1], PutColumns.of(puts[1:])] if puts[1:] else puts)


def _write(path: Path) -> None:
    path.write_text("other content")


def _write_the_same_size(path: Path) -> None:
    times = path.stat()
    path.write_text("x")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def _replace(path: Path) -> None:
    other = path.with_name("other")
    other.write_text("b")
    other.rename(path)


def _replace_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


CHANGES = [
    _write, _write_the_same_size, _replace, _replace_by_folder,
    Path.unlink, lambda path: path.chmod(0o600), lambda path: os.utime(path, (1, 1)),
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_is_done_to_a_file_is_seen(top: Path, change: Callable[[Path], None]) -> None:
    root, files = Root.open(str(top)), RecordedFiles()
    noted(files, root, *NAMES)
    assert files.unlike(root, "f", NAMES) == []
    before = (top / "f" / "b").stat().st_ctime_ns
    while (top / "f" / "c").stat().st_ctime_ns <= before:
        (top / "f" / "c").touch()  # the clock of the file system has its own steps
    noted(files, root, "c")
    change(top / "f" / "b")
    assert files.unlike(root, "f", NAMES) == ["b"]
    root.close()


def test_what_was_not_recorded_lately_is_not_known(
    top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, files = Root.open(str(top)), RecordedFiles()
    noted(files, root, "a")
    assert files.unlike(root, "f", NAMES) == ["b", "c"]
    assert files.unlike(root, "none", ["a"]) == ["a"]
    files.age()
    noted(files, root, "b")
    assert files.unlike(root, "f", NAMES) == ["c"]
    files.age()
    assert files.unlike(root, "f", NAMES) == ["a", "c"]
    monkeypatch.setattr(recorded, "MOST", 1)
    noted(files, root, "c")
    noted(files, root, "a")
    assert files.unlike(root, "f", NAMES) == ["b"], "it is two generations old"
    files.note([Gone("elsewhere")])
    assert files.unlike(root, "f", NAMES) == NAMES, "what is gone may be a folder above"
    root.close()


def test_a_folder_that_is_gone_says_nothing(top: Path) -> None:
    root, files = Root.open(str(top)), RecordedFiles()
    noted(files, root, *NAMES)
    (top / "f").rename(top / "g")
    assert files.unlike(root, "f", NAMES) == NAMES
    root.close()


def test_a_folder_that_was_made_is_as_recorded_whatever_is_put_into_it(top: Path) -> None:
    root, files = Root.open(str(top)), RecordedFiles()
    (top / "f" / "new").mkdir()
    noted(files, root, "new")
    (top / "f" / "new" / "file").touch()
    assert files.unlike(root, "f", ["new"]) == []
    (top / "f" / "new").chmod(0o700)
    assert files.unlike(root, "f", ["new"]) == ["new"]
    (top / "f" / "new").rename(top / "f" / "old")
    (top / "f" / "new").mkdir()
    assert files.unlike(root, "f", ["new"]) == ["new"]
    root.close()


@pytest.fixture
def made(top: Path) -> Iterator[tuple[Root, RecordedFiles]]:
    """A new folder `f/new` with a file and a folder, all of it noted."""
    root, files = Root.open(str(top)), RecordedFiles()
    (top / "f" / "new" / "below").mkdir(parents=True)
    (top / "f" / "new" / "file").write_text("x")
    files.making(["f/new"])
    noted(files, root, "new")
    noted(files, root, "new/below", "new/file")
    yield root, files
    root.close()


def test_a_new_folder_with_what_was_recorded_in_it_is_known(
    top: Path, made: tuple[Root, RecordedFiles]
) -> None:
    root, files = made
    assert files.folders_in(root, "f/new") == ["f/new/below"]
    assert files.folders_in(root, "f") is None, "it was not made lately"
    assert files.folders_in(root, "f/new/below") is None, "what is in it is not known"
    files.age()
    (top / "f" / "new" / "more").touch()
    noted(files, root, "new/more")
    assert files.folders_in(root, "f/new") == ["f/new/below"]
    files.age()
    assert files.folders_in(root, "f/new") is None, "it is two generations old"


OTHERS: list[Callable[[Path], object]] = [
    lambda new: (new / "file").unlink(),
    lambda new: (new / "below").rmdir(),
    lambda new: (new / "other").touch(),
    lambda new: (new / "file").rename(new / "other"),
    lambda new: (new / "file").chmod(0o600),
    lambda new: (new / "file").write_text("other"),
    lambda new: new.rename(new.with_name("away")),
]


@pytest.mark.parametrize("change", OTHERS)
def test_a_new_folder_in_which_others_did_something_is_not_known(
    top: Path, made: tuple[Root, RecordedFiles], change: Callable[[Path], object]
) -> None:
    root, files = made
    change(top / "f" / "new")
    assert files.folders_in(root, "f/new") is None


def test_a_new_folder_is_not_known_before_it_is_recorded(top: Path) -> None:
    root, files = Root.open(str(top)), RecordedFiles()
    (top / "f" / "new").mkdir()
    files.making(["f/new"])
    assert files.folders_in(root, "f/new") is None
    noted(files, root, "new")
    assert files.folders_in(root, "f/new") == []
    files.note([Gone("f/new/file")])
    assert files.folders_in(root, "f/new") is None
    root.close()
