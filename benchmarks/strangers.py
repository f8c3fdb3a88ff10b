"""What honest clients get done beside thousands of silent connections, at each port of a server.

At each port an honest client does the same small thing again and again, each time over a new
connection: read from the API, send files over a lane, store a file at the framed port of Servidor
Backup and list files at its text port, ask for a page at the port of the metrics, call a command at
the control port with keys.

In every second block of time a process of strangers holds silent connections to that port; those
that the server drops are opened again after a while. In the other blocks the same strangers do the
same to a decoy, a program that takes connections and drops them as the server does, and nothing
else. For here the strangers share the cores and the loopback device with the server, which they do
not elsewhere; what is compared is what they cost because the server deals with them. With `--idle`
there are no strangers in the other blocks. Two blocks of each kind make one comparison, in an order
in which no drift has a side; the processor time that the strangers alone cost the server is printed
as well.

    python -m benchmarks.strangers --silent 2000 --pairs 5
    python -m benchmarks.strangers --silent 2000 --pairs 5 --own

With `--own` the silent connections come from the honest client's own address, else from 64 other
loopback addresses (only on Linux).
"""

import argparse
import itertools
import json
import os
import resource
import select
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

from benchmarks.programs import USER, Programs, free_ports, until
from cargo_sync.api.client import Client
from cargo_sync.api.keys import read_key
from cargo_sync.backup_protocol import frames
from cargo_sync.lanes.connect import open_lane
from cargo_sync.lanes.sender import Sender
from cargo_sync.lanes.threads import LaneThread
from cargo_sync.machines.half_open import FIRST_BYTES, HalfOpenLimits
from cargo_sync.model.transfers import Offer
from cargo_sync.process.doors import DEFERRED, defer
from cargo_sync.testing.disk import MemoryFile, MemorySource
from cargo_sync.wire.handshake import LaneKeys

TICK: Final = 0.02
FILES: Final = 64
"""Files of 16 KiB per lane."""

_TRUSTING = ssl.create_default_context()
_TRUSTING.check_hostname = False
_TRUSTING.verify_mode = ssl.CERT_NONE


def main() -> None:
    """Run the measurement with the options of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--silent", type=int, default=2_000, help="silent connections")
    parser.add_argument(
        "--again", type=float, default=3.0, help="seconds until a dropped one is opened again"
    )
    parser.add_argument("--own", action="store_true", help="from the honest client's address")
    parser.add_argument("--seconds", type=float, default=3.0, help="length of each block")
    parser.add_argument("--pairs", type=int, default=5, help="comparisons at each port")
    parser.add_argument("--only", metavar="WORD", default="", help="ports whose name has this word")
    parser.add_argument("--idle", action="store_true", help="no strangers in the other blocks")
    parser.add_argument("--hold", metavar="PORT", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--decoy", metavar="PORT", type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.decoy:
        decoy(chosen.decoy)
        return
    if chosen.hold:
        hold(chosen.hold, chosen.silent, chosen.again, own=chosen.own)
        return
    with tempfile.TemporaryDirectory(prefix="cg") as folder:
        server = Besieged(Path(folder))
        try:
            server.start()
            for name, (port, work) in server.works().items():
                if chosen.only not in name:
                    continue
                cost = price(server.pid, port, chosen)
                print(f"{measure(name, port, work, chosen)}; {cost:.1%} of a core", flush=True)
        finally:
            server.close()


# -- the strangers, in their own process -----------------------------------------------------------


def hold(port: int, count: int, again: float, *, own: bool) -> None:
    """Keep so many silent connections to a port, until standard input is closed."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    sources = itertools.cycle(["127.0.0.1"] if own else [f"127.0.1.{n}" for n in range(1, 65)])
    now = time.monotonic()
    missing = deque(now + again * number / count for number in range(count))
    held: dict[int, socket.socket] = {}
    poll = select.epoll()
    poll.register(sys.stdin, select.EPOLLIN)
    while True:
        now = time.monotonic()
        while missing and missing[0] <= now:
            missing.popleft()
            sock = socket.socket()
            sock.setblocking(False)
            sock.bind((next(sources), 0))
            sock.connect_ex(("127.0.0.1", port))
            held[sock.fileno()] = sock
            poll.register(sock, select.EPOLLIN)
        time.sleep(TICK)  # few and large steps: the strangers shall not need a core of their own
        for fd, _ in poll.poll(0):
            if fd == sys.stdin.fileno():
                return
            if _is_dropped(held[fd]):
                poll.unregister(fd)
                held.pop(fd).close()
                missing.append(now + again)


