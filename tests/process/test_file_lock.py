"""A lock that names its holder, and is free again after its holder ended in any way."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cargo_sync.process.file_lock import FileLock, LockedError

HOLD = """
import sys
from cargo_sync.process.file_lock import FileLock
lock = FileLock(sys.argv[1])
lock.sign()
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_holder_is_refused_and_told_the_first(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    first = FileLock(path)
    with pytest.raises(LockedError, match="process unknown"):
        FileLock(path)
    first.sign()
    with pytest.raises(LockedError, match=f"process {os.getpid()}"):
        FileLock(path)
    first.release()
    assert (tmp_path / "lock").read_bytes() == b""
    FileLock(path).release()


def test_a_killed_holder_leaves_no_lock_but_its_name(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with child:
        assert child.stdout is not None and child.stdout.readline() == b"held\n"
        with pytest.raises(LockedError, match=f"process {child.pid}"):
            FileLock(path)
        child.kill()
    lock = FileLock(path)
    assert lock.holder() == str(child.pid)
    lock.sign()
    assert lock.holder() == str(os.getpid())
    lock.close()


def test_a_link_is_never_followed(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic"):
        FileLock(str(tmp_path / "lock"))
    assert not (tmp_path / "elsewhere").exists()
