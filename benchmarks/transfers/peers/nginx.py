"""nginx, the server of all peers that speak HTTP: files, lists of them, and PUT."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmarks.programs import free_ports
from benchmarks.transfers.peer import FILES, LOOPBACK, Need
from benchmarks.transfers.servers import started
from cargo_sync.server.http.tls import Certificate, self_made

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
