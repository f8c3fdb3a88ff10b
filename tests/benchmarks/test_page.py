import json
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
        (name, "https" if name == "cargo" else ""): [
            Took(took, 0.5, 0.2, 0.0, 90_000_000, 40_000_000)
        ]
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
    assert "| rsync |  | up | 1.250 | x 1.25 | 0.30 + 0.20 | 859 | 1 | 50 + 40 |\n" in text
    assert "| cargo | https | up | 0.750 |  | 0.30 + 0.20 | 1,432 | 1 | 50 + 40 |\n" in text
    assert "Measured 2026-01-02 on: processor x, cores 2." in text
    assert text.count("| --- | --- | --- |") == 2


def test_it_says_where_another_tool_is_faster(results: Results) -> None:
    assert (
        "## Where another tool is faster\n\n"
        "What it takes of Cargo's time:\n\n"
        "- 1 file of 1 GiB, sealed, up: cp 0.50\n\n"
    ) in page(results)


def test_all_verdicts_are_in_one_table(results: Results) -> None:
    assert (
        "| | cargo | cp | rsync |\n"
        "| --- | ---: | ---: | ---: |\n"
        "| 1 file of 1 GiB, sealed | 1.00 s / 1.00 s | 0.50 / 1.00 | 1.25 / 2.00 |\n"
        "| 1 file of 1 GiB, plain | 0.75 s |  |  |\n"
    ) in page(results)


def test_results_are_the_same_after_they_were_saved(results: Results, tmp_path: Path) -> None:
    results.save(tmp_path / "results/one.json")
    assert load(tmp_path / "results/one.json") == results


def test_rows_in_the_file_have_the_fields_that_comparisons_need(
    results: Results, tmp_path: Path
) -> None:
    results.save(tmp_path / "one.json")
    [_, row, *_] = json.loads((tmp_path / "one.json").read_text())["rows"]
    assert row == {
        "workload": "large",
        "mode": "sealed",
        "direction": "up",
        "tool": "cp",
        "runs": 1,
        "seconds": 0.5,
        "cpu_seconds": 0.5,
        "mb_per_s": 2147.5,
        "files_per_s": 2.0,
        "rss_mb": 90.0,
        "ours_is": 0.5,
    }


def test_bars_are_as_long_as_the_time(results: Results) -> None:
    drawn = ElementTree.fromstring(picture("a & b", results.rows, ["cargo"]))
    bars = drawn.findall("{*}rect")
    assert [bar.get("class") for bar in bars] == ["ours"] * 2 + ["other"] * 4 + ["ours"]
    assert [int(bar.get("width", "")) for bar in bars] == [
        LONGEST * part // 8 for part in (4, 4, 2, 4, 5, 8, 3)
    ]
    assert drawn.findtext("{*}title") == "a & b: seconds, shorter is faster"
