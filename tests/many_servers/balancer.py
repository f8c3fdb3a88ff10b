"""HAProxy before the servers, with the file that is in configs/cluster; else a proxy of our own."""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.many_servers.forward import Forward
from tests.remotes.installed import Found, of_system
from tests.remotes.processes import guarded, kill
from tests.remotes.server import HTTP, MissingError
from tests.remotes.waiting import greets, until

SHIPPED: Final = Path(__file__).parents[2] / "configs" / "cluster" / "haproxy.cfg"
_BIND: Final = re.compile(r"^    bind :8443 ssl .*$", re.M)
_SERVER: Final = re.compile(r"^    server (\w) [0-9.]+:8443 ssl .*\n", re.M)

Balancer = str
"""What it is, with its version."""


@contextmanager
def balanced(folder: Path, port: int, servers: Mapping[str, int]) -> Iterator[Balancer]:
    """What listens at a port of loopback, and gives what comes to servers at others."""
    try:
        haproxy = of_system("haproxy")
    except MissingError:
        ours = Forward(port, list(servers.values()))
        try:
            yield "a proxy of our own"
        finally:
            ours.close()
        return
    settings = folder / "haproxy.cfg"
    settings.write_text(on_loopback(SHIPPED.read_text(), port, servers))
    log = folder / "haproxy.out"
    with open(log, "ab") as to:
        program = subprocess.Popen(
            guarded([haproxy.path, "-db", "-f", str(settings)]),
            stdin=subprocess.PIPE, stdout=to, stderr=to, start_new_session=True,
            env=os.environ | haproxy.environment,
        )  # fmt: skip
    try:
        until(lambda: greets(port, HTTP), "HAProxy answers", program, log)
        yield _version(haproxy)
    finally:
        kill(program)


def on_loopback(shipped: str, port: int, servers: Mapping[str, int]) -> str:
    """The shipped file, for servers without TLS on loopback."""
    told, count = _BIND.subn(f"    bind 127.0.0.1:{port}", shipped)
    assert count == 1, "the file has one port for clients"
    found = _SERVER.findall(told)
    assert found == ["a", "b", "c"], "the file has three servers"
    source = "    balance source\n    hash-type consistent\n"
    assert source in told, "a client stays at one server"
    told = told.replace(source, "    balance roundrobin\n")  # here all have one address
    lines = "".join(f"    server {name} 127.0.0.1:{one}\n" for name, one in servers.items())
    return _SERVER.sub(lambda one: lines if one[1] == "a" else "", told)


def _version(haproxy: Found) -> str:
    found = re.search(r"version (\S+)", haproxy.says("-v"))
    return f"HAProxy {found[1]}" if found else "HAProxy"
