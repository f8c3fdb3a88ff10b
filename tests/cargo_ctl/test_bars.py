"""Rows with a bar on terminals of several widths."""

import io

import pytest
from rich.console import Console
from rich.text import Text

from cargo_ctl.render.bars import BarRow, bars

ROWS = (
    BarRow(
        Text("2026/first.mov"),
        ("1 of 3 files", "17.8 MB of 30.0 MB", "12.3 MB/s", "4 s left"),
        done=17.8,
        total=30,
    ),
    BarRow(Text("b.bin"), ("30.0 MB of 30.0 MB", "9 s left"), done=30, total=30),
)


def drawn(rows: tuple[BarRow, ...], width: int, colours: str | None = None) -> list[str]:
    out = io.StringIO()
    # The terminal is wider: what is too long would be seen.
    Console(file=out, width=300, color_system=colours, force_terminal=True).print(  # type: ignore[arg-type]
        bars(rows, width)
    )
    return [line.rstrip() for line in out.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("width", "first"),
    [
        (
            200,
            "2026/first.mov  ━━━━━━━━━━━━━━            59%   1 of 3 files, 17.8 MB of 30.0 MB, "
            "12.3 MB/s, 4 s left",
        ),
        (
            90,
            "2026/first.mov  ━━━━━━━╸       59%   1 of 3 files, 17.8 MB of 30.0 MB, 12.3 MB/s,"
            " 4 s left",
        ),
        (76, "2026/first.mov  59%   1 of 3 files, 17.8 MB of 30.0 MB, 12.3 MB/s, 4 s left"),
        (74, "2026/first.m…  59%   1 of 3 files, 17.8 MB of 30.0 MB, 12.3 MB/s, 4 s left"),
        (60, "2026/first.…  59%   17.8 MB of 30.0 MB, 12.3 MB/s, 4 s left"),
        (40, "2026/first.…  59%   12.3 MB/s, 4 s left"),
        (28, "2026/first.…  59%   4 s left"),
    ],
)
def test_the_bar_gives_way_first_and_the_time_that_is_left_last(width: int, first: str) -> None:
    lines = drawn(ROWS, width)
    assert lines[0] == first
    assert all(len(line) <= width for line in lines)
    assert all(line.endswith("left") for line in lines)


def test_a_bar_is_not_red() -> None:
    """The colours of rich are those of an error: magenta-red while it runs."""
    first, second = drawn(ROWS, 100, "truecolor")
    assert "\x1b[36m━" in first and "\x1b[32m━" in second
    assert "\x1b[38;2;249;38;114m" not in first + second


def test_a_reason_stands_beside_rows_with_bars() -> None:
    rows = (
        BarRow(Text("a"), ("9 s left",), Text("syncing"), done=1, total=2),
        BarRow(Text("b"), (), Text("error"), reason=Text("no room", no_wrap=True)),
    )
    assert drawn(rows, 60) == [
        "a  syncing  ━━━━━━━━━━━━              50%  9 s left",
        "b  error                                   no room",
    ]
    assert drawn(rows[1:], 60) == ["b  error  no room"]
