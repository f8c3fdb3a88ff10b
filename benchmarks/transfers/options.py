"""The options of the command line, and what they mean."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from benchmarks.transfers import __doc__ as about
from benchmarks.transfers.peers import OURS, PEERS
from benchmarks.transfers.places import DISK, MEMORY
from benchmarks.transfers.workloads import ALL, BIG, WORKLOADS, Direction, Mode, Workload

QUICK: Final = {"small": 3, "large": 2}
"""Workloads that take less than a minute together, and how many rounds of each do."""
FEW_TOOLS: Final = (OURS, "cp", "rsync")
RESULTS: Final = Path(__file__).parents[1] / "results"


@dataclass(frozen=True, slots=True)
class Options:
    """What shall be measured.

    rounds    of each workload and direction
    install   packages that are missing
    on        the folder for the files, or None for one with enough room
    disk      the same for workloads that are on a disk
    previous  a commit to compare with, or ""
    save      the name of the results; "" for none
    """

    workloads: Sequence[Workload]
    tools: Sequence[str]
    directions: Sequence[Direction]
    rounds: int
    install: bool
    on: Path | None
    disk: Path
    previous: str
    save: str


def parsed(words: Sequence[str] | None = None) -> Options:
    """The options in `words`; by default those of this process. Exits if they are wrong."""
    parser = _parser()
    given = parser.parse_args(words)
    chosen = given.only or tuple(QUICK if given.quick else BIG if given.big else WORKLOADS)
    tools = given.tools or (FEW_TOOLS if given.quick or given.big else tuple(PEERS))
    for kind, those, there in (
        ("workload", chosen, list(ALL)),
        ("tool", tools, list(PEERS)),
        ("direction", given.directions, list(Direction)),
    ):
        for name in those:
            if name not in there:
                parser.error(f"there is no {kind} {name!r}; there are: {', '.join(there)}")
    return Options(
        workloads=[
            _quick(ALL[name], given.rounds) if given.quick else ALL[name] for name in chosen
        ],
        tools=tools,
        directions=[Direction(name) for name in given.directions],
        rounds=given.rounds or (3 if given.quick or given.big else 5),
        install=given.install,
        on=given.on,
        disk=given.disk,
        previous=given.previous,
        save=given.save,
    )


def _quick(workload: Workload, asked: int | None) -> Workload:
    return replace(workload, modes=(Mode.SEALED,), rounds=asked or QUICK.get(workload.name, 0))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.transfers",
        description=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", metavar="NAME,…", type=names, help=", ".join([*WORKLOADS, *BIG]))
    parser.add_argument("--tools", metavar="NAME,…", type=names, help=", ".join(PEERS))
    parser.add_argument("--directions", type=names, default=tuple(Direction), help="up,down")
    parser.add_argument("--rounds", type=int, help="default: 5, or 3 with --quick and --big")
    parser.add_argument("--quick", action="store_true", help="under a minute")
    parser.add_argument("--big", action="store_true", help="1,000,000 files")
    parser.add_argument("--install", action="store_true", help="install tools that are missing")
    parser.add_argument("--on", type=Path, help=f"a folder; default: {MEMORY} if it has room")
    parser.add_argument("--disk", type=Path, default=DISK, help=f"on a disk; default: {DISK}")
    parser.add_argument("--previous", metavar="COMMIT", default="", help="an older build of ours")
    parser.add_argument("--save", metavar="NAME", default="", help="write results/NAME.json")
    return parser


def names(text: str) -> tuple[str, ...]:
    """The names in a list with commas."""
    return tuple(text.split(","))
