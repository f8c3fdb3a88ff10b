"""curl with nginx: one file over one connection, many files over up to 50 (`-Z`)."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.transfers.peer import Move
from benchmarks.transfers.peers.nginx import Nginx, NginxPeer
from benchmarks.transfers.workloads import Direction


class Curl(NginxPeer):
    """`curl`, and `curl -Z` for many files."""

    name = program = package = "curl"

    def client(self, move: Move, server: Nginx, home: Path) -> Sequence[str]:
        settings, up = home / "curl.conf", move.direction is Direction.UP
        with settings.open("w") as lines:
            for path in move.workload.paths():
                lines.write(f'url = "{server.url}/{move.far.name}/{path}"\n')
                lines.write(f'{"upload-file" if up else "output"} = "{move.near}/{path}"\n')
        trusted = ["--cacert", server.cert] if server.cert else []
        parallel = ["--parallel"] if move.workload.files > 1 else []
        made = [] if up else ["--create-dirs"]
        return ["curl", "-sSf", "--config", str(settings), *trusted, *parallel, *made]
