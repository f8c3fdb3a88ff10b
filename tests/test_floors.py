"""The floors of coverage: a report in, what is covered less than promised out."""

import json
import re
from pathlib import Path

from tests.floors import PURE_FLOORS, Counts, below, below_alone, by_package


def report(**files: tuple[int, int, int, int]) -> str:
    names = ("num_statements", "covered_lines", "num_branches", "covered_branches")
    shown = {
        name.replace("__", "/") + ".py": {"summary": dict(zip(names, counts, strict=True))}
        for name, counts in files.items()
    }
    return json.dumps({"files": shown})


def test_files_are_counted_by_package() -> None:
    found = by_package(
        report(
            cargo_sync__main=(10, 5, 4, 1),
            cargo_sync__plan__guard=(6, 6, 2, 2),
            cargo_sync__daemon__job__status=(8, 4, 0, 0),
            cargo_sync__daemon__app=(2, 2, 0, 0),
        )
    )
    assert found == {
        "cargo_sync": Counts(10, 5, 4, 1),
        "cargo_sync/plan": Counts(6, 6, 2, 2),
        "cargo_sync/daemon": Counts(10, 6, 0, 0),
    }


def test_what_is_below_a_floor_is_said() -> None:
    pure = {f"cargo_sync/{name}": Counts(100, 90, 0, 0) for name in ("plan", "wire", "model")}
    assert below(pure | {"cargo_sync/daemon": Counts(10, 0, 100, 85)}) == []
    assert below(pure | {"cargo_sync/daemon": Counts(10, 0, 100, 84)}) == [
        "84.0% of all branches ran; 85% are promised"
    ]
    assert below({"cargo_sync/plan": Counts(90, 80, 10, 9)}) == [
        "89.0% of the pure floors ran; 90% are promised"
    ]


def test_each_package_that_is_measured_alone_has_its_floor() -> None:
    found = {"cargo_sync/plan": Counts(80, 72, 20, 18), "cargo_sync/wire": Counts(80, 72, 20, 17)}
    assert below_alone(found, ["plan"]) == []
    assert below_alone(found, ["plan", "wire", "model"]) == [
        "89.0% of wire ran; 90% are promised",
        "nothing of model was measured",
    ]


def test_make_test_measures_all_pure_floors() -> None:
    makefile = (Path(__file__).parent.parent / "Makefile").read_text(encoding="utf-8")
    [named] = re.findall(r"(?m)^PURE := (.*)$", makefile)
    assert tuple(named.split()) == PURE_FLOORS
