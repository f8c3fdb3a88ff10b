"""What a hostile server costs a daemon, and whether the daemon's other jobs notice it.

    .venv/bin/python -m benchmarks.hostile_server --seconds 45

A real daemon has four download jobs at a server that answers with what exhausts a client, and two
upload jobs at a real server that get a new file every second. Prints one line per attack: how much
memory the daemon needed at most, how far its state grew, how long a file of the other jobs took at
most, how long `status` took, and what the attacked job says. All traffic stays on loopback. All
files are in a temporary folder, which is removed.
"""

import argparse
import asyncio
import json
import tempfile
import threading
import time
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.programs import Programs, free_ports, running

HONEST: Final = 2
HOSTILE: Final = 4
PAGE: Final = 10_000
_MIB: Final = 2**20
_FIELDS: Final = 9
_SEALED: Final = "application/json"

Pieces = AsyncIterator[bytes]


def _head(*more: str, status: str = "200 OK") -> bytes:
    return "\r\n".join(
        (f"HTTP/1.1 {status}", f"Content-Type: {_SEALED}", "Connection: close", *more, "", "")
    ).encode()


def _whole(value: object) -> bytes:
    body = json.dumps(value, separators=(",", ":")).encode()
    return _head(f"Content-Length: {len(body)}") + body


async def _endless(start: bytes, piece: bytes, count: int) -> Pieces:
    """An answer without a length: `start`, then `piece` `count` times."""
    yield _head() + start
    for _ in range(count):
        yield piece


