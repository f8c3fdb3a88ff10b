"""What the rules of a direction know about the job, at one moment."""

from dataclasses import replace

from cargo_sync.engine.context import RunContext
from cargo_sync.model.jobs import After, Mode
from cargo_sync.plan.filters import Filters
from cargo_sync.plan.one_way import JobView, view_of


def view_now(context: RunContext, filters: Filters, direction: Mode, *, preview: bool) -> JobView:
    """The view of one direction from now on; see FolderPlanner.begin.

    Only local files are seen while they are written.
    """
    rules, memory = context.rules, context.memory
    wall, steady = context.world.wall(), context.world.steady()
    watched = direction is Mode.UPLOAD
    view = view_of(
        direction,
        excluded=filters.excluded,
        still=lambda path, entry: (
            not watched or memory.settling.is_still(path, entry, wall, steady)
        ),
        due=lambda path, entry: memory.failures.due(path, entry, steady),
        excludes_some=filters.excludes_some,
        ready=lambda entries: (
            not len(memory.failures) and (not watched or memory.settling.are_still(entries, wall))
        ),
        propagate=rules.propagate,
        retire=rules.after is not After.KEEP,
    )
    if preview:
        return replace(view, due=lambda path, entry: True, ready=lambda entries: False)
    return view
