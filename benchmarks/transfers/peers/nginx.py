"""nginx, the server of all peers that speak HTTP: files, lists of them, and PUT."""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, Final

from benchmarks.programs import free_ports
from benchmarks.transfers.peer import FILES, LOOPBACK, Commands, Move, Need
from benchmarks.transfers.servers import started, version_of
from benchmarks.transfers.workloads import Direction, Mode, Workload
from cargo_sync.process.tls import Certificate, self_made

NEED: Final = Need("nginx", "nginx-light")
SETTINGS: Final = """
daemon off; pid {home}/nginx.pid; error_log {home}/nginx-errors.log; {user} worker_processes auto;
events {{ worker_connections 4096; }}
http {{
  access_log off; sendfile on; tcp_nopush on; client_max_body_size 0;
  client_body_temp_path {home}/bodies; proxy_temp_path {home}/unused;
  fastcgi_temp_path {home}/unused; uwsgi_temp_path {home}/unused; scgi_temp_path {home}/unused;
  server {{
    listen {host}:{port} {tls};
    location / {{ root {home}/{files}; autoindex on; dav_methods PUT; create_full_put_path on; }}
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class Nginx:
    """A running one.

    url   of the folder that it serves, without a slash at the end
    cert  the certificate that clients trust; "" over plain HTTP
    """

    pid: int
    url: str
    cert: str


class NginxPeer(ABC):
    """A tool that copies from nginx, or also to it; over HTTPS if `mode` is sealed.

    program, package  what it is called, and the system's package that has it
    directions        which ways it can copy
    """

    name: ClassVar[str]
    program: ClassVar[str]
    package: ClassVar[str]
    directions: ClassVar[Sequence[Direction]] = tuple(Direction)
    fills = False

    def __init__(self, mode: Mode) -> None:
        self._sealed = mode is Mode.SEALED
        self.needs = [Need(self.program, self.package), NEED]

    def version(self) -> str:
        return version_of(self.program, "--version")

    def over(self, workload: Workload, direction: Direction) -> str:
        return "https" if self._sealed else "http"

    def can(self, workload: Workload, direction: Direction) -> bool:
        return direction in self.directions and workload.by_name

    @contextmanager
    def serving(self, home: Path, workload: Workload) -> Iterator[Commands]:
        with nginx(home, sealed=self._sealed) as server:
            yield Commands([server.pid], lambda move: self.client(move, server, home))

    @abstractmethod
    def client(self, move: Move, server: Nginx, home: Path) -> Sequence[str]:
        """The command of a run; what it reads is written below `home`."""


@contextmanager
def nginx(home: Path, *, sealed: bool) -> Iterator[Nginx]:
    """Serves what a peer serves, over HTTPS if `sealed`."""
    port, _ = free_ports()
    certificate = certificate_in(home, LOOPBACK) if sealed else None
    with started(command(home, LOOPBACK, port, certificate), port, home / "nginx.log") as pid:
        url = f"{'https' if sealed else 'http'}://{LOOPBACK}:{port}"
        yield Nginx(pid, url, certificate.cert if certificate else "")


def command(home: Path, host: str, port: int, certificate: Certificate | None) -> Sequence[str]:
    """The command that serves, with its settings written; over HTTPS with a certificate."""
    settings = home / "nginx.conf"
    tls = ""
    if certificate:
        tls = f"ssl; ssl_certificate {certificate.cert}; ssl_certificate_key {certificate.key}"
    settings.write_text(
        SETTINGS.format(
            home=home,
            files=FILES,
            host=host,
            port=port,
            user="user root;" if os.geteuid() == 0 else "",
            tls=tls,
        )
    )
    return ["nginx", "-c", str(settings)]


def certificate_in(home: Path, host: str) -> Certificate:
    """A certificate for a host, of the same kind as ours."""
    return self_made(str(home), [host], datetime.now(UTC))
