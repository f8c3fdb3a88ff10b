"""Reconciliation: what both sides have at one path, and what was agreed on -> the steps.

Theory. Base says what both sides last agreed on, so each side has changes of its own (`changes`).
What one side alone changed, the other side follows. What both changed in different ways is a
conflict, and no step touches it. The table is the same for both sides, but for ties, which the
server's side wins, because others see it already:

    one side     the other    step
    as agreed    as agreed    none; a damaged file of the server: PUT it again
    content      as agreed    PUT / MKDIR; LEAVE or ADOPT if both look the same
    metadata     as agreed    META, also where a hash must still prove it; a link: LEAVE
    gone         as agreed    DELETE, later
    gone         metadata     DELETE, later
    gone         content      FORGET, which is told as kept, and PUT / MKDIR back
    gone         gone         FORGET; told as DELETE if one was begun (GONE)
    folder kept  gone         none: it stays for what the job leaves out, and the job knows that
    folder kept  folder       META, its mode; LEAVE if both have the same
    content      metadata     PUT of the content; merged
    metadata     metadata     META; merged; ADOPT if both look the same
    content      content      the same content: as metadata and metadata; else CONFLICT
    left out     any          FORGET

"merged": time and mode are each as that side has it which changed it; if both did, as that with the
new content has it, or else the server. If no side has both, one side gets them by a META that is
not agreed on (MERGED), and the next look does the rest. What a server does not keep it has never
changed: a mode that it does not know, and a time that differs by less than its step.

"content" includes what is new, also at first contact, when there is no base. If both changed, or
one is gone and the other one changed, and only a hash can say how, the path is *unproven*: the
caller has both sides hashed, and asks again. If one side alone changed, it needs no proof here:
what may be the same is compared when it is executed (META, ADOPT).

If a side has a file (or a link) where the other one has a folder:

    the file is as agreed     MKDIR, later: the folder is new, and displaces the file
    the folder was agreed     DELETE of the folder, later: the file is new, and comes when the
                              folder is gone
    else                      CONFLICT

What is deleted without `propagate` is forgotten. Then it is new on one side, and comes back. At
first contact folders keep their own modes on each side.
"""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from cargo_sync.model import paths
from cargo_sync.model.abilities import Abilities
from cargo_sync.model.actions import NEW, Action, Op
from cargo_sync.model.agreed import GONE, ONE_SIDED, Agreed
from cargo_sync.model.entries import BY_UMASK, DAMAGED, FILE, FOLDER, LINK, PERMISSIONS, Entry
from cargo_sync.plan.changes import (
    Change,
    far_change,
    may_have_same_content,
    near_change,
    same_content,
)
from cargo_sync.plan.metadata import has_new_mode
from cargo_sync.plan.one_way import FOLLOWED, TOUCHED, FolderPlan, JobView

MERGED: Final = "both sides changed its time or mode"
"""Why a META gives a side a time and a mode that the other side has not."""
SAME: Final = "the same on both sides"
KEPT: Final = "gone on one side, changed on the other: kept"


class Row(NamedTuple):
    """One path: what both sides have there, and what they agreed on."""

    path: str
    near: Entry | None
    far: Entry | None
    base: Agreed | None


class Metadata(NamedTuple):
    """What a change without content may be about."""

    mtime_ns: int
    mode: int


@dataclass(frozen=True, slots=True)
class TwoWayView:
    """What the planner must know about its job: a view for each direction.

    Of a server's files `still` need only be asked if they are seen there while they are written.
    The filters, `propagate`, `excludes_some` and `server` are those of `up`.
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
    unready    of these, names that are not ready: what shall come of them is not known yet
    """

    up: FolderPlan = field(default_factory=FolderPlan)
    down: FolderPlan = field(default_factory=FolderPlan)
    conflicts: list[Action] = field(default_factory=list)
    unproven: list[Row] = field(default_factory=list)
    closed_up: list[str] = field(default_factory=list)
    closed_down: list[str] = field(default_factory=list)
    postponed: list[str] = field(default_factory=list)
    unready: list[str] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        """Whether the folder is settled."""
        steps = self.conflicts or self.unproven or self.postponed
        return self.up.empty and self.down.empty and not steps


class _Way(NamedTuple):
    """One direction of a path.

    steps   of this direction
    view    of this direction
    is_up   it leads to the server
    source  what is where it begins, and `there` where it ends
    change  of the source since base, and `change_there`
    """

    steps: FolderPlan
    view: JobView
    is_up: bool
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


