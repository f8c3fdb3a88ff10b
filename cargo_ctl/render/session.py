"""A session's transfers as text: a line when one resumes or ends, a bar while it runs."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from cargo_ctl.render.bars import BarRow, bars
from cargo_ctl.render.progress import fitting, pace
from cargo_ctl.render.table import cut
from cargo_ctl.render.words import count, duration, escaped, percent, rate, size

_STALLED = 3
"""Seconds without a byte after which a transfer says so, instead of a bar that stands still."""
_MOST = 8
_SHORTEST = 8
"""Cells of a name that stay before figures are left out."""
_FAILED = 20

TransferFields = Mapping[str, Any]


def name(row: TransferFields) -> str:
    """The name of the file or folder at its source."""
    whole = row.get("remote") if row.get("verb") == "get" else row.get("local")
    return escaped(str(whole or "").rstrip("/").rpartition("/")[2] or "/")


def resumes(row: TransferFields) -> str:
    """`a.bin: resumes at 12.3 MB of 50.0 MB` if an earlier transfer had begun it, else ""."""
    before, total = _number(row, "resumed"), _number(row, "bytes_total")
    return f"{name(row)}: resumes at {size(before)} of {size(total)}" if before else ""


def ended(row: TransferFields, seconds: float) -> str:
    """The line for a transfer that ended: `a.bin: 50.0 MB in 4 s, 12.5 MB/s`.

    Below it one line per file that failed.
    """
    problem = row.get("problem") or {}
    match row.get("state"):
        case "done":
            text = _done(row, seconds)
        case "cancelled":
            text = f"cancelled at {_share(row)}; repeat the command to resume"
        case _:
            text = escaped(problem.get("message") or "failed")
            if problem.get("hint"):
                text += f" ({escaped(problem['hint'])})"
    failed = row.get("failed") or []
    lines = [f"{name(row)}: {text}"]
    if len(failed) > 1:  # a single failure is the text already
        lines += [
            f"  {escaped(each['path'])}: {escaped(each['message'])}" for each in failed[:_FAILED]
        ]
        more = _number(row, "failures") - len(failed)
        lines += [f"  and {more:,} more"] if more > 0 else []
    if row.get("message"):
        lines.append(f"  {escaped(row['message'])}")
    return "\n".join(lines)


def _done(row: TransferFields, seconds: float) -> str:
    files, skipped = _number(row, "files_done"), _number(row, "skipped")
    parts = []
    if _number(row, "files_total") > 1 or files > 1:
        parts.append(f"{count(files, 'file')},")
    if skipped and not files:
        return (
            "nothing to do: it is the same on both sides"
            if skipped == 1
            else f"{count(skipped, 'file')} skipped"
        )
    total = _number(row, "bytes_done")
    parts.append(f"{size(total)} in {duration(seconds)}")
    text = " ".join(parts)
    moved = total - _number(row, "resumed")
    if seconds >= 0.1 and moved > 0:
        text += f", {rate(moved * 8 / seconds)}"
    return text + (f", {count(skipped, 'file')} skipped" if skipped else "")


def line(row: TransferFields, room: int) -> str:
    """One transfer, short, for the bar below the prompt: `a.bin 42% 12.3 MB/s, 4 s left`.

    If that is longer than `room` cells, the name is cut, and then the first figures go.
    """
    known, share = name(row), _percent(row)
    figures = fitting(_pace(row), room - _SHORTEST - len(share) - 2)
    rest = " ".join(["", share] + [figures] * bool(figures))
    return cut(known, max(_SHORTEST, room - len(rest))) + rest


def rows(transfers: Sequence[TransferFields], numbers: Mapping[str, int]) -> str:
    """One line per transfer of a session, with the number that `cancel` takes."""
    if not transfers:
        return "no transfers"
    return "\n".join(f"{numbers[row['transfer']]:>3}  {_in_words(row)}" for row in transfers)


def _in_words(row: TransferFields) -> str:
    what = f"{escaped(row.get('verb') or '')} {name(row)}: {escaped(row.get('state') or '')}"
    if row.get("state") == "running":
        return ", ".join([f"{what} {_share(row)}", *_pace(row)])
    if row.get("state") == "done":
        return what
    return what + f" at {_share(row)}" * bool(_number(row, "bytes_total"))


def picture(running: Sequence[TransferFields], waiting: int, width: int) -> RenderableType:
    """A bar for each of the first running transfers, and how many others wait.

    It has lines of at most `width` cells.
    """
    rows = bars([_row(row) for row in running[:_MOST]], width)
    more = len(running[_MOST:]) + waiting
    return Group(rows, Text(f"{more:,} more", style="dim")) if more else rows


def _row(row: TransferFields) -> BarRow:
    return BarRow(
        Text(name(row)),
        [*_counted(row), *_pace(row)],
        done=_number(row, "bytes_done"),
        total=_number(row, "bytes_total"),
    )


def _pace(row: TransferFields) -> list[str]:
    """Speed and time left; if nothing has arrived for a while, that, and why."""
    idle = _number(row, "idle_s")
    if idle < _STALLED:
        return pace(row)
    why = escaped(row.get("retrying") or "")
    return [f"nothing for {duration(idle)}" + (f" ({why}; it is tried again)" if why else "")]


def _counted(row: TransferFields) -> list[str]:
    files = _number(row, "files_total")
    figures = [f"{_number(row, 'files_done'):,} of {count(files, 'file')}"] if files > 1 else []
    return [*figures, _share(row)]


def _share(row: TransferFields) -> str:
    return f"{size(_number(row, 'bytes_done'))} of {size(_number(row, 'bytes_total'))}"


def _percent(row: TransferFields) -> str:
    return (
        percent(_number(row, "bytes_done"), _number(row, "bytes_total"))
        if row.get("bytes_total")
        else ""
    )


def _number(row: TransferFields, field: str) -> int:
    value = row.get(field)
    return int(value) if isinstance(value, int | float) else 0
