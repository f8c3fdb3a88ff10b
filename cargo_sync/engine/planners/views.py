"""What the rules of a direction know about the job, at one moment."""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from cargo_sync.engine.context import RunContext
from cargo_sync.model.entries import Entry, EntryColumns
from cargo_sync.model.jobs import After, Mode
from cargo_sync.plan.filters import Filters
from cargo_sync.plan.one_way import JobView, view_of


def view_now(context: RunContext, filters: Filters, direction: Mode, *, preview: bool) -> JobView:
    """The view of one direction from now on; see FolderPlanner.begin."""
    rules, failures = context.rules, context.memory.failures
    steady, stillness = context.world.steady(), _stillness(context, direction)
    view = view_of(
        direction,
        excluded=filters.excluded,
        still=stillness.one,
        due=lambda path, entry: failures.due(path, entry, steady),
        excludes_some=filters.excludes_some,
        ready=lambda entries: not len(failures) and stillness.all(entries),
        propagate=rules.propagate,
        retire=rules.after is not After.KEEP,
        server=context.server(),
    )
    if preview:
        return replace(view, due=lambda path, entry: True, ready=lambda entries: False)
    return view


class _Stillness(NamedTuple):
    """Whether one file is still, and whether all files of a folder are; see JobView."""

    one: Callable[[str, Entry], bool]
    all: Callable[[EntryColumns], bool]


def _stillness(context: RunContext, direction: Mode) -> _Stillness:
    """Local files are seen while they are written, and those of some servers."""
    memory, settle = context.memory, context.rules.settle
    wall, steady = context.world.wall(), context.world.steady()
    if direction is Mode.UPLOAD:
        settling = memory.settling
        return _Stillness(
            lambda path, entry: settling.is_still(path, entry, wall, steady),
            lambda entries: settling.are_still(entries, wall),
        )
    if context.server().atomic:
        return _Stillness(lambda path, entry: True, lambda entries: True)
    looks = memory.two_looks
    return _Stillness(
        lambda path, entry: looks.is_still(path, entry, settle, wall, steady),
        lambda entries: looks.are_still(entries, settle, wall),
    )
