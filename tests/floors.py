"""Coverage by package, from coverage's JSON report, and the floors that it may not fall below.

    python -m tests.floors coverage.json             after `make coverage`: all packages
    python -m tests.floors coverage.json plan wire   after a run of these packages' own tests

Prints one line per package. Ends with 1 and a sentence when less is covered than promised: of the
branches of all packages together, or of the lines and branches of the pure floors (of each one that
is named, or of all together). What runs in processes of its own (tests/e2e, the demo) is not
counted, nor what only tests run that are not measured (tests/measured.py).
"""

import json
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

BRANCHES: Final = 85.0
"""Percent of the branches of all packages together."""
PURE: Final = 90.0
"""Percent of the lines and branches of the floors that only decide."""
PURE_FLOORS: Final = ("config", "machines", "model", "plan", "wire")


class Counts(NamedTuple):
    """Statements and branches of some files, and how many of them ran."""

    statements: int = 0
    ran: int = 0
    branches: int = 0
    taken: int = 0

    def plus(self, other: "Counts") -> "Counts":
        return Counts(*(one + two for one, two in zip(self, other, strict=True)))

    @property
    def of_branches(self) -> float:
        return 100 * self.taken / self.branches if self.branches else 100.0

    @property
    def of_all(self) -> float:
        total = self.statements + self.branches
        return 100 * (self.ran + self.taken) / total if total else 100.0


def by_package(report: str) -> dict[str, Counts]:
    """Counts by package: "cargo_sync/plan", and "cargo_sync" for the modules above all packages."""
    found: dict[str, Counts] = defaultdict(Counts)
    for name, file in json.loads(report)["files"].items():
        summary = file["summary"]
        counts = Counts(
            summary["num_statements"],
            summary["covered_lines"],
            summary["num_branches"],
            summary["covered_branches"],
        )
        package = "/".join(name.split("/")[:2]) if name.count("/") > 1 else name.split("/")[0]
        found[package] = found[package].plus(counts)
    return dict(found)


def below_alone(packages: dict[str, Counts], names: Sequence[str]) -> list[str]:
    """Which of these packages are covered less than promised, or were not measured."""
    told = []
    for name in names:
        counts = packages.get(f"cargo_sync/{name}", Counts())
        if counts == Counts():
            told.append(f"nothing of {name} was measured")
        elif counts.of_all < PURE:
            told.append(f"{counts.of_all:.1f}% of {name} ran; {PURE:g}% are promised")
    return told


def below(packages: dict[str, Counts]) -> list[str]:
    """What is covered less than promised, in sentences."""
    total = sum_of(list(packages.values()))
    pure = sum_of([packages.get(f"cargo_sync/{name}", Counts()) for name in PURE_FLOORS])
    told = []
    if total.of_branches < BRANCHES:
        told.append(f"{total.of_branches:.1f}% of all branches ran; {BRANCHES:g}% are promised")
    if pure.of_all < PURE:
        told.append(f"{pure.of_all:.1f}% of the pure floors ran; {PURE:g}% are promised")
    return told


def sum_of(counts: list[Counts]) -> Counts:
    total = Counts()
    for one in counts:
        total = total.plus(one)
    return total


def main() -> int:
    report, *names = sys.argv[1:]
    packages = by_package(Path(report).read_text(encoding="utf-8"))
    for name, counts in sorted(packages.items()):
        print(f"{name:28} {counts.of_all:5.1f}%  branches {counts.of_branches:5.1f}%")
    total = sum_of(list(packages.values()))
    print(f"{'all':28} {total.of_all:5.1f}%  branches {total.of_branches:5.1f}%")
    told = below_alone(packages, names) if names else below(packages)
    for line in told:
        print(f"coverage: {line}", file=sys.stderr)
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main())
