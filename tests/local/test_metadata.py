"""Another time and mode for what is there: only if nobody changes it meanwhile."""

import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cargo_sync.local.metadata import set_metadata
from cargo_sync.local.root import FEW, Root
from cargo_sync.local.system import System
from cargo_sync.model.entries import Entry
from cargo_sync.model.problems import Code, ProblemError
from tests.local.systems import KINDS, recording, system

TIME = 1_600_000_000_123_456_789


def set_entry(root: Root, path: str, before: Entry, wanted: Entry) -> Entry:
    return set_metadata(root, path, before, wanted).entry


def seen(root: Root, path: str) -> Entry:
    entry = root.entry(path)
    assert entry is not None
    return entry


def wanted(entry: Entry, mode: int = 0o640) -> Entry:
    return entry._replace(mtime_ns=TIME, mode=mode)


def refused(root: Root, path: str, entry: Entry) -> str:
    with pytest.raises(ProblemError) as caught:
        set_entry(root, path, entry, wanted(entry))
    return caught.value.problem.code


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_gets_the_time_and_the_mode(kind: str, top: Path) -> None:
    (top / "a").write_bytes(b"one")
    root = Root.open(str(top), system(kind))
    before = seen(root, "a")
    after = set_entry(root, "a", before, wanted(before))
    assert after == seen(root, "a")
    assert (after.mtime_ns, after.mode, after.ident) == (TIME, 0o640, before.ident)
    root.close()


def test_bits_that_are_not_synced_stay(root: Root, top: Path) -> None:
    (top / "f").mkdir()
    (top / "f").chmod(0o3772)
    (top / "a").touch()
    (top / "a").chmod(0o4646)
    folder = set_entry(root, "f", seen(root, "f"), Entry("f", "d", mode=0o1057))
    file = set_entry(root, "a", seen(root, "a"), Entry("a", "f", mode=0o777))
    assert (oct(folder.mode), oct(file.mode)) == ("0o3757", "0o4777")


def test_nothing_is_done_that_changes_nothing(top: Path) -> None:
    (top / "a").touch()
    told, calls = recording("native")
    root = Root.open(str(top), told)
    before = seen(root, "a")
    assert set_entry(root, "a", before, before) == before and calls == []
    set_entry(root, "a", before, wanted(before))
    assert calls == ["utime", "chmod"], "after a stop in between it looks as at the source"
    root.close()


def test_a_file_that_has_changed_keeps_its_time(root: Root, top: Path) -> None:
    for name in ("rewritten", "replaced", "folder", "link", "pipe"):
        (top / name).write_bytes(b"one")
    before = {name: seen(root, name) for name in os.listdir(top)}
    (top / "rewritten").write_bytes(b"two")
    for name in ("replaced", "folder", "link", "pipe"):
        (top / name).unlink()
    (top / "replaced").write_bytes(b"one")
    (top / "folder").mkdir()
    (top / "link").symlink_to("rewritten")
    os.mkfifo(top / "pipe")
    codes = {name: refused(root, name, entry) for name, entry in before.items()}
    assert codes == dict.fromkeys(codes, "changed") | {"link": "symlink"}
    assert not [name for name in codes if (top / name).lstat().st_mtime_ns == TIME]


@pytest.fixture
def native(top: Path) -> Iterator[Root]:
    one = Root.open(str(top))
    yield one
    one.close()


needs_leases = pytest.mark.skipif(
    System.choose().keep_writers_out.__func__ is System.keep_writers_out,  # type: ignore[attr-defined]
    reason="this system has no leases",
)


@needs_leases
def test_a_file_that_is_open_for_writing_keeps_its_time(native: Root, top: Path) -> None:
    (top / "a").write_bytes(b"one")
    before = seen(native, "a")
    with open(top / "a", "ab"):
        assert refused(native, "a", before) == Code.IN_USE
    assert seen(native, "a") == before
    with open(top / "a", "rb"):
        assert set_entry(native, "a", before, wanted(before)).mtime_ns == TIME


@needs_leases
def test_who_begins_to_write_meanwhile_waits(
    native: Root, top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (top / "a").write_bytes(b"one")
    before, utime = seen(native, "a"), native.system.utime
    writer = threading.Thread(target=(top / "a").write_bytes, args=(b"two",))

    def begin(fd: int, mtime_ns: int) -> None:
        writer.start()
        writer.join(0.1)
        assert os.pread(fd, 3, 0) == b"one"
        utime(fd, mtime_ns)

    monkeypatch.setattr(native.system, "utime", begin)
    assert set_entry(native, "a", before, wanted(before)).mtime_ns == TIME
    writer.join()
    now = os.stat(top / "a")
    assert (top / "a").read_bytes() == b"two" and now.st_mtime_ns != TIME, "its own time shows it"
    assert stat.S_IMODE(now.st_mode) == 0o640


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [1, FEW, FEW + 1])
def test_many_are_synced_at_once_where_that_is_possible(kind: str, count: int, top: Path) -> None:
    names = [f"{number}" for number in range(count)]
    for name in names:
        (top / name).touch()
    told, calls = recording(kind)
    root = Root.open(str(top), told)
    root.sync((), files=names)
    whole = kind == "native" and told.whole_sync and count > FEW
    assert calls == (["syncfs"] if whole else ["fsync"] * count)
    calls.clear()
    root.sync((), files=["gone"])
    assert calls == (["syncfs"] if told.whole_sync else []), "somebody may have moved it"
    root.close()
