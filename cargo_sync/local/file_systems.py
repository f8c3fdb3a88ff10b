"""Which file systems report each change to those who watch their folders.

Linux reports what is changed through its own system calls. A disk of this machine has no other
changes. What another machine changes on a network disk is not reported, nor what goes around
overlayfs and FUSE.
"""

import ctypes
import os
import struct
import sys
from typing import Final

_LOCAL: Final = frozenset(
    {
        0xEF53,  # ext2, ext3, ext4
        0x58465342,  # xfs
        0x9123683E,  # btrfs
        0xCA451A4E,  # bcachefs
        0xF2F52010,  # f2fs
        0x2FC12FC1,  # zfs
        0x3153464A,  # jfs
        0x52654973,  # reiserfs
        0x01021994,  # tmpfs
        0x858458F6,  # ramfs
        0x4D44,  # vfat
        0x2011BAB0,  # exfat
        0x7366746E,  # ntfs3
        0x482B,  # hfsplus
    }
)
"""The first field of statfs(2)."""


def tells_all(path: str) -> bool:
    """Whether the file system of a folder is known to report each change."""
    if sys.platform != "linux":
        return False
    buffer = ctypes.create_string_buffer(256)
    if ctypes.CDLL(None).statfs(os.fsencode(path), buffer) != 0:
        return False
    return struct.unpack_from("@l", buffer)[0] in _LOCAL
