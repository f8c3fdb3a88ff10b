"""What this process writes is not synced: a test would only wait for the disk.

Programs that tests start are as they are. A test about syncs has the fixture `synced`.
"""

import os
from typing import Final

import pytest

from cargo_sync.local.system import LinuxSystem
from cargo_sync.state.sqlite import database

_SYNCED: Final = "PRAGMA synchronous = FULL"
_OTHERS: Final = tuple(one for one in database._PRAGMAS if one != _SYNCED)
_UNSYNCED: Final = ("PRAGMA synchronous = OFF", *_OTHERS)
assert len(_UNSYNCED) == len(database._PRAGMAS)


def leave_out_syncs(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(database, "_PRAGMAS", _UNSYNCED)
    for name in {"fsync", "fdatasync"} & set(dir(os)):
        patch.setattr(os, name, _looked_at)
    patch.setattr(LinuxSystem, "syncfs", lambda _, fd: _looked_at(fd))


def _looked_at(fd: int) -> None:
    """Fails, as a sync does, where nothing is open."""
    os.fstat(fd)
