"""What stands at the destination where the source has a folder: a person has put a file there.

What was delivered in that folder is left alone then. But something new below it needs the folder:
the file is displaced, later and guarded, as by a folder that changed, and that is told.
"""

from collections.abc import Callable

from cargo_sync.model import paths
from cargo_sync.model.actions import Action, Op
from cargo_sync.model.entries import FOLDER, Entry

Sides = tuple[Entry | None, Entry | None]
"""What the source has at a path, and the destination."""


def obstacle(path: str, sides: Callable[[str], Sides]) -> Action | None:
    """The step that makes room for what could not be brought to `path`; None if nothing is known.

    Args:
        path: of a step that failed at the destination, because a folder above it is none.
        sides: says what was seen at a path.
    """
    for above in paths.upwards(paths.parent(path)):
        source, there = sides(above)
        if there is not None:
            if source is None or source.kind != FOLDER or there.kind == FOLDER:
                return None
            return Action(Op.MKDIR, above, source, there, "another kind is there", drifted=True)
    return None
