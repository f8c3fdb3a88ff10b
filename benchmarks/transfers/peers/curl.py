"""curl with nginx: one file over one connection, many files over up to 50 (`-Z`)."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.transfers.peer import Commands, Move, Need, by_name
from benchmarks.transfers.peers import nginx
from benchmarks.transfers.peers.nginx import Nginx
from benchmarks.transfers.servers import version_of
from benchmarks.transfers.workloads import Direction, Mode, Workload


class Curl:
    """`curl`, and `curl -Z` for many files."""

    name = "curl"

    def __init__(self, mode: Mode) -> None:
        self._sealed = mode is Mode.SEALED
        self._over = "https" if self._sealed else "http"
        self.needs = [Need("curl", "curl"), nginx.NEED]

    def version(self) -> str:
        return version_of("curl", "--version")

    def over(self, workload: Workload, direction: Direction) -> str:
        return self._over

    def can(self, workload: Workload, direction: Direction) -> bool:
        return by_name(workload)

    @contextmanager
    def serving(self, home: Path, workload: Workload) -> Iterator[Commands]:
        with nginx.nginx(home, sealed=self._sealed) as server:
            yield Commands([server.pid], lambda move: _words(move, server, home / "curl.conf"))


def _words(move: Move, server: Nginx, settings: Path) -> Sequence[str]:
    up = move.direction is Direction.UP
    with settings.open("w") as lines:
        for path in move.workload.paths():
            lines.write(f'url = "{server.url}/{move.far.name}/{path}"\n')
            lines.write(f'{"upload-file" if up else "output"} = "{move.near}/{path}"\n')
    trusted = ["--cacert", server.cert] if server.cert else []
    parallel = ["--parallel"] if move.workload.files > 1 else []
    made = [] if up else ["--create-dirs"]
    return ["curl", "-sSf", "--config", str(settings), *trusted, *parallel, *made]
