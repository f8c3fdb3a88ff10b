"""lftp with nginx: `mirror` of a folder. Its uploads need a server of another kind."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.transfers.peer import Commands, Move, Need, by_name
from benchmarks.transfers.peers import nginx
from benchmarks.transfers.peers.nginx import Nginx
from benchmarks.transfers.servers import version_of
from benchmarks.transfers.workloads import Direction, Mode, Workload


class Lftp:
    """`lftp mirror` with 8 transfers at a time, and 4 parts of a large file."""

    name = "lftp"

    def __init__(self, mode: Mode) -> None:
        self._sealed = mode is Mode.SEALED
        self._over = "https" if self._sealed else "http"
        self.needs = [Need("lftp", "lftp"), nginx.NEED]

    def version(self) -> str:
        return version_of("lftp", "--version")

    def over(self, workload: Workload, direction: Direction) -> str:
        return self._over

    def can(self, workload: Workload, direction: Direction) -> bool:
        return direction is Direction.DOWN and by_name(workload)

    @contextmanager
    def serving(self, home: Path, workload: Workload) -> Iterator[Commands]:
        with nginx.nginx(home, sealed=self._sealed) as server:
            yield Commands([server.pid], lambda move: _words(move, server))


def _words(move: Move, server: Nginx) -> Sequence[str]:
    trusted = f"set ssl:ca-file {server.cert}; " if server.cert else ""
    mirror = f"mirror --parallel=8 --use-pget-n=4 /{move.far.name}/ {move.near}/"
    return ["lftp", "-c", f"{trusted}open {server.url}/; {mirror}"]