def reconcile(plan: TwoWayPlan, row: Row, known: Row, view: TwoWayView) -> None:
    """Adds the steps of one path to `plan`.

    An agreement about a folder says nothing where both sides have no folder now, and the reverse.

    Args:
        plan: of its folder.
        row: what was seen; the steps have these entries.
        known: the same, with all hashes that are known.
        view: what the job says.
    """
    path, near, far, base = row
    if near is None and far is None:
        begun = base is not None and base.was_gone
        steps = plan.down if base is not None and base.far_version == GONE else plan.up
        why = FOLLOWED if begun else "gone on both sides"
        steps.now.append(Action(Op.FORGET, path, why=why))
        return
    sides = [entry for entry in (near, far) if entry is not None]
    if not any(is_folder(entry) == is_folder(base) for entry in sides) or (
        base is not None and base.is_one_sided and not all(map(is_folder, sides))
    ):
        base = None
    row, known = row._replace(base=base), known._replace(base=base)
    here, there = near_change(base, known.near), far_change(base, known.far)
    up = _Way(plan.up, view.up, True, near, far, here, there)
    down = _Way(plan.down, view.down, False, far, near, there, here)
    waiting = [way for way in (up, down) if way.waits(path)]
    for way in waiting:
        way.steps.waiting.append(paths.name(path))
    if waiting:
        return
    if near is None or far is None:
        _plan_lonely(plan, row, *((down, up) if near is None else (up, down)))
    elif is_folder(near) != is_folder(far):
        _plan_kinds(plan, row, *((up, down) if is_folder(near) else (down, up)))
    else:
        _plan_pair(plan, row, known, up, down)


def _plan_lonely(plan: TwoWayPlan, row: Row, way: _Way, back: _Way) -> None:
    """Only the source of `way` has an entry; it was deleted on the other side, or never there."""
    path, entry, base = row.path, way.source, row.base
    if base is not None and base.is_one_sided and way.change is not Change.CONTENT:
        return
    if base is not None and (way.change is Change.CONTENT or _is_damaged(entry)):
        way.steps.now.append(Action(Op.FORGET, path, None, entry, KEPT, drifted=True))
    if way.change is Change.CONTENT:
        assert entry is not None
        op = Op.MKDIR if entry.kind == FOLDER else Op.PUT
        way.steps.now.append(Action(op, path, entry, why=NEW))
    elif way.change is Change.UNPROVEN:
        plan.unproven.append(row)
    elif not _is_damaged(entry):
        _delete(back, path, base)


def _plan_kinds(plan: TwoWayPlan, row: Row, way: _Way, back: _Way) -> None:
    """The source of `way` is a folder, and there is a file or a link."""
    path, base = row.path, row.base
    if base is not None and base.kind == FOLDER:
        _delete(back, path, base)
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
        _plan_folders(row, up, down)
    elif _is_damaged(far):
        drifted = base is None or not base.far_is(far)
        up.steps.now.append(Action(Op.PUT, path, near, far, "damaged there", drifted))
    elif Change.NONE not in (up.change, down.change):
        _plan_both_changed(plan, row, known, up, down)
    elif up.change is not down.change:
        _follow(up if down.change is Change.NONE else down, path, base)


def _plan_folders(row: Row, up: _Way, down: _Way) -> None:
    """Both sides have a folder. Its own changes are its mode, and that it is another one."""
    path, near, far, base = row
    assert near is not None and far is not None
    if base is not None and base.is_one_sided and not near.same_mode(far):
        way = up if base.far_version == ONE_SIDED else down
        way.steps.now.append(Action(Op.META, path, way.source, way.there, "another mode"))
    elif down.change is not Change.NONE and has_new_mode(far, base, near):
        down.steps.now.append(Action(Op.META, path, far, near, "another mode"))
    elif up.change is not Change.NONE and has_new_mode(near, base, far):
        up.steps.now.append(Action(Op.META, path, near, far, "another mode"))
    elif base is None or not (base.near_is(near) and base.far_is(far)):
        way = down if base is not None and base.near_is(near) else up
        way.steps.now.append(Action(Op.LEAVE, path, way.source, way.there, SAME))


def _plan_both_changed(plan: TwoWayPlan, row: Row, known: Row, up: _Way, down: _Way) -> None:
    """Both sides have a file or a link, and neither is as agreed."""
    near, far = known.near, known.far
    assert near is not None and far is not None
    changes = (up.change, down.change)
    if Change.UNPROVEN in changes or may_have_same_content(near, far):
        plan.unproven.append(row)
    elif same_content(near, far):
        _plan_same(row, known, up, down)
    elif changes == (Change.CONTENT, Change.CONTENT):
        plan.conflicts.append(_conflict(known))
    elif up.change is Change.CONTENT:
        _put_merged(row, near, far, up, down)
    else:
        _put_merged(row, far, near, down, up)


