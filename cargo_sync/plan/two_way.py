"""The two-way planner: near × far × base of one folder -> the steps in both directions.

`reconciliation` has the table for one path. This is about folders: a folder is deleted only when it
is empty. So its unchanged files go with it one by one; if something new or changed below it stays,
it stays too, and the next look brings both back. Until then nothing is brought into a folder that
is gone on a side, or where a file is in its place: it is *closed* in that direction. If what stays
is left out by the job, the folder is kept for it on that side alone (`model.agreed.ONE_SIDED`).

The planner sees one folder at a time, and decides nothing by what it saw before but by what the
caller says is closed. Swapping the sides swaps the plan, but for ties.
"""

from collections.abc import Callable, Iterator
from typing import Final

from cargo_sync.model import paths
from cargo_sync.model.actions import Action, Op
from cargo_sync.model.agreed import AgreedColumns
from cargo_sync.model.entries import DAMAGED, FOLDER, EntryColumns
from cargo_sync.model.jobs import Mode
from cargo_sync.plan.one_way import FolderPlan, plan_new, view_of
from cargo_sync.plan.reconciliation import Row, TwoWayPlan, TwoWayView, is_folder, reconcile

NOTHING_CLOSED: Final = frozenset[Mode]()


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
                reconcile(plan, row, row, view)
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
    reconcile(plan, row, known, view)
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
    near, far = is_folder(row.near), is_folder(row.far)
    if near == far or (row.base is not None and row.base.is_one_sided):
        return
    closed, steps = (plan.closed_up, plan.up) if near else (plan.closed_down, plan.down)
    made = steps.now[-1] if steps.now else None
    if made is None or (made.op, made.path) != (Op.MKDIR, row.path):
        closed.append(row.path)


def _without_closed(plan: TwoWayPlan, closed: frozenset[Mode]) -> TwoWayPlan:
    """The plan of a closed folder: it brings nothing into it, and closes what is below it."""
    kept = {Mode.UPLOAD: plan.up, Mode.DOWNLOAD: plan.down}
    postponed, unready = list(plan.postponed), list(plan.unready)
    for direction in closed:
        whole = kept[direction]
        now = [action for action in whole.now if action.op is Op.FORGET]
        postponed += [paths.name(one.path) for one in whole.now if one.op is not Op.FORGET]
        postponed += map(paths.name, whole.fresh.paths)
        postponed += whole.waiting
        unready += whole.waiting
        kept[direction] = FolderPlan(now, whole.later)
    return TwoWayPlan(
        kept[Mode.UPLOAD],
        kept[Mode.DOWNLOAD],
        plan.conflicts,
        plan.unproven,
        plan.closed_up,
        plan.closed_down,
        postponed,
        unready,
    )
