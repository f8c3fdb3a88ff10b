"""Writes docs/benchmarks.md and its pictures: `python -m benchmarks.transfers.page RESULT.json …`.

Several results become one page; they should be of the same machine.
"""

import sys
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

from benchmarks.transfers.link.links import LINKS
from benchmarks.transfers.peers import ALL_OURS, OURS
from benchmarks.transfers.pictures import RATE, SECONDS, picture
from benchmarks.transfers.results import Results, load, merged
from benchmarks.transfers.table import cores
from benchmarks.transfers.verdicts import Row
from benchmarks.transfers.workloads import ALL, Direction, Kind

DOCS: Final = Path(__file__).parents[2] / "docs"
ABOUT: Final = """# Benchmarks

Cargo side by side with other tools that move the same files, over loopback: a server and a
daemon, each a process of its own, from `job.start` until the job is `synced`. In each round every
tool runs once, in an order that rotates, into a fresh folder. Seconds, CPU seconds (of the client
+ the server, until the end of the run) and memory (the peaks of client + server) are medians.
*Ours is* compares each tool with Cargo in the same round, and is the median of these ratios: x 1.50
means that Cargo takes 1/1.5 of the tool's time.

Cargo does more than most of them: it checks every byte on its way, computes the BLAKE3 of every
file, records both sides in its catalogue and state, and its server has synced the files to the
disk before it says that it has them. rsync, `cp`, `tar | nc` and the HTTP clients do not sync,
and only tools that run over https, webdavs or sftp encrypt. In `plain` runs Cargo does not encrypt
either. Where the files are on a disk, each of the others is followed by `sync`, and that counts.

Where nothing has changed, daemon and server have just started, and the server has looked through
its files, as it does at each start; rsync runs with `-n`. Where one file has changed, Cargo
watches, and the time counts until the file is complete at the other end.

Both ends share one machine, so each of our programs is measured alone too: the daemon with a server
that keeps and reads nothing, the server with such a client. Logins, encryption and checks are the
real ones.

Over a link, all tools move a file for the same time, and what has arrived by then counts. Cargo
chooses its congestion control, the others use what the system uses: cubic.

`make bench` measures again, and installs the tools that are missing; `make bench QUICK=1` takes
less than a minute.
"""


def page(results: Results) -> str:
    """The text of the page."""
    machine = ", ".join(f"{name} {value}" for name, value in results.machine.items())
    versions = ", ".join(f"{name} {value}" for name, value in results.versions.items())
    parts = [
        ABOUT,
        f"Measured {results.date[:10]} on: {machine}.\n\nVersions: {versions}.\n",
        _glance(results.rows),
        _ahead(results.rows),
    ]
    for name, rows in _by_workload(results.rows):
        parts.append(f"## {_words(name)}\n")
        if _drawn(name):
            parts.append(f"![{_words(name)}](benchmarks/{name}.svg)\n")
        for mode, of_mode in groupby(rows, key=lambda row: row.mode):
            parts.append(_table(mode, list(of_mode)))
    return "\n".join(parts)


