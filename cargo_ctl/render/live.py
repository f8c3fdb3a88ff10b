"""A daemon's board as a picture for a terminal: bars, speeds, time left."""

from typing import Any

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from cargo_ctl.render.board import Board
from cargo_ctl.render.jobs import explained
from cargo_ctl.render.progress import moving, pace, progress
from cargo_ctl.render.words import escaped, percent, size

_COLOURS = {
    "synced": "green",
    "syncing": "cyan",
    "error": "red",
    "held": "yellow",
    "paused": "yellow",
}
_IN_FULL = ("error", "held")
"""States whose reason is shown in full, on several lines if needed."""
_BAR = 24
_MOST_TRANSFERS = 8


def picture(board: Board, now: float) -> RenderableType:
    """The overall state, a bar per job and per transfer, the last notices. `now`: unix seconds."""
    parts: list[RenderableType] = [_general(board)]
    if board.jobs:
        parts.append(_jobs(board, now))
    if board.transfers:
        parts.append(_transfers(board))
    parts += [Text(line, style="dim", no_wrap=True, overflow="ellipsis") for line in board.notices]
    return Group(*parts)


def _general(board: Board) -> Text:
    state = escaped(board.state.get("state", "waiting for messages"))
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(state, style=f"bold {_COLOURS.get(state, 'white')}")
    if moving(board.totals):
        text.append(f"  {progress(board.totals)}")
    return text


def _jobs(board: Board, now: float) -> Table:
    grid = Table.grid(padding=(0, 2))
    for name, job in sorted(board.jobs.items()):
        state, figures = escaped(job.get("state", "")), job.get("progress") or {}
        detail = ", ".join(pace(figures)) or explained(job, now)
        grid.add_row(
            Text(escaped(name)),
            Text(state, style=_COLOURS.get(state, "white")),
            *_bar(figures.get("bytes_done"), figures.get("bytes_total")),
            Text(detail, no_wrap=state not in _IN_FULL, overflow="ellipsis"),
        )
    return grid


def _transfers(board: Board) -> Table:
    grid = Table.grid(padding=(0, 2))
    for transfer in list(board.transfers.values())[:_MOST_TRANSFERS]:
        grid.add_row(
            Text("  " + escaped(transfer.get("path", "")), no_wrap=True, overflow="ellipsis"),
            *_bar(transfer.get("done"), transfer.get("size")),
            Text(", ".join([size(transfer.get("size") or 0), *pace(transfer)])),
        )
    return grid


def _bar(done: Any, total: Any) -> tuple[RenderableType, RenderableType]:
    if not total:
        return Text(" " * _BAR), Text("")
    return ProgressBar(total=total, completed=done or 0, width=_BAR), Text(
        percent(done or 0, total)
    )
