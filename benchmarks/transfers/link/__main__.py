"""Runs the benchmark of links with the options of the command line."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.transfers import packages, table
from benchmarks.transfers.forecast import words
from benchmarks.transfers.link import __doc__ as about
from benchmarks.transfers.link.carriers import BEFORE, Carrier, carrier
from benchmarks.transfers.link.links import LINKS, Link
from benchmarks.transfers.link.runs import arrived
from benchmarks.transfers.link.tools import TOOLS
from benchmarks.transfers.link.verdicts import link_rows
from benchmarks.transfers.metering import FailedCommandError
from benchmarks.transfers.options import RESULTS, names
from benchmarks.transfers.peers import OURS, PEERS
from benchmarks.transfers.places import MEMORY, temporary
from benchmarks.transfers.results import Results, machine, now
from benchmarks.transfers.rounds import rotated
from benchmarks.transfers.verdicts import Row
from benchmarks.transfers.workloads import Direction, Mode

AROUND: Final = 3.0
"""Seconds to make files and links, and to remove them."""


def main() -> int:
    """Run what was asked for, print tables, write the results; 1 if a tool failed."""
    given = _parser().parse_args()
    packages.use_folder()
    on = MEMORY if MEMORY.is_dir() else Path(tempfile.gettempdir())
    run = _Run(carrier(), on, given.rounds, given.seconds)
    ways = {
        way: [name for name in given.tools if way in TOOLS[name].directions]
        for way in map(Direction, given.directions)
    }
    run.ahead = len(given.only) * given.rounds * sum(map(len, ways.values()))
    rows: list[Row] = []
    for link in (LINKS[name] for name in given.only):
        for direction, tools in ways.items():
            if found := run.measure(link, direction, tools):
                rows += found
                print("\n".join(table.link_lines(link, found)), flush=True)
            print(words(run.ahead * run.each), file=sys.stderr, flush=True)
        if given.save and rows:
            versions = {name: PEERS[name](Mode.SEALED).version() for name in given.tools}
            Results(now(), machine(on), versions, rows).save(RESULTS / f"{given.save}.json")
    for failure in run.failures:
        print(failure, file=sys.stderr)
    return int(bool(run.failures))


class _Run:
    """Measures tools on links, in folders below `on`.

    each      seconds of one run, about
    ahead     how many runs are still to come
    failures  of tools, in words
    """

    def __init__(self, across: Carrier, on: Path, rounds: int, seconds: float) -> None:
        self.each = BEFORE + seconds + AROUND
        self.ahead = 0
        self.failures: list[str] = []
        self._across = across
        self._on = on
        self._rounds = rounds
        self._seconds = seconds

    def measure(self, link: Link, direction: Direction, tools: Sequence[str]) -> list[Row]:
        """The rows of a link and direction. A tool that fails is left out from then on."""
        found: dict[str, list[int]] = {name: [] for name in tools}
        for number in range(self._rounds):
            for name in rotated(list(found), number):
                try:
                    with temporary(self._on) as home:
                        found[name].append(
                            arrived(self._across, link, name, direction, self._seconds, home)
                        )
                except FailedCommandError as error:
                    self.failures.append(str(error))
                    del found[name]
        self.ahead -= self._rounds * len(tools)
        return link_rows(link, direction, self._seconds, found, OURS)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.transfers.link",
        description=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", type=names, default=tuple(LINKS), help=", ".join(LINKS))
    parser.add_argument("--tools", type=names, default=tuple(TOOLS), help=", ".join(TOOLS))
    parser.add_argument("--directions", type=names, default=tuple(Direction), help="up,down")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each run; default: 20")
    parser.add_argument("--save", metavar="NAME", default="", help="write results/NAME.json")
    return parser


if __name__ == "__main__":
    sys.exit(main())
