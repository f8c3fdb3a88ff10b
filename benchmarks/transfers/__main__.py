"""Runs the benchmark with the options of the command line."""

import argparse
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.transfers import __doc__ as about
from benchmarks.transfers import table
from benchmarks.transfers.peers import OURS, PEERS
from benchmarks.transfers.results import Results, machine, now
from benchmarks.transfers.rounds import Bench
from benchmarks.transfers.verdicts import Row
from benchmarks.transfers.workloads import TRIAL, WORKLOADS, Direction, Workload, room

QUICK: Final = ("small", "large")
QUICK_TOOLS: Final = (OURS, "cp", "rsync")
QUICK_ROUNDS: Final = 3
MEMORY: Final = Path("/dev/shm")
DISK: Final = Path("/var/tmp")
RESULTS: Final = Path(__file__).parents[1] / "results"


def main() -> None:
    """Run what was asked for, print tables, write the results."""
    chosen = _chosen()
    names = chosen.only or (QUICK if chosen.quick else tuple(WORKLOADS))
    tools = chosen.tools or (QUICK_TOOLS if chosen.quick else tuple(PEERS))
    workloads = [_known(name) for name in names]
    rows: list[Row] = []
    versions: dict[str, str] = {}
    directions = [Direction(one) for one in chosen.directions]
    rounds = chosen.rounds or (QUICK_ROUNDS if chosen.quick else 5)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that all is removed then too
    for workload in workloads:
        on = chosen.disk if workload.on_disk else chosen.on or _roomy(room(workload, len(tools)))
        with _temporary(on) as folder:
            bench = Bench(folder, rounds, OURS, _progress)
            about_machine = machine(folder)
            for mode in workload.modes:
                peers = [PEERS[name](mode) for name in tools]
                versions |= {peer.name: peer.version() for peer in peers}
                for found in bench.measure(workload, mode, directions, peers):
                    rows += found
                    _progress("")
                    print("\n".join(table.lines(found)), flush=True)
    if chosen.save:
        path = RESULTS / f"{chosen.save}.json"
        Results(now(), about_machine, versions, rows).save(path)
        print(f"written to {path}")


def _chosen() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.transfers",
        description=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", metavar="NAME,…", type=_words, help=", ".join(WORKLOADS))
    parser.add_argument("--tools", metavar="NAME,…", type=_words, help=", ".join(PEERS))
    parser.add_argument("--directions", type=_words, default=("up", "down"), help="up,down")
    parser.add_argument("--rounds", type=int, help="default: 5, or 3 with --quick")
    parser.add_argument("--quick", action="store_true", help="under a minute")
    parser.add_argument("--on", type=Path, help=f"folder; default: {MEMORY} if it has room")
    parser.add_argument("--disk", type=Path, default=DISK, help=f"on a disk; default: {DISK}")
    parser.add_argument("--save", metavar="NAME", help=f"write {RESULTS.name}/NAME.json")
    return parser.parse_args()


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


def _known(name: str) -> Workload:
    if name == TRIAL.name:
        return TRIAL
    if name not in WORKLOADS:
        raise SystemExit(f"there is no workload {name!r}; there are: {', '.join(WORKLOADS)}")
    return WORKLOADS[name]


def _roomy(needed: int) -> Path:
    """A folder in memory if it has so much room, else the one for temporary files."""
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > needed:
        return MEMORY
    return Path(tempfile.gettempdir())


@contextmanager
def _temporary(on: Path) -> Iterator[Path]:
    """A folder that is removed at the end, whatever happens."""
    folder = Path(tempfile.mkdtemp(prefix="cargo-bench-", dir=on))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _progress(line: str) -> None:
    """One line that the next one replaces, for a person who waits."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
