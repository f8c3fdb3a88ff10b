"""What may differ on the two sides of a job, whether a run would do something about it or not.

A job leaves alone what it has delivered. A person may still ask for all that differs now, and have
it delivered again. Listings may be older than what the last run brought, so of a delivered file it
is asked first whether the destination has it as it was delivered.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from cargo_sync.model import paths
from cargo_sync.model.actions import Action, Op
from cargo_sync.model.agreed import Agreed
from cargo_sync.model.entries import FILE, FOLDER, LINK, Entry
from cargo_sync.model.jobs import Mode
from cargo_sync.plan.one_way import JobView

GONE: Final = "gone there"
CHANGED: Final = "changed there"
NEVER: Final = "never sent"
HERE: Final = "changed here since"
OTHER_KIND: Final = "another kind is there"
WORDS: Final = (CHANGED, GONE, NEVER, HERE, OTHER_KIND)


class Doubt(NamedTuple):
    """One file or link that may differ.

    action     what it would be: a PUT can be delivered again; a LEAVE is brought by the next run,
               or a person must decide. Its `expected` is what was seen at the destination
    delivered  the destination's file as it was delivered, if the source is as it was then: it is
               looked for first
    sure       it differs if that is not there: to compare contents says nothing more
    """

    action: Action
    delivered: Entry | None
    sure: bool


def doubts(
    folder: str,
    source: Sequence[Entry],
    destination: Sequence[Entry],
    base: Sequence[Agreed],
    view: JobView,
    direction: Mode,
) -> Iterator[Doubt]:
    """What may differ of the files and links directly in `folder` that the source has."""
    if view.outside(folder):
        return
    there = {entry.name: entry for entry in destination}
    agreed = {row.name: row for row in base}
    for s in source:
        path, d, b = paths.join(folder, s.name), there.get(s.name), agreed.get(s.name)
        if s.kind == FOLDER or view.excluded(path, False):
            continue
        if s.kind == LINK and (d is None or (d.kind == LINK and d.target == s.target)):
            continue
        as_agreed = b is not None and view.is_source(b, s)
        why = GONE if d is None else CHANGED
        action = Action(Op.PUT, path, s, d, why, drifted=d is not None)
        if not as_agreed:
            action = action._replace(op=Op.LEAVE, why=NEVER if b is None else HERE)
        elif d is not None and d.kind == FOLDER:
            action = action._replace(op=Op.LEAVE, why=OTHER_KIND)
        delivered = _delivered(b, direction) if b is not None and as_agreed else None
        alike = d is not None and s.kind == d.kind == FILE and s.size == d.size
        yield Doubt(action, delivered, not alike)


def _delivered(row: Agreed, direction: Mode) -> Entry | None:
    """A file at the destination as it was delivered."""
    if row.kind != FILE:
        return None
    upload = direction is Mode.UPLOAD
    version, ident = (
        (row.far_version, row.far_ident) if upload else (row.near_version, row.near_ident)
    )
    return Entry(row.name, FILE, row.size, row.mtime_ns, row.mode, version, ident)
