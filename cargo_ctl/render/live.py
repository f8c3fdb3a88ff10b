"""A daemon's board as a picture for a terminal: bars, speeds, time left."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from cargo_ctl.render.board import Board
from cargo_ctl.render.jobs import explained
from cargo_ctl.render.progress import moving, pace, progress
from cargo_ctl.render.words import count, escaped, percent, size

_COLOURS = {
    "synced": "green",
    "syncing": "cyan",
    "error": "red",
    "held": "yellow",
    "paused": "yellow",
}
_IN_FULL = ("error", "held")
"""States whose reason is shown in full, on several lines if there is room."""
_FIRST = ("error", "held", "syncing", "starting", "waiting", "paused", "synced", "disabled")
"""The order in which jobs are shown if not all of them fit."""
_BAR = 24
_MOST_TRANSFERS = 8
_FEWEST = 3
"""Jobs that are shown on the lowest of screens."""


def picture(board: Board, now: float, height: int) -> RenderableType:
    """The overall state, a bar per job and per transfer, the last notices.

    Args:
        board: what was reported.
        now: unix seconds.
        height: lines of the screen. Jobs that do not fit are counted; jobs that fail, are held or
            move files come first.
    """
    parts: list[RenderableType] = [_general(board)]
    transfers = list(board.transfers.values())
    below = min(len(transfers), _MOST_TRANSFERS) + (len(transfers) > _MOST_TRANSFERS)
    if board.jobs:
        room = max(_FEWEST, height - 1 - below - len(board.notices))
        parts.append(_jobs(board, now, room))
    if transfers:
        parts.append(_transfers(transfers))
    parts += [Text(line, style="dim", no_wrap=True, overflow="ellipsis") for line in board.notices]
    return Group(*parts)


def _general(board: Board) -> Text:
    state = escaped(board.state.get("state", board.waiting))
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(state, style=f"bold {_COLOURS.get(state, 'white' if board.state else 'yellow')}")
    if moving(board.totals):
        text.append(f"  {progress(board.totals)}")
    return text


def _jobs(board: Board, now: float, room: int) -> RenderableType:
    """The jobs in at most `room` lines, or a little more if reasons need several lines."""
    jobs = sorted(board.jobs.items())
    hidden: list[str] = []
    if len(jobs) > room:
        jobs.sort(key=lambda job: (_rank(job[1]), job[0]))
        hidden = [escaped(job.get("state", "")) for _, job in jobs[room - 1 :]]
        del jobs[room - 1 :]
    grid = Table.grid(padding=(0, 2))
    in_full = _IN_FULL if 2 * len(jobs) <= room else ()
    for name, job in jobs:
        state, figures = escaped(job.get("state", "")), job.get("progress") or {}
        detail = ", ".join(pace(figures)) or explained(job, now)
        grid.add_row(
            Text(escaped(name)),
            Text(state, style=_COLOURS.get(state, "white")),
            *_bar(figures.get("bytes_done"), figures.get("bytes_total")),
            Text(detail, no_wrap=state not in in_full, overflow="ellipsis"),
        )
    if not hidden:
        return grid
    states = ", ".join(f"{number:,} {state}" for state, number in Counter(hidden).items())
    more = Text(f"and {len(hidden):,} more: {states}", "dim", no_wrap=True, overflow="ellipsis")
    return Group(grid, more)


def _rank(job: Mapping[str, Any]) -> int:
    state = job.get("state")
    return _FIRST.index(state) if state in _FIRST else len(_FIRST)


def _transfers(transfers: Sequence[Mapping[str, Any]]) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    for transfer in transfers[:_MOST_TRANSFERS]:
        grid.add_row(
            Text("  " + escaped(transfer.get("path", "")), no_wrap=True, overflow="ellipsis"),
            *_bar(transfer.get("done"), transfer.get("size")),
            Text(", ".join([size(transfer.get("size") or 0), *pace(transfer)])),
        )
    if (more := len(transfers) - _MOST_TRANSFERS) <= 0:
        return grid
    return Group(grid, Text(f"  and {count(more, 'file')} more", style="dim"))


def _bar(done: Any, total: Any) -> tuple[RenderableType, RenderableType]:
    if not total:
        return Text(" " * _BAR), Text("")
    return ProgressBar(total=total, completed=done or 0, width=_BAR), Text(
        percent(done or 0, total)
    )
