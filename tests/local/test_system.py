import ctypes
import errno
import fcntl
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cargo_sync.local.system import LinuxSystem, System
from cargo_sync.model.problems import ProblemError
from tests.local.systems import failing_in, system


@pytest.fixture
def fd(top: Path) -> Iterator[int]:
    descriptor = os.open(top, os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


def test_a_rename_never_replaces(on: System, fd: int, top: Path) -> None:
    for name in ("file", "taken"):
        (top / name).write_text(name)
    (top / "folder").mkdir()
    (top / "folder" / "inside").write_text("inside")
    (top / "link").symlink_to("nowhere")
    for name in ("file", "folder", "link"):
        with pytest.raises(FileExistsError):
            on.rename_noreplace(fd, name, fd, "taken")
        on.rename_noreplace(fd, name, fd, name + ".new")
    assert sorted(os.listdir(top)) == ["file.new", "folder.new", "link.new", "taken"]
    assert (top / "taken").read_text() == "taken"
    assert (top / "file.new").read_text() == "file"
    assert (top / "folder.new" / "inside").read_text() == "inside"
    assert os.readlink(top / "link.new") == "nowhere"


@pytest.mark.parametrize("old", ["file", "folder"])
def test_a_swap_keeps_both(on: System, fd: int, top: Path, old: str) -> None:
    (top / "new").write_text("new")
    if old == "file":
        (top / "place").write_text("old")
    else:
        (top / "place").mkdir()
    on.swap_in(fd, "new", fd, "place", fd, "aside")
    assert sorted(os.listdir(top)) == ["aside", "place"]
    assert (top / "place").read_text() == "new"
    assert (top / "aside").is_dir() if old == "folder" else (top / "aside").read_text() == "old"


def test_a_swap_with_nothing_changes_nothing(on: System, fd: int, top: Path) -> None:
    (top / "new").write_text("new")
    with pytest.raises(FileNotFoundError):
        on.swap_in(fd, "new", fd, "place", fd, "aside")
    assert os.listdir(top) == ["new"]


def test_a_swap_that_fails_leaves_what_stood_there(on: System, fd: int, top: Path) -> None:
    (top / "place").write_text("old")
    with pytest.raises(FileNotFoundError):
        on.swap_in(fd, "missing", fd, "place", fd, "aside")
    assert {name: (top / name).read_text() for name in os.listdir(top)} == {"place": "old"}


@pytest.mark.skipif(sys.platform != "linux", reason="renameat2 is Linux's")
@pytest.mark.parametrize("call", ["exchange", "_rename"])
@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP])
def test_a_file_system_without_the_flags_is_served_the_portable_way(
    fd: int, top: Path, call: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise OSError(number, "no such flag")

    monkeypatch.setattr(LinuxSystem, call, refused)
    (top / "new").write_text("new")
    (top / "place").write_text("old")
    System.choose().swap_in(fd, "new", fd, "place", fd, "aside")
    assert (top / "place").read_text() == "new"
    assert (top / "aside").read_text() == "old"


@pytest.mark.skipif(sys.platform != "linux", reason="renameat2 is Linux's")
def test_a_swap_that_the_disk_refuses_is_not_tried_another_way(fd: int, top: Path) -> None:
    (top / "new").write_text("new")
    (top / "place").write_text("old")
    with pytest.raises(OSError, match="injected"):
        failing_in("native", "exchange", errno.EIO).swap_in(fd, "new", fd, "place", fd, "aside")
    assert {name: (top / name).read_text() for name in os.listdir(top)} == {
        "new": "new",
        "place": "old",
    }


@pytest.mark.skipif(sys.platform != "linux", reason="openat2 is Linux's")
@pytest.mark.parametrize("number", [errno.ENOSYS, errno.EPERM])
def test_a_kernel_without_openat2_is_served_the_portable_way(
    fd: int, top: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> int:
        ctypes.set_errno(number)
        return -1

    on = System.choose()
    monkeypatch.setattr(on, "_syscall", refused)
    (top / "a" / "b").mkdir(parents=True)
    (top / "way").symlink_to("a")
    opened = on.open_below(fd, "a/b", os.O_RDONLY | os.O_DIRECTORY)
    assert os.fstat(opened).st_ino == (top / "a" / "b").stat().st_ino
    os.close(opened)
    for path in ("way", "way/b"):
        with pytest.raises(OSError) as error:
            on.open_below(fd, path, os.O_RDONLY | os.O_DIRECTORY)
        assert error.value.errno == errno.ELOOP


@pytest.mark.parametrize("kernel", ["newer", "older"])
def test_a_new_file_is_made_at_a_path_without_links(
    on: System, fd: int, top: Path, kernel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> int:
        ctypes.set_errno(errno.ENOSYS)
        return -1

    if kernel == "older":
        monkeypatch.setattr(on, "_syscall", refused, raising=False)
    (top / "a").mkdir()
    (top / "way").symlink_to("a")
    os.close(on.create_below(fd, "a/new", 0o600))
    assert (top / "a" / "new").stat().st_mode & 0o777 == 0o600
    for path, number in [("a/new", errno.EEXIST), ("b/one", errno.ENOENT), ("way/c", errno.ELOOP)]:
        with pytest.raises(OSError) as error:
            on.create_below(fd, path, 0o600)
        assert error.value.errno == number
    monkeypatch.setattr(on, "line", 0)
    with pytest.raises(OSError) as error:
        on.create_below(fd, "a/kept back", 0o600)
    assert error.value.errno == errno.EMFILE
    assert os.listdir(top / "a") == ["new"]


class Syncs:
    """The calls that make a file durable, and the files that they were made for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[tuple[str, int]] = []
        self._monkeypatch = monkeypatch
        for name in ("fsync", "fdatasync"):
            monkeypatch.setattr(
                os, name, lambda fd, name=name: self.calls.append((name, fd)), raising=False
            )
        monkeypatch.delattr(fcntl, "F_FULLFSYNC", raising=False)

    def as_on_macos(self, error: int = 0) -> None:
        """There is no fdatasync, and a full sync, which may be refused."""

        def full(fd: int, command: int) -> None:
            if error:
                raise OSError(error, "refused")
            self.calls.append(("full", fd))

        self._monkeypatch.delattr(os, "fdatasync")
        self._monkeypatch.setattr(fcntl, "F_FULLFSYNC", 51, raising=False)
        self._monkeypatch.setattr(fcntl, "fcntl", full)


@pytest.fixture
def syncs(monkeypatch: pytest.MonkeyPatch) -> Syncs:
    return Syncs(monkeypatch)


def test_a_sync_reaches_the_disk(syncs: Syncs) -> None:
    on = System.portable()
    on.fsync(7)
    on.datasync(8)
    assert syncs.calls == [("fsync", 7), ("fdatasync", 8)]


def test_a_sync_on_macos_empties_the_disks_own_cache(syncs: Syncs) -> None:
    syncs.as_on_macos()
    on = System.portable()
    on.fsync(7)
    on.datasync(8)
    assert syncs.calls == [("full", 7), ("full", 8)]


def test_a_file_system_without_a_full_sync_gets_the_usual_one(syncs: Syncs) -> None:
    syncs.as_on_macos(errno.ENOTSUP)
    System.portable().fsync(7)
    assert syncs.calls == [("fsync", 7)]


def test_a_full_sync_that_fails_is_no_sync(syncs: Syncs) -> None:
    syncs.as_on_macos(errno.EIO)
    with pytest.raises(OSError, match="refused"):
        System.portable().fsync(7)
    assert syncs.calls == []


def test_a_file_system_without_hard_links_still_never_replaces(fd: int, top: Path) -> None:
    on = failing_in("portable", "link", errno.EPERM)
    (top / "file").write_text("file")
    (top / "taken").write_text("taken")
    with pytest.raises(FileExistsError):
        on.rename_noreplace(fd, "file", fd, "taken")
    on.rename_noreplace(fd, "file", fd, "free")
    assert {name: (top / name).read_text() for name in os.listdir(top)} == {
        "free": "file",
        "taken": "taken",
    }


def test_everything_is_written_although_the_kernel_takes_it_in_pieces(
    fd: int, top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda at, content, offset: real(at, content[:3], offset))
    on = system("portable")
    file = on.create(fd, "file")
    on.write(file, memoryview(b"0123456789"), 0)
    os.close(file)
    assert (top / "file").read_bytes() == b"0123456789"


@pytest.mark.usefixtures("synced")
def test_the_real_syncs_work(kind: str, fd: int, top: Path) -> None:
    on = System.portable() if kind == "portable" else System.choose()
    file = on.create(fd, "file")
    on.write(file, b"content", 0)
    on.datasync(file)
    on.fsync(file)
    on.fsync(fd)
    os.close(file)
    assert on.volume(fd).free > 0
    if not on.whole_sync:
        with pytest.raises(OSError, match="not implemented"):
            on.syncfs(fd)


def test_windows_is_told_plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(ProblemError, match="not supported on Windows"):
        System.choose()
