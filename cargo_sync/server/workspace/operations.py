"""What may be done to a workspace without content, and what came of it: values."""

from collections.abc import Sequence
from typing import NamedTuple

from cargo_sync.machines.own_changes import VersionRange
from cargo_sync.model.problems import Problem
from cargo_sync.model.xattrs import Xattrs


class Mkdir(NamedTuple):
    """Makes a folder at `path`. `expected` is the version that is replaced, 0 for nothing.

    mode  None for what the umask allows
    """

    path: str
    mode: int | None
    expected: int


class Delete(NamedTuple):
    """Moves the entry with version `expected` to the trash.

    seen  for a folder that is not empty: nothing in it may be newer than this version; None: it
          must be empty
    """

    path: str
    expected: int
    seen: int | None


class Move(NamedTuple):
    """Moves the entry with version `expected` to `to`, where nothing may be.

    seen  the client knows what is moved up to this version: if something below it is newer, its
          numbers in the feed are not told, so that the client reads all of it again
    """

    path: str
    to: str
    expected: int
    seen: int | None = None


class Exchange(NamedTuple):
    """The entries with these versions at `path` and `to` change places, in one step.

    Neither is below the other. `seen` is as in `Move`.
    """

    path: str
    to: str
    expected: int
    expected_to: int
    seen: int | None = None


class Meta(NamedTuple):
    """Gives the file or folder with version `expected` another time and mode; its content stays.

    mtime_ns  None for a folder, whose time is not kept
    xattrs    the extended attributes that the file gets; None: it keeps its own
    """

    path: str
    expected: int
    mode: int
    mtime_ns: int | None
    xattrs: Xattrs | None = None


Renaming = Move | Exchange
Operation = Mkdir | Delete | Renaming | Meta


class Done(NamedTuple):
    """What is at the path now.

    version, ident  of the row at the path; after a deletion it is a tombstone
    displaced       where in the trash the earlier entry is, or ""
    changed         of a move: its numbers in the feed, as far as they are known
    lacks_xattrs    the extended attributes could not be kept: it has none
    """

    version: int
    ident: int
    displaced: str = ""
    changed: Sequence[VersionRange] = ()
    lacks_xattrs: bool = False


OperationResult = Done | Problem
