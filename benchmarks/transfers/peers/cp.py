"""`cp -r`: no network, no server, no check. What the machine can do at most."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.transfers.peer import Commands, Move, Need
from benchmarks.transfers.servers import version_of
from benchmarks.transfers.workloads import Direction, Kind, Workload


class Cp:
    """GNU cp."""

    name = "cp"
    fills = False

    def __init__(self) -> None:
        self.needs = [Need("cp", "coreutils")]

    def version(self) -> str:
        return version_of("cp", "--version")

    def over(self, workload: Workload, direction: Direction) -> str:
        return ""

    def can(self, workload: Workload, direction: Direction) -> bool:
        return workload.kind is Kind.FRESH

    @contextmanager
    def serving(self, home: Path, workload: Workload) -> Iterator[Commands]:
        yield Commands((), _words)


def _words(move: Move) -> Sequence[str]:
    return "cp", "-r", f"{move.source}/.", f"{move.target}/"
