import contextlib
import errno
import os
from pathlib import Path

import pytest

from cargo_sync.local.restoration import Restoration, restore
from cargo_sync.local.root import Root
from cargo_sync.local.trash import displace
from cargo_sync.model.problems import ProblemError
from tests.local.samples import RUN, everything, tree
from tests.local.systems import Stop, failing, stopping

BACK = "20260103T000000Z-back"
TRASH = ".cargo_sync/trash"


def thrown(root: Root, top: Path, path: str, content: str = "old") -> str:
    """Puts a file there and displaces it; its place in the trash."""
    file = top / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)
    return displace(root, path, RUN).place


def back(root: Root, place: str, path: str) -> Restoration:
    done = restore(root, place, path, BACK, "ana")
    root.sync(done.touched)
    return done


def test_it_goes_to_its_free_place(root: Root, top: Path) -> None:
    place = thrown(root, top, "docs/a")
    os.rmdir(top / "docs")
    done = back(root, place, "docs/a")
    assert tree(top) == {"docs/a": "old"}
    assert (done.displaced, done.merged) == ([], False)
    assert done.touched >= {"docs", "", os.path.dirname(place)}
    assert os.listdir(top / TRASH) == [], "no empty folders are left in the trash"


def test_what_stands_there_goes_to_the_trash_in_turn(root: Root, top: Path) -> None:
    place = thrown(root, top, "docs/a")
    (top / "docs" / "a").write_text("newer")
    done = back(root, place, "docs/a")
    assert everything(top) == {"docs/a": "old", f"{TRASH}/{BACK}/docs/a": "newer"}
    [stood] = done.displaced
    assert stood[:4] == ("docs/a", f"{TRASH}/{BACK}/docs/a", "f", 5)
    assert (stood.cause, stood.run, stood.user) == ("restored", BACK, "ana")


def test_it_can_go_to_another_folder(root: Root, top: Path) -> None:
    place = thrown(root, top, "a")
    (top / "a").write_text("stays")
    back(root, place, "found/again/a")
    assert tree(top) == {"a": "stays", "found/again/a": "old"}


