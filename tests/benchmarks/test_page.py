from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.transfers.metering import Took
from benchmarks.transfers.page import page
from benchmarks.transfers.pictures import LONGEST, picture
from benchmarks.transfers.results import Results, load
from benchmarks.transfers.verdicts import Row, rows
from benchmarks.transfers.workloads import WORKLOADS, Direction, Mode


def measured(mode: Mode, direction: Direction, **seconds: float) -> list[Row]:
    taken = {
        (name, "https" if name == "cargo" else ""): [Took(took, 0.5, 0.25, 0.0, 90_000_000)]
        for name, took in seconds.items()
    }
    return rows(WORKLOADS["large"], mode, direction, taken, "cargo")


@pytest.fixture
def results() -> Results:
    found = measured(Mode.SEALED, Direction.UP, cargo=1.0, cp=0.5, rsync=1.25)
    found += measured(Mode.SEALED, Direction.DOWN, cargo=1.0, cp=1.0, rsync=2.0)
    found += measured(Mode.PLAIN, Direction.UP, cargo=0.75)
    machine = {"processor": "x", "cores": "2"}
    return Results("2026-01-02T03:04:05+00:00", machine, {"rsync": "3.4.1"}, found)


def test_a_page_has_a_table_per_mode(results: Results) -> None:
    text = page(results)
    assert "## 1 file of 1 GiB\n\n![1 file of 1 GiB](benchmarks/large.svg)\n" in text
    assert "| rsync |  | up | 1.250 | x 1.25 | 0.50 | 859 | 1 | 90 |\n" in text
    assert "| cargo | https | up | 0.750 |  | 0.50 | 1,432 | 1 | 90 |\n" in text
    assert "Measured 2026-01-02 on: processor x, cores 2." in text
    assert text.count("| --- | --- | --- |") == 2


def test_it_says_where_another_tool_is_faster(results: Results) -> None:
    text = page(results)
    assert text.endswith(
        "## Where another tool is faster\n\n"
        "- 1 file of 1 GiB, sealed, up: cp takes 0.50 of our time\n"
    )


def test_results_are_the_same_after_they_were_saved(results: Results, tmp_path: Path) -> None:
    results.save(tmp_path / "results/one.json")
    assert load(tmp_path / "results/one.json") == results


def test_bars_are_as_long_as_the_time(results: Results) -> None:
    drawn = ElementTree.fromstring(picture("a & b", results.rows, "cargo"))
    bars = drawn.findall("{*}rect")
    assert [bar.get("class") for bar in bars] == ["ours"] * 2 + ["other"] * 4 + ["ours"]
    assert [int(bar.get("width", "")) for bar in bars] == [
        LONGEST * part // 8 for part in (4, 4, 2, 4, 5, 8, 3)
    ]
    assert drawn.findtext("{*}title") == "a & b: seconds, shorter is faster"
