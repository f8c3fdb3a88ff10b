"""A server's board as a picture for a terminal: the flows of each user, one bar per flow."""

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from cargo_ctl.render.bars import BarRow, bars
from cargo_ctl.render.flows import place
from cargo_ctl.render.nodes import in_all
from cargo_ctl.render.server_board import ServerBoard
from cargo_ctl.render.servers import moving, served
from cargo_ctl.render.words import arrow, count, escaped, rate, size


def picture(board: ServerBoard, _now: float, height: int, width: int) -> RenderableType:
    """What is served and how fast, one line per user, one bar per flow, and the last notices.

    It has at most `height` lines of `width` cells: what does not fit is counted.

    A bar shows the flow's speed as a share of its limit, or of the fastest flow if it has no limit.
    """
    parts: list[RenderableType] = [_general(board)]
    if board.nodes:
        line = in_all(board.nodes.values(), board.repair)
        parts.append(Text(line, no_wrap=True, overflow="ellipsis"))
    if board.flows:
        parts.append(_flows(board, height - len(parts) - len(board.notices), width))
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


def _flows(board: ServerBoard, room: int, width: int) -> RenderableType:
    flows = sorted(
        board.flows.values(), key=lambda one: (str(one.get("user")), one.get("since") or 0)
    )
    fastest = max([one.get("speed_bps") or 0 for one in flows])
    rows: list[BarRow] = []
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
        rows.append(
            BarRow(Text(escaped(user), style="bold"), [count(len(own), "flow"), rate(total)])
        )
        rows += [_flow(one, fastest) for one in shown]
    if not hidden:
        return bars(rows, width)
    return Group(bars(rows, width), Text(f"and {count(hidden, 'flow')} more", style="dim"))


def _flow(one: Mapping[str, Any], fastest: int) -> BarRow:
    way = arrow(one.get("direction")) or "↑"
    most, speed = one.get("granted") or fastest or 1, one.get("speed_bps") or 0
    figures = [size(one.get("bytes") or 0), rate(speed)]
    if one.get("granted") is not None:
        figures[-1] += f" of {rate(one['granted'])}"
    return BarRow(Text(f"  {way} {place(one)}"), figures, done=speed, total=most, share=False)
