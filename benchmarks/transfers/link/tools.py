"""The tools: what is run at both ends. All but Cargo use the system's usual congestion control."""

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.programs import USER, Programs, store
from benchmarks.transfers.link.links import FAR_HOST
from benchmarks.transfers.peer import Move
from benchmarks.transfers.peers import aria2, nginx, rclone, rsync
from benchmarks.transfers.peers.nginx import Nginx, certificate_in
from benchmarks.transfers.workloads import Direction

PORT: Final = 8443
LANES: Final = 8444
USUAL: Final = "cubic"


@dataclass(frozen=True, slots=True)
class Ends:
    """The commands at both ends, for a shell; `control` is their congestion control."""

    server: str
    client: str
    control: str = USUAL


def _cargo(home: Path, move: Move) -> Ends:
    """Ours, from the start of the daemon; it chooses its own congestion control."""
    certificate = certificate_in(home, FAR_HOST)
    files = {"cert": certificate.cert, "key": certificate.key}
    listen = {"listen": f"{FAR_HOST}:{PORT}", "initial_port": LANES, "tls": files, "settle": 0}
    programs = Programs(home, {}, server=listen, sealed=True)
    job = {
        "sync_name": "bench",
        "sync_mode": "upload" if move.direction is Direction.UP else "download",
        "local_dir": str(move.near),
        "remote_dir": f"/{move.far.name}",
        "hostname": f"https://{FAR_HOST}:{PORT}",
        "tls_fingerprint": certificate.fingerprint.removeprefix("sha256:"),
        "username": USER,
        "password": USER,
        "settle": 0,
    }
    store(home / "jobs" / "bench.json", job)
    env = [f"{name}={value}" for name, value in programs.env.items()]
    server, client = (
        _shell(["env", "-C", str(home), *env, *programs.command(name)])
        for name in ("server", "daemon")
    )
    return Ends(server, client, "")


def _rsync(home: Path, move: Move) -> Ends:
    return _ends(rsync.server(home, FAR_HOST, PORT), rsync.client(move, FAR_HOST, PORT))


def _rclone(home: Path, move: Move) -> Ends:
    trusted = certificate_in(home, FAR_HOST)
    remote = rclone.webdav_remote(FAR_HOST, PORT, trusted) + move.far.name
    up = move.direction is Direction.UP
    ends = (str(move.near), remote) if up else (remote, str(move.near))
    # What has arrived is measured by the room that it takes.
    options = ["--ca-cert", trusted.cert, "--local-no-preallocate"]
    return _ends(
        rclone.webdav_server(home, FAR_HOST, PORT, trusted), [*rclone.copy(*ends), *options]
    )


def _aria2(home: Path, move: Move) -> Ends:
    trusted = certificate_in(home, FAR_HOST)
    server = Nginx(0, f"https://{FAR_HOST}:{PORT}", trusted.cert)
    return _ends(
        nginx.command(home, FAR_HOST, PORT, trusted),
        [*aria2.client(move, server, home / "aria2.txt"), "--disk-cache=0"],
    )


def _ends(server: Sequence[str], client: Sequence[str]) -> Ends:
    return Ends(_shell(server), _shell(client))


def _shell(words: Sequence[str]) -> str:
    return f"exec {shlex.join(words)}"


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool: what carries its bytes, its commands, and where it can move files."""

    over: str
    ends: Callable[[Path, Move], Ends]
    directions: Sequence[Direction] = tuple(Direction)


TOOLS: Final[Mapping[str, Tool]] = {
    "cargo": Tool("https", _cargo),
    "rsync": Tool("rsync://", _rsync),
    "rclone": Tool("webdavs", _rclone),
    "aria2": Tool("https", _aria2, (Direction.DOWN,)),
}
