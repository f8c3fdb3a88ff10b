"""lftp with nginx: `mirror` of a folder. Its uploads need a server of another kind."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.transfers.peer import Move
from benchmarks.transfers.peers.nginx import Nginx, NginxPeer
from benchmarks.transfers.workloads import Direction


class Lftp(NginxPeer):
    """`lftp mirror` with 8 transfers at a time, and 4 parts of a large file."""

    name = program = package = "lftp"
    directions = (Direction.DOWN,)

    def client(self, move: Move, server: Nginx, home: Path) -> Sequence[str]:
        trusted = f"set ssl:ca-file {server.cert}; " if server.cert else ""
        mirror = f"mirror --parallel=8 --use-pget-n=4 /{move.far.name}/ {move.near}/"
        return ["lftp", "-c", f"{trusted}open {server.url}/; {mirror}"]
