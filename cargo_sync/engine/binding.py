"""Binding: both sides are reached, and the base is checked against what stands there now."""

from typing import NamedTuple

from cargo_sync.engine.commit import OnEvents
from cargo_sync.engine.context import JobMemory
from cargo_sync.model.events import Event, EventDetails, Happened
from cargo_sync.model.jobs import Identity, Rules
from cargo_sync.model.world import World
from cargo_sync.state.jobs import Binding, JobRow
from cargo_sync.trees.contract import Tree

_SIDES = {
    "near": "the local folder",
    "far": "the server's folder",
    "epoch": "the server's catalogue",
}


class OpenedSides(NamedTuple):
    """Both sides, reached: what the base is bound to now, and the far cursor to go on from."""

    binding: Binding
    cursor: int


async def open_sides(
    rules: Rules, near: Tree, far: Tree, memory: JobMemory, world: World, on_events: OnEvents
) -> OpenedSides:
    """Opens both sides.

    A base that was agreed with something else is set aside: first contact begins again, which
    deletes nothing, and an event says so.

    Raises:
        ProblemError: a side is out of reach.
    """
    job = await world.offload(memory.jobs.get_or_create, memory.name)
    local, remote = await near.open(), await far.open(job.far_cursor)
    binding = bind(local, remote)
    cursor = job.far_cursor
    if job.binding is None:
        await world.offload(memory.jobs.bind, memory.name, binding)
        cursor = 0
    elif reason := _why_set_aside(job, binding, remote):
        await world.offload(memory.folders.forget_base)
        await world.offload(memory.folders.forget_far)
        await world.offload(memory.jobs.bind, memory.name, binding)
        event = Event(rules.name, Happened.RESET, world.wall(), details=EventDetails(reason))
        on_events([event], await world.offload(memory.folders.agree, [], [event]))
        cursor = 0
    elif 0 < job.far_cursor < remote.floor:
        # Away for too long: what was deleted there meanwhile is not told any more, but shows by its
        # absence from the whole. What was agreed stays, so that a deletion is one, and the guard
        # sees it.
        await world.offload(memory.folders.mirror_anew)
        cursor = 0
    digest = repr((rules.mode, rules.include, rules.exclude, rules.propagate, rules.after))
    if job.rules != digest:
        await world.offload(memory.folders.unsettle_all)
        await world.offload(memory.jobs.set_rules, memory.name, digest)
    return OpenedSides(binding, cursor)


def bind(near: Identity, far: Identity) -> Binding:
    return Binding(near.root, far.root, far.epoch)


def _why_set_aside(job: JobRow, now: Binding, far: Identity) -> str:
    """Why the base says nothing about these sides; "" when it does."""
    changed = [
        words for side, words in _SIDES.items() if getattr(job.binding, side) != getattr(now, side)
    ]
    if changed:
        return (
            f"{' and '.join(changed)} is not the one of the last run: "
            "both sides are compared afresh, nothing is deleted"
        )
    if far.sequence < job.far_cursor or far.lineage != job.far_lineage:
        return "the server was restored from an older state: both sides are compared afresh, nothing is deleted"
    return ""
