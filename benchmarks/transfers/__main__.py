"""Runs the benchmark with the options of the command line."""

import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack

from benchmarks.transfers import packages, table
from benchmarks.transfers.options import RESULTS, Options, parsed
from benchmarks.transfers.peer import Peer
from benchmarks.transfers.peers import OURS, PEERS
from benchmarks.transfers.peers.cargo import Cargo
from benchmarks.transfers.places import folder_for
from benchmarks.transfers.previous import Build, built
from benchmarks.transfers.results import Results, machine, now
from benchmarks.transfers.rounds import Bench
from benchmarks.transfers.verdicts import Row
from benchmarks.transfers.workloads import Mode, Workload


def main() -> int:
    """Run what was asked for, print tables, write the results; 1 if a tool failed."""
    options = parsed()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that all is removed then too
    packages.use_folder()
    tools = _available(options)
    rows: list[Row] = []
    versions: dict[str, str] = {}
    failures: list[str] = []
    with ExitStack() as stack:
        older = stack.enter_context(built(options.previous)) if options.previous else None
        for workload in options.workloads:
            able = _able(tools, workload, options)
            many = len(able) + (older is not None)
            with folder_for(workload, many, options.on, options.disk) as folder:
                about_machine = machine(folder)
                bench = Bench(folder, options.rounds, OURS, _progress)
                for mode in workload.modes:
                    peers = _peers(able, mode, older)
                    versions |= {peer.name: peer.version() for peer in peers}
                    for found in bench.measure(workload, mode, options.directions, peers):
                        rows += found
                        _progress("")
                        print("\n".join(table.lines(found)), flush=True)
                failures += bench.failures
    for failure in failures:
        print(failure, file=sys.stderr)
    if options.save and rows:
        path = RESULTS / f"{options.save}.json"
        Results(now(), about_machine, versions, rows).save(path)
        print(f"written to {path}")
    return int(bool(failures))


def _available(options: Options) -> list[str]:
    """The names of tools that are there, after those that are missing were installed or named."""
    both = {name: PEERS[name](Mode.SEALED) for name in options.tools}
    if options.install and (needs := packages.missing(both.values())):
        print(f"installing {', '.join(need.package for need in needs)} …", flush=True)
        packages.install(needs)
    for need in packages.missing(both.values()):
        print(f"{need.command} is missing: install the package {need.package}")
    return [name for name, peer in both.items() if not packages.missing([peer])]


def _able(tools: Sequence[str], workload: Workload, options: Options) -> list[str]:
    """The names of tools that can do something of a workload."""
    peers = {name: PEERS[name](Mode.SEALED) for name in tools}
    return [
        name
        for name, peer in peers.items()
        if any(peer.can(workload, direction) for direction in options.directions)
    ]


def _peers(tools: list[str], mode: Mode, older: Build | None) -> list[Peer]:
    peers = [PEERS[name](mode) for name in tools]
    return peers if older is None else [*peers, Cargo(mode, name="previous", build=older)]


def _progress(line: str) -> None:
    """One line that the next one replaces, for a person who waits."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
