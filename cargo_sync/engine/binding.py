"""Binding: opens both sides, and checks that the base belongs to them."""

from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import NamedTuple

from cargo_sync.engine.commit import OnEvents
from cargo_sync.engine.context import JobMemory
from cargo_sync.machines.client_fence import Fence, FencedError, JobClient
from cargo_sync.machines.suspects import Suspects
from cargo_sync.model.abilities import Abilities
from cargo_sync.model.events import Event, EventDetails, Happened, groups
from cargo_sync.model.jobs import Identity, Mode, Rules
from cargo_sync.model.problems import (
    Code,
    Problem,
    ProblemError,
    server_restored,
    state_copied,
    state_restored,
)
from cargo_sync.model.world import World
from cargo_sync.plan.drop_box import unfit
from cargo_sync.state.jobs import Binding, JobRow
from cargo_sync.trees.contract import FarTree, Tree

_SIDES = {"near": "the local folder", "far": "the server's folder"}


class OpenedSides(NamedTuple):
    """Both sides are open.

    binding  what the base is bound to now
    cursor   the far side's cursor from which the survey continues
    afresh   all of the far side is listed: what was known of it is not true any more
    suspects what must be checked before the survey
    distinct the directions in which files go to a file system that does not tell some names apart
    no_xattrs  which sides are on a file system that keeps no extended attributes; "" for none
    server   what the far side keeps and can do
    """

    binding: Binding
    cursor: int
    afresh: bool
    suspects: Suspects | None
    distinct: tuple[Mode, ...]
    no_xattrs: str
    server: Abilities


async def open_sides(
    rules: Rules, near: Tree, far: FarTree, memory: JobMemory, world: World, on_events: OnEvents
) -> OpenedSides:
    """Opens both sides.

    If the base was agreed with another side, it is dropped: first contact begins again, which
    deletes nothing, and an event is recorded. If it is the same side in an older state, nobody
    knows which of the two is wanted: the base stays, and a person decides.

    Args:
        rules: the job's.
        near: the side on this machine.
        far: the server's side.
        memory: where the base is.
        world: clock and threads.
        on_events: called with that event.

    Raises:
        ProblemError: a side cannot be reached; one of FENCES; `write_only`.
    """
    job = await world.offload(memory.jobs.get_or_create, memory.name)
    local, remote = await near.open(), await _meet(far, job, memory, world)
    if remote.adds and (why := unfit(_SIDES["far"], rules.mode, propagate=rules.propagate)):
        raise ProblemError(why)
    binding = bind(local, remote, rules.mode)
    cursor, anew, afresh = job.far_cursor, binding != job.binding, True
    noted: list[Callable[[], object]] = []
    if job.binding is None:
        noted.append(partial(memory.jobs.bind, memory.name, binding))
        cursor = 0
    elif went_back := _why_fenced(job.binding, remote):
        raise ProblemError(server_restored(rules.name, went_back))
    elif reason := _why_unbound(job.binding, binding):
        event = Event(rules.name, Happened.RESET, world.wall(), details=EventDetails(reason))
        last = await world.offload(memory.jobs.bind, memory.name, binding, [event])
        on_events(groups([event], last))
        cursor, anew = 0, True
    elif job.far_cursor < remote.floor:
        # We were away for too long: the server does not list the deletions of that time any more,
        # so they only show in a full listing. The base stays, so that the plan has these deletions
        # and the guard counts them. At 0, a first listing was cut: what it stored may be gone.
        noted.append(partial(memory.jobs.mirror_anew, memory.name))
        cursor, anew = 0, True
    else:
        afresh = False
    if local.fresh or anew:
        memory.scope.everything()
    digest = repr((rules.mode, rules.include, rules.exclude, rules.propagate, rules.after))
    if job.rules != digest:
        noted.append(partial(memory.jobs.set_rules, memory.name, digest))
    if anew or job.untrue or job.rules != digest:
        more = await world.offload(_forget, memory, noted)
        while more:
            more = await world.offload(memory.folders.forget)
    folds = {Mode.UPLOAD: remote.folds, Mode.DOWNLOAD: local.folds}
    distinct = tuple(mode for mode in rules.mode.directions if folds[mode])
    lacking = [_SIDES[side] for side, one in (("near", local), ("far", remote)) if not one.xattrs]
    no_xattrs, server = " and ".join(lacking), remote.abilities
    return OpenedSides(binding, cursor, afresh, job.suspects, distinct, no_xattrs, server)


