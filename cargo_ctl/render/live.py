"""A daemon's board as a picture for a terminal: bars, speeds, time left."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from cargo_ctl.render.bars import BarRow, bars
from cargo_ctl.render.board import Board
from cargo_ctl.render.jobs import explained
from cargo_ctl.render.progress import fitting, moving, pace, parts
from cargo_ctl.render.words import count, escaped, size

_COLOURS = {
    "synced": "green",
    "syncing": "cyan",
    "error": "red",
    "held": "yellow",
    "paused": "yellow",
}
_IN_FULL = ("error", "held")
"""States whose reason is shown in full, on several lines if there is room."""
FIRST = ("error", "held", "syncing", "starting", "waiting", "paused", "synced", "disabled")
"""States in the order of need: what a person must look at, what moves, what rests."""
_MOST_TRANSFERS = 8
_FEWEST = 3
"""Jobs that are shown on the lowest of screens."""


def picture(board: Board, now: float, height: int, width: int) -> RenderableType:
    """The overall state, a bar per job and per transfer, the last notices.

    Args:
        board: what was reported.
        now: unix seconds.
        height: lines of the screen. Jobs that do not fit are counted; jobs that fail, are held or
            move files come first.
        width: cells of a line.
    """
    lines: list[RenderableType] = [_general(board, width)]
    transfers = list(board.transfers.values())
    below = min(len(transfers), _MOST_TRANSFERS) + (len(transfers) > _MOST_TRANSFERS)
    if board.jobs:
        room = max(_FEWEST, height - 1 - below - len(board.notices))
        lines.append(_jobs(board, now, room, width))
    if transfers:
        lines.append(_transfers(transfers, width))
    lines += [Text(line, style="dim", no_wrap=True, overflow="ellipsis") for line in board.notices]
    return Group(*lines)


def _general(board: Board, width: int) -> Text:
    state = escaped(board.state.get("state", board.waiting))
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(state, style=f"bold {_COLOURS.get(state, 'white' if board.state else 'yellow')}")
    if moving(board.totals):
        text.append(f"  {fitting(parts(board.totals), width - text.cell_len - 2)}")
    return text


def _jobs(board: Board, now: float, room: int, width: int) -> RenderableType:
    """The jobs in at most `room` lines, or a little more if reasons need several lines."""
    jobs = sorted(board.jobs.items())
    hidden: list[str] = []
    if len(jobs) > room:
        jobs.sort(key=lambda job: (need(job[1]), job[0]))
        hidden = [escaped(job.get("state", "")) for _, job in jobs[room - 1 :]]
        del jobs[room - 1 :]
    in_full = _IN_FULL if 2 * len(jobs) <= room else ()
    rows = bars([_job(name, job, now, in_full) for name, job in jobs], width)
    if not hidden:
        return rows
    states = ", ".join(f"{number:,} {state}" for state, number in Counter(hidden).items())
    more = Text(f"and {len(hidden):,} more: {states}", "dim", no_wrap=True, overflow="ellipsis")
    return Group(rows, more)


def _job(name: str, job: Mapping[str, Any], now: float, in_full: Sequence[str]) -> BarRow:
    state, figures = escaped(job.get("state", "")), job.get("progress") or {}
    speed = pace(figures)
    reason = Text(explained(job, now), no_wrap=state not in in_full, overflow="ellipsis")
    return BarRow(
        Text(escaped(name)),
        speed,
        Text(state, style=_COLOURS.get(state, "white")),
        figures.get("bytes_done") or 0,
        figures.get("bytes_total") or 0,
        reason=None if speed else reason,
    )


def need(job: Mapping[str, Any]) -> int:
    """Where a job stands in the order of need: 0 is first."""
    state = job.get("state")
    return FIRST.index(state) if state in FIRST else len(FIRST)


def _transfers(transfers: Sequence[Mapping[str, Any]], width: int) -> RenderableType:
    rows = bars([_transfer(one) for one in transfers[:_MOST_TRANSFERS]], width)
    if (more := len(transfers) - _MOST_TRANSFERS) <= 0:
        return rows
    return Group(rows, Text(f"  and {count(more, 'file')} more", style="dim"))


def _transfer(one: Mapping[str, Any]) -> BarRow:
    return BarRow(
        Text(f"  {escaped(one.get('job', ''))}: {escaped(one.get('path', ''))}"),
        [size(one.get("size") or 0), *pace(one)],
        done=one.get("done") or 0,
        total=one.get("size") or 0,
    )
