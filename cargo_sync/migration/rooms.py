"""The folder that a workspace is to get, and the room on disks."""

import os

from cargo_sync.config import places
from cargo_sync.config.fields import served_folder
from cargo_sync.local.lock import read_marker
from cargo_sync.local.root import Root
from cargo_sync.migration.parts import MovingState
from cargo_sync.migration.place import Room, spool_needs
from cargo_sync.migration.survey import Extent
from cargo_sync.model.paths import RESERVED
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.server.workspace.storage.in_buckets import SPOOL as BUCKET_SPOOL
from cargo_sync.server.workspace.storage.on_nodes import SPOOL


def must_be_usable(server: MovingState, id: int, target: str) -> None:
    """The new folder is missing or empty, or this move has begun in it. Raises ProblemError."""
    try:
        served_folder(target)
        places.not_reserved(target)
    except ValueError as error:
        raise ProblemError(Problem(Code.ROOT_GONE, str(error), retry=False)) from error
    names = os.listdir(target) if os.path.isdir(target) else []
    if not names:
        return
    move = server.moves.of(id)
    root = Root.open(target)
    try:
        marker = read_marker(root)
    finally:
        root.close()
    # A kill may have come before the marker was written.
    is_bare = marker is None and names == [RESERVED]
    if move is None or move.target != target or not (is_bare or marker == move.marker):
        raise ProblemError(not_empty(target))


def free_at(target: str, needed: int) -> Room:
    """The room of the new folder, which need not be there yet."""
    place = target if os.path.isdir(target) else os.path.dirname(target)
    found = os.statvfs(place)
    return Room("the folder", needed, found.f_bavail * found.f_frsize)


def spool_room(server: MovingState, live: Extent, in_bucket: bool) -> Room:
    """The room that contents need on their way."""
    place = server.settings.state_dir
    found = os.statvfs(place)
    own = os.path.join(server.own_folder, BUCKET_SPOOL)
    what = f"on the way, in {own if in_bucket else os.path.join(place, SPOOL)}"
    return Room(what, spool_needs(live), found.f_bavail * found.f_frsize)


def used(folder: str) -> int:
    """Bytes of the files in a folder, as far as it can be read."""
    size = 0
    for above, _, names in os.walk(folder):
        for name in names:
            try:
                size += os.lstat(os.path.join(above, name)).st_size
            except OSError:
                continue
    return size


def not_empty(target: str) -> Problem:
    """Why a folder cannot be the new one."""
    message = f"the folder {target!r} is not empty"
    hint = "name a new folder: its parent must exist"
    return Problem(Code.NOT_EMPTY, message, hint=hint, retry=False)
