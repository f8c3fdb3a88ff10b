"""Runs the benchmark of links with the options of the command line."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.transfers import packages, results, table
from benchmarks.transfers.link import __doc__ as about
from benchmarks.transfers.link.carriers import carrier
from benchmarks.transfers.link.links import LINKS, Link
from benchmarks.transfers.link.runs import arrived
from benchmarks.transfers.link.tools import TOOLS
from benchmarks.transfers.link.verdicts import link_rows
from benchmarks.transfers.options import RESULTS, names
from benchmarks.transfers.peers import OURS, PEERS
from benchmarks.transfers.places import MEMORY, temporary
from benchmarks.transfers.rounds import rotated
from benchmarks.transfers.verdicts import Row
from benchmarks.transfers.workloads import Direction, Mode


def main() -> int:
    """Run what was asked for, print tables, write the results."""
    given = _parser().parse_args()
    packages.use_folder()
    across = carrier()
    on = MEMORY if MEMORY.is_dir() else Path(tempfile.gettempdir())
    rows: list[Row] = []

    def measured(link: Link, direction: Direction, tools: Sequence[str]) -> list[Row]:
        found: dict[str, list[int]] = {name: [] for name in tools}
        for number in range(given.rounds):
            for name in rotated(tools, number):
                with temporary(on) as home:
                    found[name].append(arrived(across, link, name, direction, given.seconds, home))
        return link_rows(link, direction, given.seconds, found, OURS)

    for link in (LINKS[name] for name in given.only):
        for direction in map(Direction, given.directions):
            tools = [name for name in given.tools if direction in TOOLS[name].directions]
            found = measured(link, direction, tools)
            rows += found
            print("\n".join(table.link_lines(link, found)), flush=True)
    if given.save:
        versions = {name: PEERS[name](Mode.SEALED).version() for name in given.tools}
        path = RESULTS / f"{given.save}.json"
        results.Results(results.now(), results.machine(on), versions, rows).save(path)
        print(f"written to {path}")
    return 0


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
