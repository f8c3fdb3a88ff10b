"""Overwrites that a person has rejected: each is put off until its source changes."""

from cargo_sync.engine.context import JobMemory
from cargo_sync.model.jobs import Mode
from cargo_sync.model.world import Offload
from cargo_sync.state.holds import Rejected

PAGE = 1_000


async def forget_old(memory: JobMemory, direction: Mode, side: str, offload: Offload) -> None:
    """Forgets those whose source is gone or changed; all of it was seen just now."""
    after: str | None = ""
    while after is not None:
        after = await offload(_forget, memory, direction, side, after)


def _forget(memory: JobMemory, direction: Mode, side: str, after: str) -> str | None:
    """Those of the next page; returns the last path."""
    page = memory.holds.rejected_page(side, after, PAGE)
    gone = [one.path for one in page if not _is_there(memory, direction, one)]
    if gone:
        memory.holds.forget_rejected(side, gone)
    return page[-1].path if page else None


def _is_there(memory: JobMemory, direction: Mode, rejected: Rejected) -> bool:
    near, far, _ = memory.folders.entry(rejected.path)
    source = near if direction is Mode.UPLOAD else far
    return source is not None and (source.version, source.ident) == rejected[1:]
