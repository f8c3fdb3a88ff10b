"""A server's board as a picture for a terminal: the flows of each user, one bar per flow."""

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from cargo_ctl.render.bandwidth import limit
from cargo_ctl.render.flows import place
from cargo_ctl.render.server_board import ServerBoard
from cargo_ctl.render.servers import moving, served
from cargo_ctl.render.words import count, escaped, rate, size

_BAR = 24


def picture(board: ServerBoard, _now: float, height: int) -> RenderableType:
    """What is served and how fast, one line per user, one bar per flow, and the last notices.

    It has at most `height` lines: what does not fit is counted.

    A bar shows the flow's speed as a share of its limit, or of the fastest flow if it has no limit.
    """
    parts: list[RenderableType] = [_general(board)]
    if board.flows:
        parts.append(_flows(board, height - 1 - len(board.notices)))
    parts += [Text(line, style="dim", no_wrap=True, overflow="ellipsis") for line in board.notices]
    return Group(*parts)


def _general(board: ServerBoard) -> Text:
    text = Text(no_wrap=True, overflow="ellipsis")
    if not board.status:
        text.append(board.waiting, style="bold yellow")
        return text
    text.append("serving", style="bold green")
    text.append(f"  {served(board.status)}; {moving(board.totals)}")
    return text


def _flows(board: ServerBoard, room: int) -> Table:
    grid = Table.grid(padding=(0, 2))
    flows = sorted(
        board.flows.values(), key=lambda one: (str(one.get("user")), one.get("since") or 0)
    )
    fastest = max([one.get("speed_bps") or 0 for one in flows])
    left, hidden = room, 0
    for user, group in groupby(flows, lambda one: str(one.get("user"))):
        own = list(group)
        # A user's line, their flows, and a line for what is left out.
        fits = max(0, left - 2)
        shown, total = own[:fits], sum(one.get("speed_bps") or 0 for one in own)
        hidden += len(own) - len(shown)
        if not shown:
            continue
        left -= 1 + len(shown)
        grid.add_row(
            Text(escaped(user), style="bold"),
            Text(""),
            Text(f"{count(len(own), 'flow')}, {rate(total)}"),
        )
        for one in shown:
            grid.add_row(_where(one), _bar(one, fastest), _figures(one))
    if hidden:
        grid.add_row(Text(f"and {count(hidden, 'flow')} more", style="dim"))
    return grid


def _where(flow: Mapping[str, Any]) -> Text:
    arrow = "↓" if flow.get("direction") == "download" else "↑"
    return Text(f"  {arrow} {place(flow)}", no_wrap=True, overflow="ellipsis")


def _bar(flow: Mapping[str, Any], fastest: int) -> ProgressBar:
    most = flow.get("granted") or fastest or 1
    return ProgressBar(total=most, completed=min(most, flow.get("speed_bps") or 0), width=_BAR)


def _figures(flow: Mapping[str, Any]) -> Text:
    parts = [rate(flow.get("speed_bps") or 0)]
    if flow.get("granted") is not None:
        parts.append(f"limit {limit(flow['granted'])}")
    return Text(", ".join([*parts, size(flow.get("bytes") or 0)]))