def _is_dropped(sock: socket.socket) -> bool:
    try:
        return not sock.recv(4_096)  # some ports greet
    except BlockingIOError:
        return False
    except OSError:
        return True


def decoy(port: int) -> None:
    """Take connections and drop them as a server does, until standard input is closed."""
    held: deque[tuple[float, socket.socket]] = deque()
    most = HalfOpenLimits().total
    with socket.create_server(("127.0.0.1", port), backlog=4_096) as listener:
        defer(listener)
        listener.setblocking(False)
        while not select.select([sys.stdin], [], [], TICK)[0]:
            now = time.monotonic()
            with suppress(BlockingIOError):
                while True:
                    held.append((now + FIRST_BYTES, listener.accept()[0]))
            while held and (len(held) > most or held[0][0] <= now):
                held.popleft()[1].close()


@contextmanager
def beside(*options: object) -> Iterator[None]:
    """This program once more, with other options, for as long as the `with` lasts."""
    command = [sys.executable, "-m", "benchmarks.strangers", *map(str, options)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as other:
        assert other.stdin is not None
        try:
            yield
        finally:
            other.stdin.close()


@contextmanager
def silent(port: int, chosen: argparse.Namespace) -> Iterator[None]:
    """Silent connections to a port, for as long as the `with` lasts."""
    own = ["--own"] if chosen.own else []
    with beside("--hold", port, "--silent", chosen.silent, "--again", chosen.again, *own):
        time.sleep(1.0 + DEFERRED + chosen.again)  # now as many are dropped as are opened
        yield


def price(pid: int, port: int, chosen: argparse.Namespace) -> float:
    """The share of a core that a server needs for silent connections and nothing else."""
    with silent(port, chosen):
        before, began = processor_time(pid), time.monotonic()
        time.sleep(DEFERRED + 2 * chosen.again)
        return (processor_time(pid) - before) / (time.monotonic() - began)


def processor_time(pid: int) -> float:
    """Seconds that a process has used; only on Linux."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# -- the measurement -------------------------------------------------------------------------------


def measure(name: str, port: int, work: Callable[[], None], chosen: argparse.Namespace) -> str:
    """Make all comparisons at one port; a line about them."""
    work()  # the first one is not measured
    ratios, rates, failed = [], [], 0
    for number in range(chosen.pairs):
        done = {True: 0.0, False: 0.0}
        first = number % 2 == 1
        for besieged in (first, not first, not first, first):  # so that no drift has a side
            with silent(port, chosen) if besieged else _elsewhere(chosen):
                found, failures = rate(work, chosen.seconds)
            done[besieged] += found / 2
            failed += failures if besieged else 0
        ratios.append(done[True] / done[False])
        rates.append(done[False])
    shown = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    median = statistics.median(ratios)
    alone = statistics.median(rates)
    return f"{name:10} {alone:6.1f}/s; besieged: {median:.2f} ({shown}), {failed} failed"


@contextmanager
def _elsewhere(chosen: argparse.Namespace) -> Iterator[None]:
    """The strangers at a decoy, or none at all."""
    if chosen.idle:
        yield
        return
    port, _ = free_ports()
    with beside("--decoy", port):
        until(partial(_listens, port), "the decoy listens")
        with silent(port, chosen):
            yield


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def rate(work: Callable[[], None], seconds: float) -> tuple[float, int]:
    """How often something is done per second, and how often it failed."""
    done, failed, began = 0, 0, time.monotonic()
    while time.monotonic() - began < seconds:
        try:
            work()
        except Exception:
            failed += 1
        else:
            done += 1
    return done / (time.monotonic() - began), failed


# -- the server, and what honest clients do --------------------------------------------------------


class Besieged:
    """A server with all its ports; every method but the first few is one honest client's work."""

    def __init__(self, folder: Path) -> None:
        self._framed, self._text = free_ports()
        self._metrics, self._control = free_ports()
        host = "127.0.0.1"
        settings: dict[str, object] = {
            "plain": False,
            "metrics": {"listen": f"{host}:{self._metrics}"},
            "control": {"listen": f"{host}:{self._control}"},
            "backup": {
                "framed": f"{host}:{self._framed}",
                "listen": f"{host}:{self._text}",
                "nicknames": str(folder / "nicknames"),
            },
        }
        self._programs = Programs(folder, {}, server=settings, log_level="error")
        self._key = folder / ".config" / "cargo_sync" / "keys" / "server" / "local.key"
        self._data = json.loads((folder / "server.json").read_text())["initial_port"]
        self._stored = 0

    def start(self) -> None:
        os.environ.pop("XDG_CONFIG_HOME", None)
        self._programs.start("server")
        until(self._programs.listens, "the server answers")
        until(self._key.exists, "the control port has keys")
        self._text_exchange(b'TRANSMITIR{"apelido":"a","nome_arquivo":"n","conteudo_arquivo":"c"}')
        self._token = self._post("/v1/login", {"username": USER, "password": USER})["token"]

    def close(self) -> None:
        self._programs.close()

    @property
    def pid(self) -> int:
        return self._programs.processes["server"].pid

    def works(self) -> dict[str, tuple[int, Callable[[], None]]]:
        """The ports, and what is done at each of them."""
        return {
            "API": (self._programs.port, self._read),
            "data port": (self._data, self._send),
            "framed": (self._framed, self._store),
            "text": (self._text, self._list),
            "metrics": (self._metrics, self._scrape),
            "control": (self._control, self._command),
        }

    def _read(self) -> None:
        head = f"GET /v1/workspaces HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self._token}\r\n"
        answer = self._over_tls(self._programs.port, head.encode() + b"\r\n")
        assert answer.startswith(b"HTTP/1.1 200"), answer

    def _send(self) -> None:
        sock, link = open_lane("127.0.0.1", self._data, self._opened(), 20.0, time.monotonic)
        self._stored += 1
        content = {
            f"{self._stored}/{number}": MemoryFile(b"x" * 16_384, 1) for number in range(FILES)
        }
        offers = [_offer(path, file) for path, file in content.items()]
        sender = Sender(link, MemorySource(content), time.monotonic, client=True)
        thread = LaneThread(sender, sock, "honest", lambda problem: None)
        thread.submit(lambda: sender.offer(0, offers))
        thread.submit(sender.finish)
        thread.start()
        assert thread.join(20.0) and sender.problem is None, sender.problem

    def _store(self) -> None:
        asked: dict[str, object] = {"verbo": "TRANSMITIR", "apelido": USER, "senha": USER}
        asked |= {"nome_arquivo": "n", "tamanho": 65_536}
        answer = self._over_tls(self._framed, frames.frame(asked) + bytes(65_536))
        assert b"255" in answer, answer

    def _list(self) -> None:
        assert b"n" in self._text_exchange(b'LISTAR"a"')

    def _scrape(self) -> None:
        with closing(socket.create_connection(("127.0.0.1", self._metrics), 20)) as sock:
            # Not the page itself: it counts the process's descriptors, one after the other.
            sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert sock.recv(4_096).startswith(b"HTTP/1.1 404")

    def _command(self) -> None:
        key = read_key(str(self._key))
        with Client(key.address, key=key) as client:
            client.call("status", timeout=20)

    def _opened(self) -> LaneKeys:
        asked = {"direction": "upload", "workspace": "default", "path": "", "run": "r"}
        lane = self._post("/v1/flows", asked, self._token)["lane"]
        return LaneKeys(*(bytes.fromhex(lane[name]) for name in ("token", "auth", "up", "down")))

    def _post(self, path: str, asked: Mapping[str, str], token: str = "") -> dict[str, Any]:
        body = json.dumps(asked).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
        head += f"Authorization: Bearer {token}\r\n\r\n" if token else "\r\n"
        answer = self._over_tls(self._programs.port, head.encode() + body)
        assert answer.startswith(b"HTTP/1.1 200"), answer
        reply: dict[str, Any] = json.loads(answer.partition(b"\r\n\r\n")[2])
        return reply

    def _over_tls(self, port: int, said: bytes) -> bytes:
        with (
            socket.create_connection(("127.0.0.1", port), 20) as sock,
            _TRUSTING.wrap_socket(sock) as secure,
        ):
            secure.sendall(said)
            return secure.recv(65_536)

    def _text_exchange(self, said: bytes) -> bytes:
        with closing(socket.create_connection(("127.0.0.1", self._text), 20)) as sock:
            sock.sendall(said)
            answer = b""
            while piece := sock.recv(4_096):
                answer += piece
            return answer.removeprefix(b"255")


def _offer(path: str, file: MemoryFile) -> Offer:
    return file.offer(path, os.urandom(16).hex())


if __name__ == "__main__":
    main()