async def _bomb(megabytes: int) -> Pieces:
    """A text that grows a thousandfold when it is decompressed."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    yield _head("Content-Encoding: gzip") + packer.compress(b'{"token":"')
    for _ in range(megabytes):
        yield packer.compress(b"a" * _MIB)
    yield packer.flush()


async def _trickle() -> Pieces:
    yield _head() + b'{"workspaces":['
    while True:
        await asyncio.sleep(1.0)
        yield b" "


async def _hints() -> Pieces:
    """Provisional answers, and never the last one."""
    while True:
        await asyncio.sleep(0.5)
        yield b"HTTP/1.1 103 Early Hints\r\n\r\n"


async def _headers() -> Pieces:
    yield b"HTTP/1.1 200 OK\r\n"
    while True:
        yield b"X-More: " + b"a" * 4000 + b"\r\n"
        await asyncio.sleep(0)


def _rows(since: int, path: Callable[[int], str], kind: str, count: int) -> list[Sequence[object]]:
    numbers = range(since + 1, since + count + 1)
    same: tuple[object, ...] = (kind, 0, 0, 0o644)
    names = [path(number) for number in numbers]
    return [
        names,
        *([value] * count for value in same),
        list(numbers),
        list(numbers),
        *([""] * count for _ in range(2)),
    ]


def _listing(
    since: int,
    path: Callable[[int], str],
    kind: str,
    *,
    count: int = PAGE,
    stuck: bool = False,
) -> bytes:
    rows = _rows(since, path, kind, count)
    end = since if stuck else since + count
    where = {"epoch": "e", "sequence": 2**62, "known": "l", "floor": 0}
    return _whole({"rows": rows, "next": end, "more": True, "lineage": "l"} | where)


class Hostile:
    """Answers one attack on any number of connections, in a thread of its own.

    attack  the name of one of ATTACKS
    """

    def __init__(self, attack: str) -> None:
        self._attack = attack
        self.port = free_ports()[0]
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._stop: Callable[[], object] = lambda: None

    def __enter__(self) -> "Hostile":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()
        self._thread.join()

    async def _serve(self) -> None:
        loop, stopped = asyncio.get_running_loop(), asyncio.Event()
        self._stop = lambda: loop.call_soon_threadsafe(stopped.set)
        await asyncio.start_server(self._take, "127.0.0.1", self.port)
        await stopped.wait()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            target = head.split(" ", 2)[1]
            async for piece in self._answer(target):
                writer.write(piece)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            return  # the daemon left, or the measurement is over
        finally:
            writer.close()

    async def _answer(self, target: str) -> Pieces:
        attack = self._attack
        if target.endswith("/login"):
            if attack in LOGINS:
                async for piece in LOGINS[attack]():
                    yield piece
            else:
                yield _whole({"token": "t"})
        elif "/changes" not in target:
            if attack in ("trickle", "hints", "headers"):
                async for piece in SLOW[attack]():
                    yield piece
            else:
                space = {"name": "default", "access": "rw", "epoch": "e", "sequence": 2**62}
                yield _whole({"workspaces": [space | {"lineage": "l", "floor": 0}]})
        elif attack in PAGES:
            async for piece in PAGES[attack]():
                yield piece
        else:
            since = int(target.partition("since=")[2].partition("&")[0])
            yield LISTINGS[attack](since)


LOGINS: Final[dict[str, Callable[[], Pieces]]] = {
    "bomb": lambda: _bomb(1500),
    "large login": lambda: _endless(b'{"token":"', b"a" * _MIB, 1500),
}
SLOW: Final[dict[str, Callable[[], Pieces]]] = {
    "trickle": _trickle,
    "hints": _hints,
    "headers": _headers,
}
PAGES: Final[dict[str, Callable[[], Pieces]]] = {
    "large page": lambda: _endless(b'{"rows":["', b"a" * _MIB, 1500),
    "many values": lambda: _endless(b'{"rows":[', b"[],{}," * (_MIB // 6), 15),
    "deep": lambda: _endless(b'{"rows":[', b"[" * _MIB, 15),
}
LISTINGS: Final[dict[str, Callable[[int], bytes]]] = {
    "same cursor": lambda since: _listing(since, lambda n: f"f{n}", "f", stuck=True),
    "wide": lambda since: _listing(since, lambda n: f"f{n}", "f"),
    "folders": lambda since: _listing(since, lambda n: f"d{n}", "d"),
    "nested": lambda since: _listing(
        since, lambda n: f"{n // 2000}" + "/d" * (n % 2000), "d", count=PAGE // 2
    ),
}
ATTACKS: Final = (*LOGINS, *SLOW, *PAGES, *LISTINGS)


class Honest:
    """Writes a file into each folder of the other jobs every second, and waits until it arrives.

    worst  the longest time from writing a file to its arrival, in seconds
    """

    def __init__(self, programs: Programs) -> None:
        self._programs = programs
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.worst = self.status = 0.0

    def __enter__(self) -> "Honest":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        number = 0
        with self._programs.client() as client:
            while not self._stop.wait(1.0):
                number += 1
                began = time.monotonic()
                waiting = []
                for job in range(HONEST):
                    (self._programs.folder / f"honest-{job}" / f"{number}").write_text("content")
                    waiting.append(self._programs.files / str(job) / f"{number}")
                while waiting and not self._stop.is_set():
                    asked = time.monotonic()
                    client.call("status", timeout=120)
                    self.status = max(self.status, time.monotonic() - asked)
                    waiting = [path for path in waiting if not path.exists()]
                    self._stop.wait(0.05)
                self.worst = max(self.worst, time.monotonic() - began)


@contextmanager
def _programs(folder: Path, port: int) -> Iterator[Programs]:
    jobs = {
        f"honest {job}": {
            "sync_mode": "upload", "local_dir": str(folder / f"honest-{job}"),
            "remote_dir": f"/{job}", "sleep": 1,
        }
        for job in range(HONEST)
    }  # fmt: skip
    jobs |= {
        f"hostile {job}": {
            "sync_mode": "download", "local_dir": str(folder / f"hostile-{job}"), "sleep": 1,
            "hostname": f"http://127.0.0.1:{port}",
        }
        for job in range(HOSTILE)
    }  # fmt: skip
    with running(Programs(folder, jobs)) as programs:
        yield programs


def _memory(programs: Programs, what: str) -> int:
    """VmRSS or VmHWM of the daemon, in MB."""
    status = Path(f"/proc/{programs.processes['daemon'].pid}/status").read_text()
    return int(status.partition(f"{what}:")[2].split()[0]) // 1000


def _told(programs: Programs) -> str:
    with programs.client() as client:
        job = client.call("job.show", {"job": "hostile 0"}, timeout=120)
    return str(job["state"]) + "".join(f": {cause['message']}" for cause in job["causes"][:1])


def _attacked(attack: str, seconds: float) -> str:
    """Makes one attack; returns its line of the table."""
    with (
        tempfile.TemporaryDirectory(prefix="cargo-bench-") as place,
        Hostile(attack) as hostile,
        _programs(Path(place), hostile.port) as programs,
    ):
        before = _memory(programs, "VmRSS")
        with Honest(programs) as honest:
            time.sleep(seconds)
        state = sum(path.stat().st_size for path in (programs.folder / "daemon").iterdir()) // 10**6
        return (
            f"{attack:12} {before:5} -> {_memory(programs, 'VmHWM'):5} MB  state {state:4} MB  "
            f"slowest file {honest.worst:5.1f} s  slowest status {honest.status:5.2f} s  "
            f"{_told(programs)[:200]}"
        )


def main() -> None:
    """Run the measurement with the options of the command line."""
    parsing = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parsing.add_argument("attacks", nargs="*", help=f"of {', '.join(ATTACKS)}; all by default")
    parsing.add_argument("--seconds", type=float, default=45.0, help="per attack")
    given = parsing.parse_args()
    if unknown := set(given.attacks) - set(ATTACKS):
        parsing.error(f"there is no attack {', '.join(sorted(unknown))}")
    for attack in given.attacks or ATTACKS:
        print(_attacked(attack, given.seconds), flush=True)


if __name__ == "__main__":
    main()