def _glance(rows: Sequence[Row]) -> str:
    """All verdicts in one table: a line for each workload and mode, a column for each tool."""
    compared = [row for row in rows if row.ours_is is not None and _drawn(row.workload)]
    tools = list(dict.fromkeys([OURS, *(row.tool for row in compared)]))
    lines = [
        "## All at once\n",
        "How many times Cargo's time each tool needs, up / down; above 1, Cargo is faster.\n",
        f"| | {' | '.join(tools)} |",
        f"| --- |{' ---: |' * len(tools)}",
    ]
    for (workload, mode), found in groupby(compared, key=lambda row: (row.workload, row.mode)):
        of = {(row.tool, row.direction): _verdict(row) for row in found}
        ways = [way for way in Direction if any(direction == way for _, direction in of)]
        cells = [
            " / ".join(of.get((tool, way), "–") for way in ways)
            if any((tool, way) in of for way in ways)
            else ""
            for tool in tools
        ]
        lines.append(f"| {_words(workload)}, {mode} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _verdict(row: Row) -> str:
    if row.tool != OURS:
        return f"{row.ours_is:.2f}"
    return f"{row.mb_per_s:.1f} MB/s" if row.workload in LINKS else f"{row.seconds:.2f} s"


def _table(mode: str, rows: Sequence[Row]) -> str:
    columns = _columns(rows[0])
    lines = [
        f"| {mode} | over | | {' | '.join(columns)} |",
        f"| --- | --- | --- |{' ---: |' * len(columns)}",
    ]
    for row in rows:
        cells = [row.tool, row.over, row.direction, *(shown(row) for shown in columns.values())]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _columns(row: Row) -> dict[str, Callable[[Row], str]]:
    """The columns of a table of rows like this one: heading, and the cell of a row."""
    if row.workload in LINKS:
        link = LINKS[row.workload]
        return {
            "MB/s": lambda row: f"{row.mb_per_s:.2f}",
            "of the link": lambda row: f"{link.share(row.mb_per_s):.1f}%",
            "ours is": _ours_is,
        }
    kind = ALL[row.workload].kind if row.workload in ALL else Kind.FRESH
    memory: dict[str, Callable[[Row], str]] = {
        "memory, MB": lambda row: _both(row.rss_mb, row.far_rss_mb, 0)
    }
    if kind is Kind.IDLE:
        return {
            "daemon, % of a core": lambda row: f"{cores(row)[1]:.2f}",
            "server": lambda row: f"{cores(row)[0]:.2f}",
        } | memory
    if kind is Kind.STATUS:
        return {"p99 of `status`, ms": lambda row: f"{row.status_p99_ms or 0:.1f}"} | memory
    rates: dict[str, Callable[[Row], str]] = {
        "MB/s": lambda row: f"{row.mb_per_s:,.0f}",
        "files/s": lambda row: f"{row.files_per_s:,.0f}",
    }
    return {
        "seconds": lambda row: f"{row.seconds:.3f}",
        **({} if kind is Kind.ALONE else {"ours is": _ours_is}),
        "CPU s": lambda row: _both(row.cpu_seconds, row.far_cpu_seconds, 2),
        **(rates if kind in (Kind.FRESH, Kind.ALONE) else {}),
    } | memory


def _both(both: float, far: float, digits: int) -> str:
    """A figure of the client and of the server; one figure for tools without a server."""
    return f"{both - far:,.{digits}f} + {far:,.{digits}f}" if far else f"{both:,.{digits}f}"


def _ours_is(row: Row) -> str:
    return "" if row.ours_is is None or row.tool == OURS else f"x {row.ours_is:.2f}"


def _ahead(rows: Iterable[Row]) -> str:
    """The cases in which another tool is faster."""
    ahead = [
        row for row in rows if row.ours_is is not None and row.ours_is < 1 and _drawn(row.workload)
    ]
    lines = [
        f"- {_words(workload)}, {mode}, {direction}: "
        + ", ".join(f"{row.tool} {row.ours_is:.2f}" for row in found)
        for (workload, mode, direction), found in groupby(
            ahead, key=lambda row: (row.workload, row.mode, row.direction)
        )
    ]
    said = ["What it takes of Cargo's time:\n", *lines] if lines else ["Nowhere."]
    return "\n".join(["## Where another tool is faster\n", *said, ""])


def _by_workload(rows: Iterable[Row]) -> list[tuple[str, list[Row]]]:
    return [(name, list(found)) for name, found in groupby(rows, key=lambda row: row.workload)]


def _picture(workload: str, rows: Sequence[Row]) -> str:
    return picture(_words(workload), rows, ALL_OURS, RATE if workload in LINKS else SECONDS)


def _drawn(workload: str) -> bool:
    """Whether it has a picture: it shows how fast files move."""
    return workload not in ALL or ALL[workload].kind not in (Kind.IDLE, Kind.STATUS)


def _words(workload: str) -> str:
    if workload in LINKS:
        return LINKS[workload].words
    return ALL[workload].words if workload in ALL else workload


def main(words: Sequence[str]) -> None:
    """Write the page and its pictures."""
    if not words:
        raise SystemExit(__doc__)
    results = merged([load(Path(word)) for word in words])
    (DOCS / "benchmarks.md").write_text(page(results))
    (DOCS / "benchmarks").mkdir(exist_ok=True)
    for name, rows in _by_workload(results.rows):
        if _drawn(name):
            (DOCS / "benchmarks" / f"{name}.svg").write_text(_picture(name, rows))


if __name__ == "__main__":
    main(sys.argv[1:])
