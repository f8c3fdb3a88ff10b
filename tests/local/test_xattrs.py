"""The extended attributes of files on this disk."""

import errno
import os
from pathlib import Path

import pytest

from cargo_sync.local.metadata import set_metadata
from cargo_sync.local.root import Root
from cargo_sync.local.xattrs import are_kept, read_all
from cargo_sync.model.entries import Entry
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.xattrs import MOST, Xattrs
from tests.local.systems import recording

TAGS = {"user.tag": b"red", "user.empty": b"", "user.bytes": bytes(range(256))}


@pytest.fixture(autouse=True)
def _needs_them(root: Root) -> None:
    if not are_kept(root):
        pytest.skip("this file system keeps no extended attributes")


def made(root: Root, top: Path, xattrs: Xattrs) -> Entry:
    (top / "a").write_bytes(b"one")
    for name, value in xattrs.items():
        os.setxattr(top / "a", name, value)
    return seen(root)


def seen(root: Root) -> Entry:
    entry = root.entry("a")
    assert entry is not None
    return entry


def present(top: Path) -> dict[str, bytes]:
    return {name: os.getxattr(top / "a", name) for name in os.listxattr(top / "a")}


def test_those_that_travel_are_read(root: Root, top: Path) -> None:
    entry = made(root, top, TAGS)
    assert read_all(root, [("a", entry)]) == [TAGS]
    os.setxattr(top / "a", b"user.\xff", b"x")
    os.setxattr(top / "a", "user.a\nb", b"x")
    assert read_all(root, [("a", seen(root))]) == [TAGS]
    [changed, gone] = read_all(root, [("a", entry), ("b", entry)])
    assert isinstance(changed, Problem) and changed.code is Code.CHANGED
    assert isinstance(gone, Problem) and gone.code is Code.VANISHED


def test_too_many_are_a_problem(root: Root, top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = made(root, top, {"user.a": b"x"})
    monkeypatch.setattr(os, "getxattr", lambda fd, name: bytes(MOST))
    [found] = read_all(root, [("a", entry)])
    assert isinstance(found, Problem) and found.code is Code.NO_XATTRS


@pytest.mark.parametrize("wanted", [{}, {"user.tag": b"blue", "user.new": b"x"}, TAGS])
def test_a_file_gets_exactly_those(root: Root, top: Path, wanted: Xattrs) -> None:
    before = made(root, top, TAGS)
    after = set_metadata(root, "a", before, before, wanted)
    assert present(top) == wanted and after == (seen(root), False)
    assert (top / "a").read_bytes() == b"one" and after.entry.mtime_ns == before.mtime_ns
    assert (after.entry.version != before.version) == (wanted != TAGS)


def test_without_a_wish_it_keeps_its_own(root: Root, top: Path) -> None:
    before = made(root, top, TAGS)
    set_metadata(root, "a", before, before._replace(mtime_ns=5, mode=0o600))
    assert present(top) == TAGS


def test_a_file_that_changed_keeps_its_own(root: Root, top: Path) -> None:
    before = made(root, top, TAGS)
    (top / "a").write_bytes(b"three")
    with pytest.raises(ProblemError) as caught:
        set_metadata(root, "a", before, before, {})
    assert caught.value.problem.code is Code.CHANGED and present(top) == TAGS


def test_where_they_cannot_be_kept_there_are_none_and_that_is_known(top: Path) -> None:
    told, _ = recording("native")
    root = Root.open(str(top), told)
    before = made(root, top, {"user.tag": b"red"})

    def full(fd: int, name: str, value: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    told.set_xattr = full  # type: ignore[method-assign]
    entry, lacks = set_metadata(root, "a", before, before._replace(mode=0o600), {"user.b": b"x"})
    assert lacks and present(top) == {} and entry == seen(root) and entry.mode == 0o600
    root.close()


def test_a_file_system_without_any_has_none(
    root: Root, top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = made(root, top, {})

    def refuse(*_: object) -> bytes:
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))

    monkeypatch.setattr(os, "getxattr", refuse)
    monkeypatch.setattr(os, "listxattr", refuse)
    assert not are_kept(root) and read_all(root, [("a", entry)]) == [{}]


def test_each_call_that_changes_one_goes_through_the_system(top: Path) -> None:
    told, calls = recording("native")
    root = Root.open(str(top), told)
    before = made(root, top, {"user.old": b"x", "user.same": b"y"})
    set_metadata(root, "a", before, before, {"user.same": b"y", "user.new": b"z"})
    assert calls == ["remove_xattr", "set_xattr"]
    root.close()
