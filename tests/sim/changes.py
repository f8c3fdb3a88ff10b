"""What people of one side changed in an epoch of a two-way job, and how that follows a rename."""

from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeVar

from cargo_sync.model import paths
from tests.sim.epoch import State

T = TypeVar("T")


class Change(NamedTuple):
    """How people of one side left a path, how often they changed it, and when.

    first, last  the moments: all between the same two runs have the same even number
    ident  of what they left there; 0: nothing
    """

    state: State
    times: int
    first: int
    last: int
    ident: int = 0

    def is_other_than(self, before: State) -> bool:
        """Whether people left something there that is another content or kind than before."""
        return self.state is not None and before is not None and self.state[:2] != before[:2]


Changes = dict[str, Change]


def relocate(
    some: dict[str, T], source: str, target: str, stays: Callable[[str, str], bool] | None = None
) -> set[str]:
    """What is known of paths at and below `source` is known of `target`; not what `stays`.

    Returns:
        The paths of which something is known from now on.
    """
    arrived = set()
    for path in [path for path in some if paths.is_below(path, source)]:
        now = target + path[len(source) :]
        if stays is None or not stays(path, now):
            some[now] = some.pop(path)
            arrived.add(now)
    return arrived


def inherit_gone(changes: Changes, moved: Iterable[tuple[str, str]]) -> None:
    """What was gone from a folder before people renamed it is gone at its new path too."""
    gone = {path: change for path, change in changes.items() if change.state is None}
    for source, target in moved:
        for path, change in gone.items():
            if path != source and paths.is_below(path, source):
                changes.setdefault(target + path[len(source) :], change)


def taken_by_others(
    before: dict[str, State], mine: Changes, theirs: Changes, source: str, target: str
) -> dict[str, State]:
    """What was at paths at and below `source`, where people put something else since.

    It is that other thing which a step renames to `target` then, and nothing of what was there
    before: people of the other side do not have that at `target`, and never had.

    Args:
        before: what was where when the epoch began.
        mine: what people changed on the side of the step.
        theirs: what people changed on the other side.
        source: the path from which a step renames something.
        target: the path to which it does.
    """
    found = {}
    for path, change in mine.items():
        if change.times < 2 or not paths.is_below(path, source):
            continue  # who changes a path once has not put something else there
        was, there = before.get(path), theirs.get(target + path[len(source) :])
        if change.is_other_than(was) and there is not None and there.is_other_than(was):
            found[path] = was
    return found
