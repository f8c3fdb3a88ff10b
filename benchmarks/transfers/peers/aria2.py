"""aria2 with nginx: downloads over up to 16 connections."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.transfers.peer import Commands, Move, Need, by_name
from benchmarks.transfers.peers import nginx
from benchmarks.transfers.peers.nginx import Nginx
from benchmarks.transfers.servers import version_of
from benchmarks.transfers.workloads import Direction, Mode, Workload


class Aria2:
    """`aria2c -x16`; it cannot upload."""

    name = "aria2"

    def __init__(self, mode: Mode) -> None:
        self._sealed = mode is Mode.SEALED
        self._over = "https" if self._sealed else "http"
        self.needs = [Need("aria2c", "aria2"), nginx.NEED]

    def version(self) -> str:
        return version_of("aria2c", "--version")

    def over(self, workload: Workload, direction: Direction) -> str:
        return self._over

    def can(self, workload: Workload, direction: Direction) -> bool:
        return direction is Direction.DOWN and by_name(workload)

    @contextmanager
    def serving(self, home: Path, workload: Workload) -> Iterator[Commands]:
        with nginx.nginx(home, sealed=self._sealed) as server:
            yield Commands([server.pid], lambda move: client(move, server, home / "aria2.txt"))


def client(move: Move, server: Nginx, listed: Path) -> Sequence[str]:
    """The command of a run; its list of files is written to `listed`."""
    with listed.open("w") as lines:
        for path in move.workload.paths():
            lines.write(f"{server.url}/{move.far.name}/{path}\n  out={path}\n")
    trusted = [f"--ca-certificate={server.cert}"] if server.cert else []
    connections = ["-x16", "-s16", "-j16", "-k1M", "--file-allocation=none"]
    return ["aria2c", "-q", *connections, *trusted, f"-d{move.near}", f"-i{listed}"]
