"""Writes docs/benchmarks.md and its pictures: `python -m benchmarks.transfers.page RESULT.json`."""

import sys
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

from benchmarks.transfers.peers import OURS
from benchmarks.transfers.pictures import picture
from benchmarks.transfers.results import Results, load
from benchmarks.transfers.verdicts import Row
from benchmarks.transfers.workloads import ALL

DOCS: Final = Path(__file__).parents[2] / "docs"
ABOUT: Final = """# Benchmarks

Cargo side by side with other tools that move the same files, over loopback: a server and a
daemon, each a process of its own, from `job.start` until the job is `synced`. In each round every
tool runs once, in an order that rotates, into a fresh folder. Seconds and CPU seconds (of both
ends, until the end of the run) are medians. *Ours is* compares each tool with Cargo in the same
round, and is the median of these ratios: x 1.50 means that Cargo takes 1/1.5 of the tool's time.

Cargo does more than most of them: it checks every byte on its way, computes the BLAKE3 of every
file, records both sides in its catalogue and state, and its server has synced the files to the
disk before it says that it has them. rsync, `cp`, `tar | nc` and the HTTP clients do not sync,
and only tools that run over https or webdavs encrypt. In `plain` runs Cargo does not encrypt
either.

`make bench` measures again, and installs the tools that are missing; `make bench QUICK=1` takes
less than a minute.
"""


def page(results: Results) -> str:
    """The text of the page."""
    machine = ", ".join(f"{name} {value}" for name, value in results.machine.items())
    versions = ", ".join(f"{name} {value}" for name, value in results.versions.items())
    parts = [ABOUT, f"Measured {results.date[:10]} on: {machine}.\n\nVersions: {versions}.\n"]
    for name, rows in _by_workload(results.rows):
        parts.append(f"## {_words(name)}\n\n![{_words(name)}](benchmarks/{name}.svg)\n")
        for mode, of_mode in groupby(rows, key=lambda row: row.mode):
            parts.append(_table(mode, list(of_mode)))
    parts.append(_ahead(results.rows))
    return "\n".join(parts)


def _table(mode: str, rows: Sequence[Row]) -> str:
    lines = [
        f"| {mode} | over | | seconds | ours is | CPU s | MB/s | files/s | memory, MB |",
        "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        ratio = "" if row.ours_is is None or row.tool == OURS else f"x {row.ours_is:.2f}"
        lines.append(
            f"| {row.tool} | {row.over} | {row.direction} | {row.seconds:.3f} | {ratio} "
            f"| {row.cpu_seconds:.2f} | {row.mb_per_s:,.0f} | {row.files_per_s:,.0f} "
            f"| {row.rss_mb:,.0f} |"
        )
    return "\n".join(lines) + "\n"


def _ahead(rows: Iterable[Row]) -> str:
    """The cases in which another tool is faster."""
    lines = [
        f"- {_words(row.workload)}, {row.mode}, {row.direction}: {row.tool} takes "
        f"{row.ours_is:.2f} of our time"
        for row in rows
        if row.ours_is is not None and row.ours_is < 1
    ]
    return "\n".join(["## Where another tool is faster", "", *(lines or ["Nowhere."]), ""])


def _by_workload(rows: Iterable[Row]) -> list[tuple[str, list[Row]]]:
    return [(name, list(found)) for name, found in groupby(rows, key=lambda row: row.workload)]


def _words(workload: str) -> str:
    return ALL[workload].words if workload in ALL else workload


def main(words: Sequence[str]) -> None:
    """Write the page and its pictures."""
    if len(words) != 1:
        raise SystemExit(__doc__)
    results = load(Path(words[0]))
    (DOCS / "benchmarks.md").write_text(page(results))
    (DOCS / "benchmarks").mkdir(exist_ok=True)
    for name, rows in _by_workload(results.rows):
        (DOCS / "benchmarks" / f"{name}.svg").write_text(picture(_words(name), rows, OURS))


if __name__ == "__main__":
    main(sys.argv[1:])