def _forget(memory: JobMemory, noted: Sequence[Callable[[], object]]) -> bool:
    """Notes what is not true any more, and writes the first rows that have it, all at once."""
    with memory.jobs.together():
        for note in noted:
            note()
        return memory.folders.forget()


async def _meet(far: FarTree, job: JobRow, memory: JobMemory, world: World) -> Identity:
    """Opens the far side, unless it has met a newer state of this job, or a copy of it."""
    if job.fence is not None:
        raise ProblemError(_fenced(job.name, job.fence))
    client = JobClient(job.client, job.starts, job.records, memory.process)
    try:
        return await far.open(job.far_cursor, job.far_newest, client)
    except FencedError as error:
        # It is stored, because the next start has a higher number, and would be let in.
        await world.offload(memory.jobs.set_fence, job.name, error.fence)
        raise ProblemError(_fenced(job.name, error.fence)) from error


def bind(near: Identity, far: Identity, mode: Mode) -> Binding:
    """The binding to these two sides in this mode."""
    return Binding(near.root, far.root, far.epoch, mode is Mode.BIDIRECTIONAL)


async def put_base_aside(
    rules: Rules,
    approved: Collection[Code],
    memory: JobMemory,
    world: World,
    on_events: OnEvents,
) -> None:
    """A person has approved that both sides are compared afresh, whatever the server has now.

    Args:
        rules: the job's.
        approved: what the person has seen: some of FENCES.
        memory: where the base is.
        world: clock and threads.
        on_events: called with the event that tells of it.
    """
    job = await world.offload(memory.jobs.get_or_create, memory.name)
    lifted = job.fence if job.fence is not None and job.fence.code in approved else None
    why = "the server was restored from an older state"
    if lifted is not None:
        why = f"the job's own state was {'copied' if lifted.elsewhere else 'restored'}"
    reason = f"{why}, and a person has approved: {_COMPARED}"
    event = Event(rules.name, Happened.RESET, world.wall(), details=EventDetails(reason))
    last = await world.offload(memory.jobs.unbind, memory.name, [event], lifted)
    on_events(groups([event], last))


def _fenced(job: str, fence: Fence) -> Problem:
    return state_copied(job) if fence.elsewhere else state_restored(job)


_COMPARED = "both sides are compared afresh, nothing is deleted"


def _why_fenced(before: Binding, far: Identity) -> str:
    """How the server went back since the base was agreed with it; "" if it did not."""
    if before.far != far.root:
        return ""  # the job's file names another folder now
    if before.epoch != far.epoch:
        return "the server's catalogue is a new one, without the history that this job has seen"
    if far.lost:
        return (
            "the server was restored from an older state, and lacks what this job has seen or "
            "changed there"
        )
    return ""


def _why_unbound(before: Binding, now: Binding) -> str:
    """Why the base does not belong to these sides; "" if it does."""
    changed = [
        words for side, words in _SIDES.items() if getattr(before, side) != getattr(now, side)
    ]
    if changed:
        return f"{' and '.join(changed)} is not the one of the last run: {_COMPARED}"
    if before.two_way != now.two_way:
        # A job in one direction leaves alone what people do with the copies. In both directions
        # their old deletions would be repeated.
        ways = "both directions" if now.two_way else "one direction"
        return f"the job goes in {ways} now: {_COMPARED}"
    return ""
