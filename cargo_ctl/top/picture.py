"""The screen of `cargo_ctl top` as lines of styled text. Pure."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.cells import cell_len, set_cell_size

from cargo_ctl.render.jobs import explained
from cargo_ctl.render.progress import fitting, moving, pace, parts
from cargo_ctl.render.words import escaped, percent, rate, size
from cargo_ctl.top.model import KEYS, TopModel, summary

Fragment = tuple[str, str]
"""A style's name and a text."""
StyledLine = list[Fragment]

_STATE: Final = 8
_BAR: Final = 16
_NARROW: Final = 72
"""Cells of a line below which there are no bars."""
_LONGEST_NAME: Final = 28
_DETAILS: Final = 9
"""Lines about the selected job at most: its reason, its transfers, the last notices."""
_REASON: Final = 3
_TRANSFERS: Final = 4
_FEWEST: Final = 4
"""Lines of the list before the details get fewer."""


def picture(model: TopModel, now: float, height: int, width: int) -> list[StyledLine]:
    """Exactly `height` lines of at most `width` cells.

    Args:
        model: what is shown; its selection is brought into sight.
        now: unix seconds.
        height: of the screen.
        width: of the screen.
    """
    head = [_general(model, width), _columns(model, width)]
    foot = [_foot(model, width)]
    room = max(1, height - len(head) - len(foot))
    details = _details(model, now, width)[: max(0, room - _FEWEST - 1)]
    rows = room - len(details) - bool(details)
    model.settle(rows)
    listed = model.names[model.top : model.top + rows]
    lines = [_row(model, name, now, width) for name in listed]
    lines += [[] for _ in range(rows - len(lines))]
    if details:
        title = f"── {escaped(model.selected or '')} "
        rule = title + "─" * (width - cell_len(title))
        details.insert(0, _cut([("class:rule", rule)], width))
    return [*head, *lines, *details, *foot][:height]


def _general(model: TopModel, width: int) -> StyledLine:
    board = model.board
    state = escaped(board.state.get("state", board.waiting))
    text = summary(model)
    figures = fitting(parts(board.totals), width - cell_len(f"{state}  {text}  "))
    line = [(f"class:state.{_styled(state)}", state), ("", f"  {text}" if text else "")]
    if moving(board.totals):
        line.append(("", f"  {figures}"))
    return _cut(line, width)


def _columns(model: TopModel, width: int) -> StyledLine:
    name = _name_width(model, width)
    text = f"{set_cell_size('JOB', name)}  {'STATE':<{_STATE}}"
    text += f"  {'DONE':>{4 + (_BAR + 1 if width >= _NARROW else 0)}}  {'SPEED':>10}  WHY"
    return [("class:head", set_cell_size(text, width))]


def _row(model: TopModel, name: str, now: float, width: int) -> StyledLine:
    job = model.board.jobs[name]
    state, figures = escaped(job.get("state", "")), job.get("progress") or {}
    chosen = " class:selected" if name == model.selected else ""
    done, total = figures.get("bytes_done") or 0, figures.get("bytes_total") or 0
    share = percent(done, total) if moving(figures) else ""
    speed = rate(figures["speed_bps"]) if figures.get("speed_bps") else ""
    line = [
        (chosen, f"{set_cell_size(escaped(name), _name_width(model, width))}  "),
        (f"class:state.{_styled(state)}{chosen}", f"{set_cell_size(state, _STATE)}  "),
    ]
    if width >= _NARROW:
        full = round(_BAR * done / total) if total and share else 0
        rest = _BAR - full if share else 0
        line += [(f"class:bar{chosen}", "━" * full), (f"class:rest{chosen}", "━" * rest)]
        line.append((chosen, " " * (_BAR - full - rest + 1)))
    left = pace(figures)[1:] if speed else pace(figures)
    why = ", ".join(left) if left else explained(job, now)
    line.append((chosen, f"{share:>4}  {speed:>10}  {why}"))
    return _cut(line, width, pad=bool(chosen), style=chosen)


def _details(model: TopModel, now: float, width: int) -> list[StyledLine]:
    """The reason of the selected job in full, its transfers, the last notices."""
    job, question = model.job, model.question
    lines: list[StyledLine] = []
    if question is not None and question.about:
        return _wrapped(question.about, width, _DETAILS)
    if job is not None:
        lines += _wrapped(explained(job, now), width, _REASON)
        if moving(job.get("progress") or {}):
            lines.append([("", fitting(parts(job["progress"]), width))])
        own = [one for one in model.board.transfers.values() if one.get("job") == model.selected]
        lines += [_transfer(one, width) for one in own[:_TRANSFERS]]
        if len(own) > _TRANSFERS:
            lines.append([("class:dim", f"and {len(own) - _TRANSFERS:,} files more")])
    notices = list(model.board.notices)[-max(1, _DETAILS - len(lines)) :]
    lines += [[("class:dim", notice)] for notice in notices]
    return [_cut(line, width) for line in lines[:_DETAILS]]


def _wrapped(text: str, width: int, most: int) -> list[StyledLine]:
    lines = textwrap.wrap(text, max(1, width), max_lines=most, placeholder=" …")
    return [_cut([("", line)], width) for line in lines]


def _transfer(one: Mapping[str, Any], width: int) -> StyledLine:
    done, total = one.get("done") or 0, one.get("size") or 0
    figures = ", ".join([f"{percent(done, total)} of {size(total)}", *pace(one)])
    path = escaped(one.get("path", ""))
    room = max(8, width - cell_len(figures) - 4)
    return [("", f"  {set_cell_size(path, room) if cell_len(path) > room else path}  {figures}")]


def _foot(model: TopModel, width: int) -> StyledLine:
    """What is asked, or what was said last, or the keys."""
    if model.question is not None:
        question = model.question
        text = f"{escaped(question.job)}: {question.text}: "
        typed = escaped(model.typed)
        room = max(10, width - cell_len(typed) - 2)
        if cell_len(text) > room:
            text = set_cell_size(text, room - 3) + "…: "
        return _cut([("class:question", text), ("class:typed", typed + "▏")], width)
    if model.said:
        return _cut([("class:said", model.said)], width)
    line: StyledLine = []
    for key, does in KEYS.items():
        line += [("class:key", f" {key} "), ("class:dim", f"{does}  ")]
    return _cut(line, width)


def _name_width(model: TopModel, width: int) -> int:
    longest = max((cell_len(escaped(name)) for name in model.board.jobs), default=3)
    return max(3, min(longest, _LONGEST_NAME, width // 3))


def _styled(state: str) -> str:
    """The name of a state's style: only letters, whatever the daemon says."""
    return state if state.isalpha() and state.isascii() else "other"


def _cut(line: Sequence[Fragment], width: int, *, pad: bool = False, style: str = "") -> StyledLine:
    """At most `width` cells of a line; with `pad` exactly so many."""
    cut: StyledLine = []
    room = width
    for name, text in line:
        cells = cell_len(text)
        if cells > room:
            text = set_cell_size(text, max(0, room - 1)) + "…" if room else ""
            cells = room
        if text:
            cut.append((name, text))
        room -= cells
        if room <= 0:
            break
    return [*cut, (style, " " * room)] if pad and room > 0 else cut
