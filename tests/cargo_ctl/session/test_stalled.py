"""A transfer that stands still says so, wherever it is shown."""

import io
from typing import Any

import pytest
from rich.console import Console

from cargo_ctl.render import session

ROW: dict[str, Any] = {
    "transfer": "t1", "verb": "get", "state": "running", "remote": "a.bin", "bytes_done": 4_000_000,
    "bytes_total": 8_000_000, "speed_bps": 16_000_000, "eta_s": 2,
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "2.0 MB/s, 2 s left"),
        ({"idle_s": 2}, "2.0 MB/s, 2 s left"),
        ({"idle_s": 7}, "nothing for 7 s"),
        (
            {"idle_s": 75, "retrying": "the line was cut\x1b"},
            "nothing for 1 min 15 s (the line was cut\\x1b; it is tried again)",
        ),
    ],
)
def test_it_says_for_how_long_nothing_has_arrived(changes: dict[str, Any], said: str) -> None:
    row = ROW | changes
    assert session.line(row, 200) == f"a.bin 50% {said}"
    assert session.rows([row], {"t1": 1}) == (f"  1  get a.bin: running 4.0 MB of 8.0 MB, {said}")
    out = io.StringIO()
    Console(file=out, width=160, color_system=None).print(session.picture([row], 0, 160))
    assert out.getvalue().rstrip().endswith(f"4.0 MB of 8.0 MB, {said}")


def test_below_the_prompt_the_name_gives_way_before_the_time_that_is_left() -> None:
    row = {
        "verb": "put", "local": "/a/another film with a long name.mov", "state": "running",
        "bytes_done": 1, "bytes_total": 4, "speed_bps": 98_400_000, "eta_s": 300, "idle_s": 0,
    }  # fmt: skip
    whole = "another film with a long name.mov 25% 12.3 MB/s, 5 min left"
    assert session.line(row, len(whole)) == whole
    assert session.line(row, 50) == "another film with a lon… 25% 12.3 MB/s, 5 min left"
    assert session.line(row, 30) == "another film w… 25% 5 min left"
    assert session.line(row, 4) == "another… 25% 5 min left"
