"""Where the files of a workload are: in memory if there is room, else on a disk.

A tmpfs counts each link as a file, and the system's own allows too few for the largest workloads.
As root, they get one of their own, which is unmounted at the end.
"""

import fcntl
import os
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.transfers.workloads import KIB, MIB, Workload

MEMORY: Final = Path("/dev/shm")
DISK: Final = Path("/var/tmp")
PAGE: Final = 4 * KIB
"""What a small file takes at least."""
ENTRY: Final = KIB // 2
"""What an inode or a name takes."""
_GET_FLAGS: Final = 0x80086601
_SET_FLAGS: Final = 0x40086602
_TOP: Final = 0x20000
"""FS_IOC_GETFLAGS, FS_IOC_SETFLAGS and FS_TOPDIR_FL: ioctl_iflags(2), `chattr +T`."""


def room(workload: Workload, tools: int) -> int:
    """Bytes that a workload needs at most: a source, copies, names and state."""
    on_disk = -(-workload.size // PAGE) * PAGE
    copies = 2 if workload.fresh else 3  # a tool that fills its targets has one for each direction
    return copies * workload.files * on_disk + names(workload, tools) * ENTRY + 256 * MIB


def names(workload: Workload, tools: int) -> int:
    """How many names it needs: each tool has links to all files on both sides, and a copy."""
    links = 2 if workload.fresh else 4
    return round(1.1 * workload.files * (2 + links * tools))


@contextmanager
def folder_for(workload: Workload, tools: int, on: Path | None, disk: Path) -> Iterator[Path]:
    """A folder with enough room; it is removed at the end, whatever happens.

    Args:
        workload: whose files it is for.
        tools: how many have files in it.
        on: a folder below which it shall be; None to choose one.
        disk: the same for a workload that is on a disk.
    """
    if workload.on_disk:
        on = disk
    needed = room(workload, tools)
    if on is None and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > needed:
        if os.statvfs(MEMORY).f_favail > names(workload, tools):
            on = MEMORY
        elif os.geteuid() == 0:
            with temporary(MEMORY) as folder, _mounted(folder, needed) as mounted:
                if mounted:
                    yield folder
                    return
    with temporary(on or Path(tempfile.gettempdir())) as folder:
        yield folder


@contextmanager
def temporary(on: Path) -> Iterator[Path]:
    """A folder that is removed at the end, whatever happens."""
    folder = Path(tempfile.mkdtemp(prefix="cargo-bench-", dir=on))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def spread(folder: Path) -> None:
    """Puts folders that will be made in `folder` far from each other on the disk, where it can.

    Then no tool has its files among those that others have just deleted.
    """
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        flags = bytearray(8)
        fcntl.ioctl(opened, _GET_FLAGS, flags)
        fcntl.ioctl(opened, _SET_FLAGS, struct.pack("l", struct.unpack("l", flags)[0] | _TOP))
    except OSError:
        return  # only ext4 knows it
    finally:
        os.close(opened)


@contextmanager
def _mounted(folder: Path, size: int) -> Iterator[bool]:
    """A tmpfs without a limit of names at `folder`; False if it cannot be mounted."""
    options = f"size={size},nr_inodes=0,mode=0700"
    mount = ["mount", "-t", "tmpfs", "-o", options, "cargo-bench", str(folder)]
    if subprocess.run(mount, capture_output=True).returncode:
        yield False
        return
    try:
        yield True
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