def _put_merged(row: Row, source: Entry, there: Entry, way: _Way, back: _Way) -> None:
    """The source of `way` has another content; the other side another time or mode alone.

    What the source did not change of its own comes from the other side, before the content goes.
    """
    server = way.view.server
    near, far = (source, there) if way.is_up else (there, source)
    merged = merged_metadata(row.base, near, far, server, first=source)
    if source.kind != FILE or _has(source, merged, server):
        _put(way, row.path)
    else:
        _merge(back, row.path, source, merged)


def _merge(way: _Way, path: str, entry: Entry, merged: Metadata) -> None:
    """Gives what is where `way` ends this time and mode; the next look sees them as its own."""
    there = way.there
    assert there is not None
    source = there._replace(mtime_ns=merged.mtime_ns, mode=merged.mode, hash=entry.hash)
    way.steps.now.append(Action(Op.META, path, source, there, MERGED, hash=entry.hash))


def _plan_same(row: Row, known: Row, up: _Way, down: _Way) -> None:
    """Both sides changed, and have the same content, which is known."""
    path, near, far, base = row
    assert near is not None and far is not None and known.near is not None
    content, server = known.near.hash, up.view.server
    if near.kind == LINK:
        up.steps.now.append(Action(Op.LEAVE, path, near, far, SAME))
    elif server.same_time(near.mtime_ns, far.mtime_ns) and near.same_mode(far):
        up.steps.now.append(Action(Op.ADOPT, path, near, far, SAME, hash=content))
    else:
        merged = merged_metadata(base, near, far, server, first=far)
        way = down if _has(far, merged, server) else up
        if not (_has(far, merged, server) or _has(near, merged, server)):
            _merge(down, path, known.near, merged)
            return
        step = Action(Op.META, path, way.source, way.there, "another time or mode", hash=content)
        way.steps.now.append(step)


def merged_metadata(
    base: Agreed | None, near: Entry, far: Entry, server: Abilities, *, first: Entry
) -> Metadata:
    """The time and the mode of a file, each as one side has changed it.

    What both have changed is as the `first` of the two has it; so is all of it without an agreement
    about a file. What the server does not keep is as the local side has it.
    """
    known = base if base is not None and base.kind == FILE else None
    keeps_modes = far.mode != BY_UMASK
    if known is None:
        same_time = server.same_time(near.mtime_ns, far.mtime_ns)
        time, mode = (near if same_time else first), (first if keeps_modes else near)
        return Metadata(time.mtime_ns, mode.mode)
    here = near.mtime_ns != known.mtime_ns
    there = not server.same_time(far.mtime_ns, known.mtime_ns)
    time = first if here and there else far if there else near
    here = (near.mode ^ known.mode) & PERMISSIONS != 0
    there = keeps_modes and (far.mode ^ known.mode) & PERMISSIONS != 0
    mode = first if here and there else far if there else near
    return Metadata(time.mtime_ns, mode.mode)


def _has(entry: Entry, metadata: Metadata, server: Abilities) -> bool:
    """Whether a file has this time and this mode, as far as the server can say it."""
    same_mode = entry.mode == BY_UMASK or not (entry.mode ^ metadata.mode) & PERMISSIONS
    return server.same_time(entry.mtime_ns, metadata.mtime_ns) and same_mode


def _follow(way: _Way, path: str, base: Agreed | None) -> None:
    """The other side, which is as agreed, follows: a file or a link over one."""
    source, there = way.source, way.there
    assert source is not None and there is not None and base is not None
    if source.kind == FILE and way.change is not Change.CONTENT:
        way.steps.now.append(Action(Op.META, path, source, there, TOUCHED, hash=base.hash))
    elif way.view.server.same_face(source, there):
        same = source.kind == LINK or (same_content(source, there) and source.same_mode(there))
        way.steps.now.append(Action(Op.LEAVE if same else Op.ADOPT, path, source, there, SAME))
    else:
        _put(way, path)


def _put(way: _Way, path: str) -> None:
    way.steps.now.append(Action(Op.PUT, path, way.source, way.there, "changed"))


def _delete(way: _Way, path: str, base: Agreed | None) -> None:
    """What is gone where `way` begins goes where it ends, if deletions are propagated."""
    if way.view.propagate:
        content = base.hash if base is not None else ""
        why = "gone on the other side"
        step = Action(Op.DELETE, path, expected=way.there, why=why, hash=content)
        way.steps.later.append(step)
    else:
        why = "gone on the other side, comes back"
        way.steps.now.append(Action(Op.FORGET, path, why=why))


def _conflict(row: Row) -> Action:
    why = "new on both sides" if row.base is None else "changed on both sides"
    return Action(Op.CONFLICT, row.path, row.near, row.far, why)


def is_folder(entry: Entry | Agreed | None) -> bool:
    """Whether it is there, and a folder."""
    return entry is not None and entry.kind == FOLDER


def _is_damaged(entry: Entry | None) -> bool:
    return entry is not None and entry.hash == DAMAGED
