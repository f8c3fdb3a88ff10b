import errno
import os
import re
import sys
from io import StringIO
from pathlib import Path
from subprocess import PIPE, Popen

import pytest

from cargo_sync.local import lock
from cargo_sync.local.lock import lock_root, marker, read_marker
from cargo_sync.local.root import Root
from cargo_sync.local.system import System
from cargo_sync.model.problems import ProblemError
from tests.local.systems import failing_in

TOKEN = "0123456789abcdef0123456789abcdef"


def refused(root: Root) -> str:
    with pytest.raises(ProblemError) as error:
        lock_root(root, "job other", leave_name=False)
    assert error.value.problem.code == "root_in_use"
    return error.value.problem.message


def test_a_root_has_one_owner(root: Root, top: Path, on: System) -> None:
    held = lock_root(root, "job 'photos'", leave_name=True)
    second = Root.open(str(top), on)
    assert f"in use by process {os.getpid()}, job 'photos'" in refused(second)
    held.release()
    lock_root(second, "job other", leave_name=False).release()
    second.close()


def test_a_root_that_we_only_read_is_locked_without_a_trace(
    root: Root, top: Path, on: System
) -> None:
    lock_root(root, "job a", leave_name=False)
    assert os.listdir(top) == []
    second = Root.open(str(top), on)
    assert re.search(r"in use by (another process of Cargo|process \d+)", refused(second))
    second.close()
    root.close()
    third = Root.open(str(top), on)
    lock_root(third, "job b", leave_name=False)
    third.close()
    root.fd = os.open(top, os.O_RDONLY)


def test_where_folders_cannot_be_locked_a_file_is(root: Root, top: Path, on: System) -> None:
    real = on.flock
    folders: set[int] = {root.fd}

    def flock(fd: int) -> None:
        if fd in folders:
            raise OSError(errno.EBADF, "only files are locked over NFS")
        real(fd)

    on.flock = flock  # type: ignore[method-assign]
    held = lock_root(root, "job a", leave_name=True)
    second = Root.open(str(top), on)
    folders.add(second.fd)
    assert "job a" in refused(second)
    held.release()
    lock_root(second, "job b", leave_name=True).release()
    second.close()


def test_a_read_only_root_that_cannot_be_locked_is_taken_all_the_same(top: Path, kind: str) -> None:
    on = failing_in(kind, "mkdir", errno.EROFS)

    def flock(fd: int) -> None:
        raise OSError(errno.EBADF, "only files are locked over NFS")

    on.flock = flock  # type: ignore[method-assign]
    root = Root.open(str(top), on)
    lock_root(root, "job a", leave_name=False).release()
    assert list(top.iterdir()) == []
    root.close()


def test_a_root_whose_lock_cannot_be_asked_for_is_not_taken(root: Root, on: System) -> None:
    def flock(fd: int) -> None:
        raise OSError(errno.EIO, "input/output error")

    on.flock = flock  # type: ignore[method-assign]
    with pytest.raises(ProblemError) as error:
        lock_root(root, "job a", leave_name=False)
    assert error.value.problem.code == "disk_error"


def test_a_holder_in_another_container_has_no_number(
    root: Root, top: Path, on: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = top.stat()
    place = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
    locked = lock_root(root, "job a", leave_name=False)
    second = Root.open(str(top), on)
    for number, named in (("4711", "process 4711"), ("-1", "another process of Cargo")):
        line = f"1: FLOCK  ADVISORY  WRITE {number} {place} 0 EOF\n"
        monkeypatch.setattr(lock, "open", lambda _, line=line: StringIO(line), raising=False)
        assert refused(second).endswith(f"in use by {named}")
    second.close()
    locked.release()


def test_a_holder_that_wrote_no_text_is_shown_all_the_same(
    root: Root, top: Path, on: System
) -> None:
    locked = lock_root(root, "job a", leave_name=True)
    [name] = os.listdir(top / ".cargo_sync")
    (top / ".cargo_sync" / name).write_bytes(b"process 7, \xff\xfe")
    second = Root.open(str(top), on)
    assert "process 7, " in refused(second)
    second.close()
    locked.release()


def test_a_marker_that_is_a_link_is_not_followed(root: Root, top: Path) -> None:
    (top / ".cargo_sync").mkdir()
    (top / "elsewhere").write_text(TOKEN)
    (top / ".cargo_sync" / "marker").symlink_to(top / "elsewhere")
    with pytest.raises(ProblemError) as error:
        read_marker(root)
    assert error.value.problem.code == "symlink"


def test_what_a_holder_wrote_is_shown_without_control_characters(
    root: Root, top: Path, on: System
) -> None:
    lock_root(root, "job \x1b[31mred", leave_name=True)
    second = Root.open(str(top), on)
    assert "\x1b" not in refused(second)
    second.close()


def test_a_marker_is_made_once_and_known_again(root: Root, top: Path) -> None:
    assert read_marker(root) is None
    assert os.listdir(top) == []
    assert marker(root, TOKEN) == TOKEN
    assert marker(root, TOKEN[::-1]) == TOKEN
    assert read_marker(root) == TOKEN
    file = top / ".cargo_sync" / "marker"
    assert file.read_text() == TOKEN + "\n"
    assert file.stat().st_mode & 0o777 == 0o600
    assert os.listdir(top / ".cargo_sync") == ["marker"]


def test_what_cannot_be_a_marker_is_not_replaced(root: Root, top: Path) -> None:
    (top / ".cargo_sync").mkdir()
    (top / ".cargo_sync" / "marker").write_text("something else")
    assert read_marker(root) is None
    with pytest.raises(ProblemError) as error:
        marker(root, TOKEN)
    assert error.value.problem.code == "bad_marker"
    assert (top / ".cargo_sync" / "marker").read_text() == "something else"


HOLDS = """
import fcntl, os, sys
fd = os.open(sys.argv[1], os.O_RDONLY)
fcntl.flock(fd, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(not os.path.exists("/proc/locks"), reason="only Linux says who holds a lock")
def test_a_folder_within_a_root_of_another_process_is_refused(top: Path) -> None:
    inner, beside = top / "a" / "b", top / "ab"
    for folder in (inner, beside, top / ".cargo_sync", inner / ".cargo_sync"):
        folder.mkdir(parents=True)
    for held, asked in ((top, inner), (inner, top), (inner, beside), (top / "a", inner)):
        command = [sys.executable, "-c", HOLDS, str(held)]
        with Popen(command, stdin=PIPE, stdout=PIPE, text=True) as other:
            assert other.stdin is not None and other.stdout is not None
            assert other.stdout.readline() == "held\n"
            root = Root.open(str(asked))
            if asked == beside or held == top / "a":  # it is not Cargo that holds top/a
                lock_root(root, "job", leave_name=False).release()
            else:
                words = f"overlaps with {str(held)!r}, which is in use by process {other.pid}"
                assert words in refused(root)
            root.close()
            other.stdin.close()
