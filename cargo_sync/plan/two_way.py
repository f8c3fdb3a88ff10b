"""The two-way planner: near × far × base of one folder -> the steps in both directions.

Theory. Base says what both sides last agreed on, so each side has changes of its own (`changes`).
What one side alone changed, the other side follows. What both changed in different ways is a
conflict, and no step touches it. The table is the same for both sides, but for ties, which the
server's side wins, because others see it already:

    one side     the other    step
    as agreed    as agreed    none; a damaged file of the server: PUT it again
    content      as agreed    PUT / MKDIR; LEAVE or ADOPT if both look the same
    metadata     as agreed    PUT of the file; LEAVE or ADOPT if both look the same
    gone         as agreed    DELETE, later
    gone         metadata     DELETE, later
    gone         content      FORGET, which is told as kept, and PUT / MKDIR back
    gone         gone         FORGET
    content      metadata     PUT of the content
    metadata     metadata     ADOPT; LEAVE for folders and links
    content      content      the same content: ADOPT or LEAVE; else CONFLICT
    left out     any          FORGET

If both changed, or one is gone and the other one changed, and only a hash can say how, the path is
*unproven*: the caller has both sides hashed, and asks `decide`. If one side alone changed, it needs
no proof: what looks the same is compared when it is executed (ADOPT).

"content" includes what is new, also at first contact, when there is no base. If a side has a file
(or a link) where the other one has a folder:

    the file is as agreed     MKDIR, later: the folder is new, and displaces the file
    the folder was agreed     DELETE of the folder, later: the file is new, and comes when the
                              folder is gone
    else                      CONFLICT

A folder goes only when it is empty. So its unchanged files go with it one by one; if something new
or changed below it stays, it stays too, and the next look brings both back. Until then nothing is
brought into a folder that is gone on a side, or where a file is in its place: it is *closed* in
that direction.

What is deleted without `propagate` is forgotten. Then it is new on one side, and comes back.

The planner sees one folder at a time, and decides nothing by what it saw before but by what the
caller says is closed. Swapping the sides swaps the plan, but for ties.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from cargo_sync.model import paths
from cargo_sync.model.actions import NEW, Action, Op
from cargo_sync.model.agreed import Agreed, AgreedColumns
from cargo_sync.model.entries import DAMAGED, FILE, FOLDER, LINK, Entry, EntryColumns
from cargo_sync.model.jobs import Mode
from cargo_sync.plan.changes import (
    Change,
    far_change,
    may_have_same_content,
    near_change,
    same_content,
)
from cargo_sync.plan.one_way import FolderPlan, JobView, plan_new, view_of

KEPT: Final = "gone on one side, changed on the other: kept"
NOTHING_CLOSED: Final = frozenset[Mode]()


class Row(NamedTuple):
    """One path: what both sides have there, and what they agreed on."""

    path: str
    near: Entry | None
    far: Entry | None
    base: Agreed | None


@dataclass(frozen=True, slots=True)
class TwoWayView:
    """What the planner must know about its job: a view for each direction.

    `still` is asked of `up` alone, because only local files are seen while they are written. The
    filters, `propagate` and `excludes_some` are those of `up`.
    """

    up: JobView
    down: JobView


@dataclass(frozen=True, slots=True)
class TwoWayPlan:
    """The steps of one folder.

    up, down   for each direction, as in a one-way job
    conflicts  CONFLICT: `source` is what is near, `expected` what is far
    unproven   files of which the hashes of both sides must be known: `decide` them then
    closed_up, closed_down  paths of folders into which nothing can be brought in this run, in this
               direction; the same is true below them
    postponed  names that wait for the next run, because their folder is closed
    """

    up: FolderPlan = field(default_factory=FolderPlan)
    down: FolderPlan = field(default_factory=FolderPlan)
    conflicts: list[Action] = field(default_factory=list)
    unproven: list[Row] = field(default_factory=list)
    closed_up: list[str] = field(default_factory=list)
    closed_down: list[str] = field(default_factory=list)
    postponed: list[str] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        """Whether the folder is settled."""
        steps = self.conflicts or self.unproven or self.postponed
        return self.up.empty and self.down.empty and not steps


def two_way_view(excluded: Callable[[str, bool], bool], **rest: object) -> TwoWayView:
    """The view of a two-way job; `rest`, but `still`, is the same for both directions."""
    up = view_of(Mode.UPLOAD, excluded, **rest)
    rest.pop("still", None)
    return TwoWayView(up, view_of(Mode.DOWNLOAD, excluded, **rest))


def plan_folder(
    folder: str,
    near: EntryColumns,
    far: EntryColumns,
    base: AgreedColumns,
    view: TwoWayView,
    closed: frozenset[Mode] = NOTHING_CLOSED,
) -> TwoWayPlan:
    """The steps for the names directly in `folder`; all three inputs are sorted by name.

    Args:
        folder: its path.
        near: the local listing; nothing if there is no such folder.
        far: the server's, likewise.
        base: what was agreed on in it.
        view: what the job says.
        closed: the directions in which `folder`, or one above it, is closed: those of
            `TwoWayPlan.closed_up` and `closed_down` of the folders above, planned before.
    """
    left_out = view.up.outside(folder)
    plan = None if left_out else _plan_together(folder, near, far, base, view)
    if plan is None:
        plan = TwoWayPlan()
        for row in _rows(folder, near, far, base):
            if left_out or _is_left_out(row, view):
                if row.base is not None:
                    plan.up.now.append(Action(Op.FORGET, row.path, why="left out by a filter"))
            else:
                _plan_row(plan, row, row, view)
                _close(plan, row)
    return _without_closed(plan, closed) if closed else plan


def decide(
    row: Row,
    near_hash: str,
    far_hash: str,
    view: TwoWayView,
    closed: frozenset[Mode] = NOTHING_CLOSED,
) -> TwoWayPlan:
    """The steps for one path that was unproven.

    Args:
        row: of `TwoWayPlan.unproven`.
        near_hash: BLAKE3 of the local file, hex; "" if there is none.
        far_hash: of the server's, likewise.
        view: what the job says.
        closed: the directions in which its folder is closed.
    """
    plan = TwoWayPlan()
    near, far = row.near, row.far
    known = row._replace(
        near=near and near._replace(hash=near_hash), far=far and far._replace(hash=far_hash)
    )
    _plan_row(plan, row, known, view)
    return _without_closed(plan, closed) if closed else plan


# -- a folder --------------------------------------------------------------------------------------


def _plan_together(
    folder: str, near: EntryColumns, far: EntryColumns, base: AgreedColumns, view: TwoWayView
) -> TwoWayPlan | None:
    """The steps without a look at each name, if all are new on one side, or none needs a step."""
    up, down = view.up, view.down
    if up.excludes_some(folder, near.names) or up.excludes_some(folder, far.names):
        return None
    if not base:
        if not far and near and up.ready(near):
            return TwoWayPlan(up=plan_new(folder, near))
        if not near and far and DAMAGED not in far.hashes and down.ready(far):
            return TwoWayPlan(down=plan_new(folder, far))
    settled = up.is_settled(base, near) and down.is_settled(base, far)
    return TwoWayPlan() if settled and DAMAGED not in far.hashes else None


def _rows(folder: str, near: EntryColumns, far: EntryColumns, base: AgreedColumns) -> Iterator[Row]:
    """One row for each name, in order."""
    here = {entry.name: entry for entry in near}
    there = {entry.name: entry for entry in far}
    agreed = {row.name: row for row in base}
    for name in sorted({**here, **there, **agreed}):
        yield Row(paths.join(folder, name), here.get(name), there.get(name), agreed.get(name))


def _is_left_out(row: Row, view: TwoWayView) -> bool:
    """Whether a filter leaves out what a side has; without any, what was agreed on."""
    kinds = {entry.kind == FOLDER for entry in (row.near, row.far) if entry}
    if not kinds and row.base:
        kinds = {row.base.kind == FOLDER}
    return any(view.up.excluded(row.path, is_folder) for is_folder in sorted(kinds))


def _close(plan: TwoWayPlan, row: Row) -> None:
    """Closes a folder that only one side has, unless it is made on the other one now."""
    near, far = _is_folder(row.near), _is_folder(row.far)
    if near == far:
        return
    closed, steps = (plan.closed_up, plan.up) if near else (plan.closed_down, plan.down)
    made = steps.now[-1] if steps.now else None
    if made is None or (made.op, made.path) != (Op.MKDIR, row.path):
        closed.append(row.path)


def _without_closed(plan: TwoWayPlan, closed: frozenset[Mode]) -> TwoWayPlan:
    """The plan of a closed folder: it brings nothing into it, and closes what is below it."""
    kept = {Mode.UPLOAD: plan.up, Mode.DOWNLOAD: plan.down}
    postponed = list(plan.postponed)
    for direction in closed:
        whole = kept[direction]
        now = [action for action in whole.now if action.op is Op.FORGET]
        postponed += [paths.name(one.path) for one in whole.now if one.op is not Op.FORGET]
        postponed += map(paths.name, whole.fresh.paths)
        kept[direction] = FolderPlan(now, whole.later, whole.waiting)
    return TwoWayPlan(
        kept[Mode.UPLOAD],
        kept[Mode.DOWNLOAD],
        plan.conflicts,
        plan.unproven,
        plan.closed_up,
        plan.closed_down,
        postponed,
    )


# -- a path ----------------------------------------------------------------------------------------


class _Way(NamedTuple):
    """One direction of a path.

    steps   of this direction
    view    of this direction
    source  what is where it begins, and `there` where it ends
    change  of the source since base, and `change_there`
    """

    steps: FolderPlan
    view: JobView
    source: Entry | None
    there: Entry | None
    change: Change
    change_there: Change

    def waits(self, path: str) -> bool:
        """Whether the source is not ready, although it is a reason to act."""
        entry = self.source
        if entry is None or (self.change is Change.NONE and not _is_damaged(self.there)):
            return False
        ready = self.view.due(path, entry) and (
            entry.kind == FOLDER or self.view.still(path, entry)
        )
        return not ready


def _plan_row(plan: TwoWayPlan, row: Row, known: Row, view: TwoWayView) -> None:
    """The table. `known` is the row with all hashes that are known; steps have the entries as seen.

    An agreement about a folder says nothing where both sides have no folder now, and the reverse.
    """
    path, near, far, base = row
    if near is None and far is None:
        plan.up.now.append(Action(Op.FORGET, path, why="gone on both sides"))
        return
    if not any(entry and _is_folder(entry) == _is_folder(base) for entry in (near, far)):
        base = None
    row, known = row._replace(base=base), known._replace(base=base)
    here, there = near_change(base, known.near), far_change(base, known.far)
    up = _Way(plan.up, view.up, near, far, here, there)
    down = _Way(plan.down, view.down, far, near, there, here)
    waiting = [way for way in (up, down) if way.waits(path)]
    for way in waiting:
        way.steps.waiting.append(paths.name(path))
    if waiting:
        return
    if near is None or far is None:
        _plan_lonely(plan, row, *((down, up) if near is None else (up, down)))
    elif _is_folder(near) != _is_folder(far):
        _plan_kinds(plan, row, *((up, down) if _is_folder(near) else (down, up)))
    else:
        _plan_pair(plan, row, known, up, down)


def _plan_lonely(plan: TwoWayPlan, row: Row, way: _Way, back: _Way) -> None:
    """Only the source of `way` has an entry; it was deleted on the other side, or never there."""
    path, entry, base = row.path, way.source, row.base
    if base is not None and (way.change is Change.CONTENT or _is_damaged(entry)):
        way.steps.now.append(Action(Op.FORGET, path, None, entry, KEPT, drifted=True))
    if way.change is Change.CONTENT:
        assert entry is not None
        op = Op.MKDIR if entry.kind == FOLDER else Op.PUT
        way.steps.now.append(Action(op, path, entry, why=NEW))
    elif way.change is Change.UNPROVEN:
        plan.unproven.append(row)
    elif not _is_damaged(entry):
        _delete(back, path)


def _plan_kinds(plan: TwoWayPlan, row: Row, way: _Way, back: _Way) -> None:
    """The source of `way` is a folder, and there is a file or a link."""
    path, base = row.path, row.base
    if base is not None and base.kind == FOLDER:
        _delete(back, path)
    elif base is None or way.change_there is Change.CONTENT:
        plan.conflicts.append(_conflict(row))
    elif way.change_there is Change.UNPROVEN:
        plan.unproven.append(row)
    else:
        why = "another kind is there"
        way.steps.later.append(Action(Op.MKDIR, path, way.source, way.there, why))


def _plan_pair(plan: TwoWayPlan, row: Row, known: Row, up: _Way, down: _Way) -> None:
    """Both sides have a folder, or both have a file or a link."""
    path, near, far, base = row
    assert near is not None and far is not None
    if near.kind == FOLDER:
        if base is None or not (base.near_is(near) and base.far_is(far)):
            up.steps.now.append(_the_same(row, Op.LEAVE))
    elif _is_damaged(far):
        drifted = base is None or not base.far_is(far)
        up.steps.now.append(Action(Op.PUT, path, near, far, "damaged there", drifted))
    elif Change.NONE not in (up.change, down.change):
        _plan_both_changed(plan, row, known, up, down)
    elif up.change is not down.change:
        _follow(up if down.change is Change.NONE else down, path)


def _plan_both_changed(plan: TwoWayPlan, row: Row, known: Row, up: _Way, down: _Way) -> None:
    """Both sides have a file or a link, and neither is as agreed."""
    near, far = known.near, known.far
    assert near is not None and far is not None
    changes = (up.change, down.change)
    if Change.UNPROVEN in changes or may_have_same_content(near, far):
        plan.unproven.append(row)
    elif same_content(near, far):
        up.steps.now.append(_the_same(row, Op.ADOPT if near.kind == FILE else Op.LEAVE, far.hash))
    elif changes == (Change.CONTENT, Change.CONTENT):
        plan.conflicts.append(_conflict(known))
    else:
        _put(up if up.change is Change.CONTENT else down, row.path)


def _follow(way: _Way, path: str) -> None:
    """The other side follows what the source of `way` has: a file or a link over one."""
    source, there = way.source, way.there
    assert source is not None and there is not None
    if not source.same_face(there):
        _put(way, path)
        return
    same = source.kind == LINK or (same_content(source, there) and source.same_mode(there))
    op = Op.LEAVE if same else Op.ADOPT
    way.steps.now.append(Action(op, path, source, there, "the same on both sides"))


def _put(way: _Way, path: str) -> None:
    way.steps.now.append(Action(Op.PUT, path, way.source, way.there, "changed"))


def _delete(way: _Way, path: str) -> None:
    """What is gone where `way` begins goes where it ends, if deletions are propagated."""
    if way.view.propagate:
        step = Action(Op.DELETE, path, expected=way.there, why="gone on the other side")
        way.steps.later.append(step)
    else:
        why = "gone on the other side, comes back"
        way.steps.now.append(Action(Op.FORGET, path, why=why))


def _the_same(row: Row, op: Op, content: str = "") -> Action:
    return Action(op, row.path, row.near, row.far, "the same on both sides", hash=content)


def _conflict(row: Row) -> Action:
    why = "new on both sides" if row.base is None else "changed on both sides"
    return Action(Op.CONFLICT, row.path, row.near, row.far, why)


def _is_folder(entry: Entry | Agreed | None) -> bool:
    return entry is not None and entry.kind == FOLDER


def _is_damaged(entry: Entry | None) -> bool:
    return entry is not None and entry.hash == DAMAGED
