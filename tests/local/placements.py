"""All steps of publishing, for tests that need no lock; a result per file."""

from collections.abc import Sequence
from typing import NamedTuple

from cargo_sync.local.parts import Staged
from cargo_sync.local.publish import Placing, secure
from cargo_sync.local.staging import Staging
from cargo_sync.model.entries import Entry
from cargo_sync.model.problems import Problem


class Placement(NamedTuple):
    """A staged file, and the entry that must be at its place; None for an unoccupied path."""

    staged: Staged
    expected: Entry | None = None


class Placed(NamedTuple):
    """The result of a placement: the entry that is there now, or a problem.

    displaced, drifted  as in `publish.Aside`; "" if nothing was displaced
    """

    entry: Entry | None = None
    displaced: str = ""
    drifted: bool = False
    problem: Problem | None = None


def publish(staging: Staging, placements: Sequence[Placement], run: str) -> list[Placed]:
    """Calls `secure`, then `place`."""
    problems = secure(staging, [placement.staged for placement in placements])
    good = [item for item, problem in zip(placements, problems, strict=True) if problem is None]
    placed = iter(place(staging, good, run))
    return [next(placed) if problem is None else Placed(problem=problem) for problem in problems]


def place(staging: Staging, placements: Sequence[Placement], run: str) -> list[Placed]:
    """Renames, syncs and confirms."""
    placing = Placing(staging, run)
    staged = [placement.staged for placement in placements]
    placing.rename(staged, [placement.expected for placement in placements])
    placing.sync()
    published, problems = placing.confirm(staged)
    entries = iter(published.entries)
    results = []
    for number, one in enumerate(staged):
        aside = published.displaced.get(one.path)
        where = aside or ("", False)
        entry = None if number in problems else next(entries)
        results.append(Placed(entry, *where, problems.get(number)))
    return results
