"""Runs the benchmark with the options of the command line."""

import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack

from benchmarks.transfers import packages, table
from benchmarks.transfers.forecast import Forecast
from benchmarks.transfers.options import RESULTS, Options, parsed
from benchmarks.transfers.peer import Peer
from benchmarks.transfers.peers import OURS, PEERS
from benchmarks.transfers.peers.cargo import Cargo
from benchmarks.transfers.places import folder_for
from benchmarks.transfers.previous import Build, built
from benchmarks.transfers.progress import Progress
from benchmarks.transfers.results import Results, machine, now
from benchmarks.transfers.rounds import Bench, groups
from benchmarks.transfers.verdicts import Row
from benchmarks.transfers.workloads import Mode, Workload


def main() -> int:
    """Run what was asked for, print tables, write the results; 1 if a tool failed."""
    options = parsed()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that all is removed then too
    packages.use_folder()
    tools = _available(options)
    with ExitStack() as stack:
        older = stack.enter_context(built(options.previous)) if options.previous else None
        run = _Run(options, tools, older)
        for workload in options.workloads:
            run.measure(workload)
    for failure in run.failures:
        print(failure, file=sys.stderr)
    return int(bool(run.failures))


def _available(options: Options) -> list[str]:
    """The names of tools that are there, after those that are missing were installed or named."""
    both = {name: PEERS[name](Mode.SEALED) for name in options.tools}
    if options.install and (needs := packages.missing(both.values())):
        print(f"installing {', '.join(need.package for need in needs)} …", flush=True)
        packages.install(needs)
    for need in packages.missing(both.values()):
        print(f"{need.command} is missing: install the package {need.package}")
    return [name for name, peer in both.items() if not packages.missing([peer])]


class _Run:
    """Measures one workload after the other, and keeps what was found.

    failures  of tools, in words
    """

    def __init__(self, options: Options, tools: Sequence[str], older: Build | None) -> None:
        self.failures: list[str] = []
        self._options = options
        self._tools = tools
        self._older = older
        self._rows: list[Row] = []
        self._versions: dict[str, str] = {}
        self._machine: dict[str, str] = {}
        self._progress = Progress(
            Forecast(
                [
                    group
                    for workload in options.workloads
                    for mode, peers in self._peers(workload).items()
                    for group in groups(workload, mode, options.directions, peers, options.rounds)
                ]
            )
        )

    def measure(self, workload: Workload) -> None:
        """Measures a workload, prints tables, and writes the results until now."""
        options, progress = self._options, self._progress
        modes = self._peers(workload)
        many = max(map(len, modes.values()), default=0)
        with folder_for(workload, many, options.on, options.disk) as folder:
            bench = Bench(folder, options.rounds, OURS, progress.ran)
            for mode, peers in modes.items():
                self._versions |= {one.name: text for one in peers if (text := one.version())}
                for found in bench.measure(workload, mode, options.directions, peers):
                    self._rows += found
                    progress.show("\n".join(table.lines(found)))
            self.failures += bench.failures
            self._machine = self._machine or machine(folder)
            if options.save and self._rows:
                results = Results(now(), self._machine, self._versions, self._rows)
                results.save(RESULTS / f"{options.save}.json")

    def _peers(self, workload: Workload) -> dict[Mode, list[Peer]]:
        """The tools that can do something of a workload, in each of its modes."""
        found: dict[Mode, list[Peer]] = {}
        for mode in workload.modes:
            peers = [PEERS[name](mode) for name in self._tools]
            if self._older is not None:
                peers.append(Cargo(mode, name="previous", build=self._older))
            ways = self._options.directions
            if able := [peer for peer in peers if any(peer.can(workload, way) for way in ways)]:
                found[mode] = able
        return found


if __name__ == "__main__":
    sys.exit(main())
