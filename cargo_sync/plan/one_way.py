"""The one-way planner: base × source × destination of one folder -> the steps to do.

Theory. For each path, base says what was delivered and which version both sides had then. Only a
source that differs from base is a reason to act. A destination that changed since then is left as
it is ("delivered is delivered"). It matters only for what a step would displace. So:

    source      base  destination           step
    as in base  any   damaged               PUT, displaces it
    as in base  any   any                   none; RETIRE if delivered files do not stay
    differs     any   no entry              PUT / MKDIR
    as big      yes   file, as in base      META: the content is compared first
    folder back yes   any                   FORGET, then as without base
    other mode  yes   folder                META
    differs     any   looks the same        ADOPT (folders and links: LEAVE)
    differs     any   file, as in base      PUT, displaces it
    differs     any   file, not as in base  PUT, displaces it; drifted, which is reported
    differs     any   another kind          PUT / MKDIR, later, displaces it; a folder is reported
    gone        no    any                   none
    gone        yes   any                   FORGET, unless deletions are propagated; then:
    gone        yes   as in base            DELETE, later
    gone        yes   no entry              FORGET; told as DELETE if one was begun (GONE)
    gone        yes   not as in base        FORGET; the entry is kept, which is reported
    left out    yes   any                   FORGET

A source that was seen to be gone, and is back, differs from base, also if it is as it was: the
destination may have followed already (`model.agreed.GONE`). "folder back" is such a folder.
"file" means a file or a link; "as big" is a file that has the size of base. If a folder is left
out, everything below it is left out too.
Additions may run at once. Deletions and changes of kind wait for the end of the survey and for the
guard. The planner sees one folder at a time and decides nothing by what it saw before.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import Final

from cargo_sync.model import paths
from cargo_sync.model.abilities import CARGO, Abilities
from cargo_sync.model.actions import NEW, Action, Op, Puts
from cargo_sync.model.agreed import Agreed, AgreedColumns, far_as_agreed, near_as_agreed
from cargo_sync.model.entries import DAMAGED, FILE, FOLDER, LINK, Entry, EntryColumns
from cargo_sync.model.jobs import Mode
from cargo_sync.plan.folder_chain import FolderChain
from cargo_sync.plan.metadata import has_new_mode, may_be_as_delivered

TOUCHED: Final = "compared first"
"""Why a file is compared with what was delivered."""
FOLLOWED: Final = "the run that began to delete or rename it was cut; it is gone"
"""Why a DELETE or a MOVE of which no outcome is known is told as a deletion."""
BACK: Final = "was gone, and is back"
"""Why a folder and all that is in it are compared afresh."""


@dataclass(frozen=True, slots=True)
class JobView:
    """What the planner must know about its job.

    is_source, is_destination  whether an entry of that side is still what was agreed
    is_settled (base, source listing) -> the source has the same names, and each is as agreed
    excluded   (path, is_folder) -> is left out
    excludes_some  (folder, names) -> some of them may be left out
    outside    (folder) -> it, or a folder above it, is left out
    still      (path, source entry) -> has been unchanged for long enough to be read
    due        (path, source entry) -> may be tried; False while it waits after a failure
    ready      (source entries) -> all are still and due; False: ask for each
    propagate  deletions at the source are repeated
    retire     delivered files do not stay at the source
    server     what the far side keeps: two times may be one time there
    """

    is_source: Callable[[Agreed, Entry], bool]
    is_destination: Callable[[Agreed, Entry], bool]
    is_settled: Callable[[AgreedColumns, EntryColumns], bool]
    excluded: Callable[[str, bool], bool]
    outside: Callable[[str], bool]
    still: Callable[[str, Entry], bool] = lambda path, entry: True
    due: Callable[[str, Entry], bool] = lambda path, entry: True
    excludes_some: Callable[[str, Sequence[str]], bool] = lambda folder, names: True
    ready: Callable[[EntryColumns], bool] = lambda entries: False
    propagate: bool = False
    retire: bool = False
    server: Abilities = CARGO


NOTHING_FRESH: Final = Puts([], EntryColumns.nothing())


@dataclass(frozen=True, slots=True)
class FolderPlan:
    """The steps of one folder.

    now      may run at once: they use unoccupied paths, or replace a file by its newer version
    fresh    of these, the files of a folder in which all is new
    later    wait for the end of the survey and for the guard
    waiting  names that are not ready: still being written, or failed and not due yet
    """

    now: list[Action] = field(default_factory=list)
    later: list[Action] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    fresh: Puts = NOTHING_FRESH

    @property
    def empty(self) -> bool:
        return not (self.now or self.later or self.waiting or self.fresh)


def view_of(mode: Mode, excluded: Callable[[str, bool], bool], **rest: object) -> JobView:
    """The view of a job that runs in `mode`."""
    near, far = Agreed.near_is, Agreed.far_is
    source, destination, settled = near, far, near_as_agreed
    if mode is Mode.DOWNLOAD:
        source, destination, settled = far, Agreed.stays_near, far_as_agreed
    outside = FolderChain(False, lambda above, folder: above or excluded(folder, True))
    return JobView(source, destination, settled, excluded, outside, **rest)  # type: ignore[arg-type]


def plan_folder(
    folder: str,
    source: EntryColumns,
    destination: EntryColumns,
    base: AgreedColumns,
    view: JobView,
) -> FolderPlan:
    """The steps for the names directly in `folder`; all three inputs are sorted by name."""
    folder_excluded = view.outside(folder)
    plan = None if folder_excluded else _plan_together(folder, source, destination, base, view)
    return plan or _plan_each(folder, source, destination, base, view, folder_excluded)


def _plan_each(
    folder: str,
    source: EntryColumns,
    destination: EntryColumns,
    base: AgreedColumns,
    view: JobView,
    folder_excluded: bool,
) -> FolderPlan:
    plan = FolderPlan()
    for name, s, d, b in _merge(source, destination, base):
        path = paths.join(folder, name)
        kind = s.kind if s else b.kind if b else FILE
        if folder_excluded or view.excluded(path, kind == FOLDER):
            if b is not None:
                plan.now.append(Action(Op.FORGET, path, why="left out by a filter"))
        elif s is None:
            if b is not None:
                _gone(plan, path, d, b, view)
        elif b is None or not view.is_source(b, s) or (d is not None and d.hash == DAMAGED):
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


def _plan_together(
    folder: str,
    source: EntryColumns,
    destination: EntryColumns,
    base: AgreedColumns,
    view: JobView,
) -> FolderPlan | None:
    """The same steps, without a look at each name, if all are new or none needs a step."""
    if view.excludes_some(folder, source.names):
        return None
    if not destination and not base and view.ready(source):
        return plan_new(folder, source)
    if view.retire or DAMAGED in destination.hashes:
        return None
    return FolderPlan() if view.is_settled(base, source) else None


def plan_new(folder: str, source: EntryColumns) -> FolderPlan:
    """The steps of a folder in which all is new."""
    if FOLDER not in source.kinds:
        return FolderPlan(fresh=Puts.fresh(folder, source))
    made = [
        Action(Op.MKDIR, paths.join(folder, entry.name), entry, None, NEW)
        for entry in source
        if entry.kind == FOLDER
    ]
    files = [kind != FOLDER for kind in source.kinds]
    fresh = EntryColumns(*(list(compress(column, files)) for column in source.columns()))
    return FolderPlan(made, fresh=Puts.fresh(folder, fresh))


def _differs(
    plan: FolderPlan, path: str, s: Entry, d: Entry | None, b: Agreed | None, view: JobView
) -> None:
    """The source is new, or not what was agreed."""
    if b is not None and b.was_gone and FOLDER in (s.kind, b.kind):
        # What was below it at the destination may have gone with it: nothing of it is delivered.
        plan.now.append(Action(Op.FORGET, path, why=BACK))
        b = None
    op = Op.MKDIR if s.kind == FOLDER else Op.PUT
    why = NEW if b is None else "changed"
    if d is None:
        plan.now.append(Action(op, path, s, why=why))
        return
    drifted = b is None or not view.is_destination(b, d)
    if FOLDER in (s.kind, d.kind) and s.kind != d.kind:
        drifted = drifted or d.kind == FOLDER  # it may hold files that the job never delivered
        plan.later.append(Action(op, path, s, d, "another kind is there", drifted))
    elif d.hash == DAMAGED:
        plan.now.append(Action(op, path, s, d, "damaged there", drifted))
    elif b is not None and may_be_as_delivered(s, b) and d.kind == FILE and not drifted:
        plan.now.append(Action(Op.META, path, s, d, TOUCHED, hash=b.hash))
    elif has_new_mode(s, b, d):
        plan.now.append(Action(Op.META, path, s, d, "another mode", drifted))
    elif view.server.same_face(s, d):
        # Equal hashes need no check of the content. Folders and links have no other content.
        agreed = s.kind in (FOLDER, LINK) or (s.hash and s.hash == d.hash and s.same_mode(d))
        op = Op.LEAVE if agreed else Op.ADOPT
        plan.now.append(Action(op, path, s, d, "the same on both sides", drifted))
    else:
        plan.now.append(Action(op, path, s, d, why if b else "differs", drifted))


def _gone(plan: FolderPlan, path: str, d: Entry | None, b: Agreed, view: JobView) -> None:
    """The source does not exist any more."""
    if not view.propagate or d is None:
        why = FOLLOWED if view.propagate and b.was_gone else "gone at the source"
        plan.now.append(Action(Op.FORGET, path, why=why))
    elif view.is_destination(b, d):
        step = Action(Op.DELETE, path, expected=d, why="gone at the source", hash=b.hash)
        plan.later.append(step)
    else:
        plan.now.append(
            Action(Op.FORGET, path, expected=d, why="gone at the source, kept here", drifted=True)
        )


PlanRow = tuple[str, Entry | None, Entry | None, Agreed | None]


def _merge(
    source: EntryColumns, destination: EntryColumns, base: AgreedColumns
) -> Iterator[PlanRow]:
    """Yields the three sorted sequences side by side, one name at a time."""
    if not destination and not base:
        for entry in source:
            yield entry.name, entry, None, None
        return
    there = {entry.name: entry for entry in destination}
    agreed = {row.name: row for row in base}
    names = {entry.name for entry in source}
    for entry in source:
        yield entry.name, entry, there.get(entry.name), agreed.get(entry.name)
    # Names that only base knows come last. Names that only the destination has are skipped: they
    # are no reason to act.
    for row in base:
        if row.name not in names:
            yield row.name, None, there.get(row.name), row