def test_a_link_is_restored_as_a_link(root: Root, top: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("untouched")
    (top / "a").symlink_to(tmp_path / "outside")
    place = displace(root, "a", RUN).place
    (top / "a").symlink_to("/elsewhere")
    back(root, place, "a")
    assert tree(top) == {"a": f"-> {tmp_path / 'outside'}"}
    assert (tmp_path / "outside").read_text() == "untouched"


def test_a_folder_comes_back_with_all_that_was_in_it(root: Root, top: Path) -> None:
    (top / "d" / "deep").mkdir(parents=True)
    (top / "d" / "deep" / "file").write_text("1")
    place = displace(root, "d", RUN).place
    back(root, place, "d")
    assert tree(top) == {"d/deep/file": "1"}


def test_a_folder_takes_the_place_of_a_file(root: Root, top: Path) -> None:
    (top / "d").mkdir()
    (top / "d" / "file").write_text("1")
    place = displace(root, "d", RUN).place
    (top / "d").write_text("a file")
    done = back(root, place, "d")
    assert everything(top) == {"d/file": "1", f"{TRASH}/{BACK}/d": "a file"}
    assert [(one.path, one.kind) for one in done.displaced] == [("d", "f")]


def test_a_folder_is_merged_with_the_one_that_is_there(root: Root, top: Path) -> None:
    for path in ("d/same", "d/deep/lost", "d/deep/same"):
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_text("old")
    place = displace(root, "d", RUN).place
    for path in ("d/same", "d/new", "d/deep/same"):
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_text("new")
    done = back(root, place, "d")
    assert tree(top) == {
        "d/deep/lost": "old", "d/deep/same": "old", "d/new": "new", "d/same": "old",
    }  # fmt: skip
    assert done.merged and sorted(one.path for one in done.displaced) == ["d/deep/same", "d/same"]
    assert everything(top / TRASH / BACK) == {"d/deep/same": "new", "d/same": "new"}
    assert os.listdir(top / TRASH) == [BACK]


@pytest.mark.parametrize(
    ("there", "path", "code"),
    [
        ("a/file", "a", "occupied"),
        ("docs", "docs/a", "not_a_folder"),
        ("x", "../a", "bad_path"),
        ("x", ".cargo_sync/a", "reserved_name"),
        ("x", "", "bad_path"),
        ("x", "a/./b", "bad_path"),
    ],
)
def test_what_cannot_be_restored_stays_in_the_trash(
    root: Root, top: Path, there: str, path: str, code: str
) -> None:
    place = thrown(root, top, "lost")
    (top / there).parent.mkdir(parents=True, exist_ok=True)
    (top / there).write_text("there")
    with pytest.raises(ProblemError) as error:
        back(root, place, path)
    assert error.value.problem.code == code
    assert tree(top) == {there: "there"} and (top / place).read_text() == "old"


def test_what_is_not_in_the_trash_any_more(root: Root, top: Path) -> None:
    place = thrown(root, top, "a")
    (top / place).unlink()
    with pytest.raises(ProblemError) as error:
        back(root, place, "a")
    assert error.value.problem.code == "vanished" and "trash" in error.value.problem.message


def test_a_link_above_is_not_followed(root: Root, top: Path, tmp_path: Path) -> None:
    place = thrown(root, top, "docs/a")
    os.rmdir(top / "docs")
    (tmp_path / "outside").mkdir()
    (top / "docs").symlink_to(tmp_path / "outside")
    with pytest.raises(ProblemError) as error:
        back(root, place, "docs/a")
    assert error.value.problem.code in ("symlink", "not_a_folder")
    assert os.listdir(tmp_path / "outside") == []


@pytest.mark.parametrize("fault", ["kill", "error"])
def test_whatever_stops_it_no_content_is_lost(
    top: Path, kind: str, fault: str, tmp_path: Path
) -> None:
    for number in range(40):
        folder = tmp_path / f"{number}"
        (folder / "d").mkdir(parents=True)
        plain = Root.open(str(folder))
        (folder / "d" / "a").write_text("old")
        place = displace(plain, "d", RUN).place
        (folder / "d").mkdir()
        (folder / "d" / "a").write_text("new")
        on = stopping(kind, number) if fault == "kill" else failing(kind, number, errno.EIO)
        root = Root.open(str(folder), on)
        with contextlib.suppress(Stop, ProblemError):
            back(root, place, "d")
            assert tree(folder) == {"d/a": "old"}
        assert set(everything(folder).values()) == {"new", "old"}, f"at call {number}"
        root.close()
        plain.close()


def folder_in_trash(root: Root, top: Path) -> str:
    (top / "d" / "b").mkdir(parents=True)
    for path in ("a", "b/c", "b/e"):
        (top / "d" / path).write_text(path)
    return displace(root, "d", RUN).place


def test_one_file_is_taken_out_of_a_folder(root: Root, top: Path) -> None:
    place = folder_in_trash(root, top)
    (top / "d" / "b").mkdir(parents=True)
    (top / "d" / "b" / "c").write_text("newer")
    done = restore(root, place, "d", BACK, "ana", inside="b/c")
    assert (done.path, done.rest, len(done.displaced)) == ("d/b/c", True, 1)
    assert everything(top) == {
        "d/b/c": "b/c",
        f"{place}/a": "a",
        f"{place}/b/e": "b/e",
        f"{TRASH}/{BACK}/d/b/c": "newer",
    }
    assert done.touched >= {"d/b", f"{place}/b"}
    assert restore(root, place, "found", BACK, inside="b").path == "found/b"
    assert tree(top) == {"d/b/c": "b/c", "found/b/e": "b/e"}
    last = restore(root, place, "d", BACK, inside="a")
    assert not last.rest and everything(top)["d/a"] == "a", "nothing is left of the version"


@pytest.mark.parametrize(
    ("inside", "hint"),
    [
        ("x", "it has 'a', 'b'"),
        ("b/x", "it has 'b/c', 'b/e'"),
        ("b/x/y", "it has 'b/c', 'b/e'"),
        ("a/x", "it is no folder"),
    ],
)
def test_what_is_not_in_a_folder_is_answered_with_what_is(
    root: Root, top: Path, inside: str, hint: str
) -> None:
    place = folder_in_trash(root, top)
    with pytest.raises(ProblemError) as caught:
        restore(root, place, "d", BACK, inside=inside)
    assert (caught.value.problem.code, caught.value.problem.hint) == ("unknown", hint)
    assert tree(top) == {} and len(everything(top)) == 3


@pytest.mark.parametrize("inside", ["../x", "b/../../x", "/etc/passwd", ".cargo_sync/marker"])
def test_nothing_but_what_is_in_the_folder_is_reached(root: Root, top: Path, inside: str) -> None:
    place = folder_in_trash(root, top)
    before = everything(top)
    with pytest.raises(ProblemError):
        restore(root, place, "d", BACK, inside=inside)
    assert everything(top) == before


def test_a_link_in_a_folder_of_the_trash_is_not_followed(
    root: Root, top: Path, tmp_path: Path
) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("untouched")
    (top / "d").mkdir()
    (top / "d" / "b").symlink_to(tmp_path / "outside")
    place = displace(root, "d", RUN).place
    with pytest.raises(ProblemError):
        restore(root, place, "d", BACK, inside="b/secret")
    assert (tmp_path / "outside" / "secret").read_text() == "untouched"
