"""Which cases there are, and the table of what they came to."""

import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.crash import faults
from tests.crash.battlefield import PROGRAMS, Findings
from tests.crash.faults import KIB, MIB, Run

LONG: Final = 60.0


class Case(NamedTuple):
    """One run of the script. `fault` is its row in the table; `words` say which it is."""

    fault: str
    words: str
    run: Run


@dataclass
class Row:
    """What the cases of one fault came to."""

    cases: int = 0
    fired: int = 0
    lost: int = 0
    litter: int = 0
    failed: int = 0


@dataclass
class Table:
    """All rows, and why cases failed."""

    rows: dict[str, Row] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def note(self, case: Case, found: Findings | str) -> None:
        row = self.rows.setdefault(case.fault, Row())
        row.cases += 1
        said = found if isinstance(found, str) else "ok" if found.sound else str(found)
        print(f"{case.fault}, {case.words}: {said}", flush=True)
        if isinstance(found, str):
            row.failed += 1
            self.failures.append(f"{case.fault}, {case.words}: {found}")
            return
        row.fired += found.fired
        row.lost += found.lost
        row.litter += len(found.litter)
        if not found.sound:
            row.failed += 1
            self.failures.append(f"{case.fault}, {case.words}: {found}")

    def __str__(self) -> str:
        lines = [f"{'fault':34} {'cases':>6} {'fired':>6} {'lost':>6} {'litter':>6} {'failed':>6}"]
        for name, row in self.rows.items():
            numbers = (row.cases, row.fired, row.lost, row.litter, row.failed)
            lines.append(f"{name:34} " + " ".join(f"{number:6}" for number in numbers))
        cases = sum(row.cases for row in self.rows.values())
        lost = sum(row.lost for row in self.rows.values())
        idle = [name for name, row in self.rows.items() if not row.fired]
        if idle:
            lines.append(f"never happened: {', '.join(idle)}")
        lines.append(f"crash: {cases} cases, {len(self.failures)} failures, {lost} bytes lost")
        return "\n".join(lines)


def cases(every: int, folder: Path) -> Iterator[Case]:
    """All cases; of the calls that write only one in `every`. Some need root or strace."""
    yield from _plain()
    for two_way, victim in product((False, True), PROGRAMS):
        place = folder / f"count-{victim}-{two_way}"
        place.mkdir()
        total = faults.count(place, victim, two_way=two_way)
        jobs = "two ways" if two_way else "one way"
        print(f"{jobs}: the {victim} makes {total} calls that write", flush=True)
        for kind, step in (("kill", every), ("eio", 4 * every)):
            for at in range(1, total + 1, step):
                run = faults.broken(kind, victim, at, two_way=two_way)
                yield Case(f"{kind} at a call, {victim}, {jobs}", str(at), run)


def _plain() -> Iterator[Case]:
    for every in (64 * KIB, MIB, 5 * MIB):
        yield Case("connections are cut", f"after {every:,} bytes", faults.cut(every))
    for victim in PROGRAMS:
        yield Case("SIGSTOP for a minute", victim, faults.stopped(victim, LONG))
    if faults.can_mount():
        yield Case("a full disk", "server", faults.full)
    else:
        print("skipped: a full disk (needs root, for a tmpfs)")
    if faults.can_trace():
        for victim in PROGRAMS:
            for call in faults.TRACED:
                for at in (1, 3, 10):
                    words = f"{victim}, {call} {at}"
                    yield Case("strace kills", words, faults.traced(victim, call, at))
    else:
        print("skipped: kills by strace (it is not installed, or may not trace)")


def tell(some: Iterable[Case], folder: Path, jobs: int, most: int | None = None) -> Table:
    """Runs cases, `jobs` at a time, and says each that failed at once."""
    table, began = Table(), time.monotonic()

    def one(numbered: tuple[int, Case]) -> tuple[Case, Findings | str]:
        number, case = numbered
        with tempfile.TemporaryDirectory(dir=folder, prefix=f"{number}-") as place:
            try:
                return case, case.run(Path(place))
            except (Exception, pytest.fail.Exception) as error:
                return case, f"{error}"

    with ThreadPoolExecutor(jobs) as pool:
        for number, case in enumerate(some):
            if most is not None and number >= most:
                break
            pool.submit(lambda numbered: table.note(*one(numbered)), (number, case))
    print(f"{time.monotonic() - began:.0f} s")
    return table
