"""aria2 with nginx: downloads over up to 16 connections."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.transfers.peer import Move
from benchmarks.transfers.peers.nginx import Nginx, NginxPeer
from benchmarks.transfers.workloads import Direction


class Aria2(NginxPeer):
    """`aria2c -x16`; it cannot upload."""

    name = package = "aria2"
    program = "aria2c"
    directions = (Direction.DOWN,)

    def client(self, move: Move, server: Nginx, home: Path) -> Sequence[str]:
        return client(move, server, home / "aria2.txt")


def client(move: Move, server: Nginx, listed: Path) -> Sequence[str]:
    """The command of a run; its list of files is written to `listed`."""
    with listed.open("w") as lines:
        for path in move.workload.paths():
            lines.write(f"{server.url}/{move.far.name}/{path}\n  out={path}\n")
    trusted = [f"--ca-certificate={server.cert}"] if server.cert else []
    connections = ["-x16", "-s16", "-j16", "-k1M", "--file-allocation=none"]
    return ["aria2c", "-q", *connections, *trusted, f"-d{move.near}", f"-i{listed}"]
