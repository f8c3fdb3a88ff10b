"""The one-way planner: base × source × destination of one folder -> the steps that bring it over.

Theory. Base says, for every path, what was delivered and which version either side had then. Only a
source that differs from base is a reason to act: what somebody did to the destination since is
their affair ("delivered is delivered") and is looked at only to know what a step would displace.
So:

    source       base           destination            step
    as in base   any            any                    none; RETIRE where delivered sources do not
                 stay
    differs      -              nothing there          PUT / MKDIR
    differs      -              looks the same         ADOPT (folders and links: LEAVE)
    differs      as in base     a file or link         PUT, displacing it
    differs      not as in base a file or link         PUT, displacing it; drifted, so that it is
                 told
    differs      -              another kind           PUT / MKDIR later, displacing it
    gone         none           any                    none
    gone         some           any                    FORGET, unless deletions are propagated; then
    gone         some           as in base             DELETE, later
    gone         some           nothing, or drifted    FORGET; a drifted one is kept, and that is
                 told
    left out     some           any                    FORGET

A folder that is left out takes everything below it along.
Additions may run at once. What deletes or changes a kind waits for the end of the survey and the
guard. The planner sees one folder at a time and keeps nothing between two of them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from cargo_sync.model import paths
from cargo_sync.model.actions import Action, Op
from cargo_sync.model.agreed import Agreed, Base
from cargo_sync.model.entries import FILE, FOLDER, LINK, Entry, Listing
from cargo_sync.model.jobs import Mode


@dataclass(frozen=True, slots=True)
class JobView:
    """What the planner must know of its job.

    is_source, is_destination  whether an entry of that side is still what was agreed
    excluded   (path, is_folder) -> left out
    still      (path, source entry) -> has been still long enough to be read
    due        (path, source entry) -> may be tried; False while a failed one waits for its next try
    propagate  deletions at the source are repeated
    retire     delivered files do not stay at the source
    """

    is_source: Callable[[Agreed, Entry], bool]
    is_destination: Callable[[Agreed, Entry], bool]
    excluded: Callable[[str, bool], bool]
    still: Callable[[str, Entry], bool] = lambda path, entry: True
    due: Callable[[str, Entry], bool] = lambda path, entry: True
    propagate: bool = False
    retire: bool = False


@dataclass(frozen=True, slots=True)
class FolderPlan:
    """The steps of one folder.

    now      may run at once: they touch unoccupied paths, or displace a file by its newer self
    later    wait for the end of the survey and the guard
    waiting  names that are not ready: still being written, or failed and not due again
    """

    now: list[Action] = field(default_factory=list)
    later: list[Action] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        return not (self.now or self.later or self.waiting)


def view_of(mode: Mode, **rest: object) -> JobView:
    """The view of a job that runs in `mode`."""
    near, far = Agreed.near_is, Agreed.far_is
    source, destination = (near, far) if mode is Mode.UPLOAD else (far, near)
    return JobView(source, destination, **rest)  # type: ignore[arg-type]


def plan_folder(
    folder: str, source: Listing, destination: Listing, base: Base, view: JobView
) -> FolderPlan:
    """The steps for the names that stand directly in `folder`; all three sorted by name."""
    plan = FolderPlan()
    shut = any(view.excluded(one, True) for one in paths.upwards(folder))
    for name, s, d, b in _merge(source, destination, base):
        path = paths.join(folder, name)
        kind = s.kind if s else b.kind if b else FILE
        if shut or view.excluded(path, kind == FOLDER):
            if b is not None:
                plan.now.append(Action(Op.FORGET, path, why="left out by a filter"))
        elif s is None:
            if b is not None:
                _gone(plan, path, d, b, view)
        elif b is None or not view.is_source(b, s):
            if not view.due(path, s) or (s.kind != FOLDER and not view.still(path, s)):
                plan.waiting.append(name)
            else:
                _differs(plan, path, s, d, b, view)
        elif view.retire and s.kind == FILE and b.hash:
            if view.due(path, s):
                plan.now.append(Action(Op.RETIRE, path, s, why="delivered", hash=b.hash))
            else:
                plan.waiting.append(name)
    return plan


def _differs(
    plan: FolderPlan, path: str, s: Entry, d: Entry | None, b: Agreed | None, view: JobView
) -> None:
    """The source is new, or not what was agreed."""
    op = Op.MKDIR if s.kind == FOLDER else Op.PUT
    why = "new" if b is None else "changed"
    if d is None:
        plan.now.append(Action(op, path, s, why=why))
        return
    drifted = b is None or not view.is_destination(b, d)
    if FOLDER in (s.kind, d.kind) and s.kind != d.kind:
        plan.later.append(Action(op, path, s, d, "another kind stands there", drifted))
    elif s.same_face(d):
        # Equal hashes need no second look, nor do folders and links: their face is all they are.
        agreed = s.kind in (FOLDER, LINK) or (s.hash and s.hash == d.hash and s.same_mode(d))
        op = Op.LEAVE if agreed else Op.ADOPT
        plan.now.append(Action(op, path, s, d, "the same on both sides", drifted))
    else:
        plan.now.append(Action(op, path, s, d, why if b else "differs", drifted))


def _gone(plan: FolderPlan, path: str, d: Entry | None, b: Agreed, view: JobView) -> None:
    """The source is not there any more."""
    if not view.propagate or d is None:
        plan.now.append(Action(Op.FORGET, path, why="gone at the source"))
    elif view.is_destination(b, d):
        plan.later.append(Action(Op.DELETE, path, expected=d, why="gone at the source"))
    else:
        plan.now.append(
            Action(Op.FORGET, path, expected=d, why="gone at the source, kept here", drifted=True)
        )


PlanRow = tuple[str, Entry | None, Entry | None, Agreed | None]


def _merge(source: Listing, destination: Listing, base: Base) -> Iterator[PlanRow]:
    """The three sorted sequences side by side, a name at a time."""
    if not destination and not base:
        for entry in source:
            yield entry.name, entry, None, None
        return
    there = {entry.name: entry for entry in destination}
    agreed = {row.name: row for row in base}
    names = {entry.name for entry in source}
    for entry in source:
        yield entry.name, entry, there.get(entry.name), agreed.get(entry.name)
    # What only base still knows comes last: nothing is concluded from what only the destination
    # holds.
    for row in base:
        if row.name not in names:
            yield row.name, None, there.get(row.name), row
