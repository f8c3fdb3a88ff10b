"""What several servers on one PostgreSQL and one bucket cost, beside one with a folder.

Three jobs send files up and others bring them down, at the same time, through 1, 2 and 3 servers.
So that the cores of one machine do not decide, the CPU time of Cargo's servers is counted. What
servers do each second even if nobody wants something of them is measured before, and is not
counted: neither their CPU time, nor what they ask the database.

    .venv/bin/python -m benchmarks.cluster --files 3000 --mib 384
"""

import argparse
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import psycopg

from benchmarks.transfers.procfs import cpu_seconds
from cargo_sync.api.addresses import DAEMON, instance_addresses, is_live
from cargo_sync.api.client import Client
from cargo_sync.demo.programs import Program, wait_for
from tests.e2e.processes import PASSWORD, USER
from tests.many_servers.fleet import WORKSPACE, Fleet

JOBS: Final = 3
"""One for each server, at most."""
KIB, MIB, GIB = 2**10, 2**20, 2**30
SMALL: Final = 4 * KIB
LARGE: Final = 32 * MIB
PATIENCE: Final = 900.0
QUIET: Final = 10.0
"""Seconds for which it is counted what servers do by themselves."""
FOLDER: Final = 0
"""In the place of a number of servers: one with a folder and a state in a file."""
_SEEN: Final = "CREATE EXTENSION IF NOT EXISTS pg_stat_statements"
_COUNT: Final = "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements"


class Took(NamedTuple):
    """What one direction of one kind of files took.

    cpu      seconds of the servers, and
    queries  statements at the database, without what servers do by themselves
    gets     requests to the bucket for content
    objects  in the bucket afterwards
    """

    seconds: float
    cpu: float
    queries: float
    gets: int
    objects: int


class Quiet(NamedTuple):
    """What servers do each second by themselves: see `Took`."""

    cpu: float
    queries: float


class Bench:
    """Servers, and a daemon with its folders.

    quiet  what the servers do while nothing is sent
    """

    def __init__(self, folder: Path, fleet: Fleet, last: ExitStack) -> None:
        self._folder = folder
        self._fleet = fleet
        self._jobs = folder / "jobs"
        self._jobs.mkdir()
        runtime = last.enter_context(tempfile.TemporaryDirectory(prefix="cg"))
        self._addresses = instance_addresses(runtime, DAEMON)
        settings = {"jobs_dir": str(self._jobs), "state_dir": str(folder / "daemon")}
        (folder / "daemon.json").write_text(json.dumps(settings))
        given = "daemon", "--config", str(folder / "daemon.json")
        env = fleet.environment(runtime)
        daemon = last.enter_context(Program("daemon", str(folder), env, *given))
        wait_for(daemon, lambda: is_live(self._addresses.feed))
        self.quiet = self._in_quiet()

    def up_and_down(self, kind: str, sizes: Sequence[int]) -> tuple[Took, Took]:
        """Sends files of these sizes up, then brings them down."""
        for number in range(JOBS):
            place = self._folder / f"{kind}-{number}"
            place.mkdir()
            for index, size in enumerate(sizes[number::JOBS]):
                path = place / f"{index // 200:03}" / f"{index:05}.bin"
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(number.to_bytes(4, "big") * (size // 8) + _noise(size))
        up = self._took(kind, "upload", len(sizes))
        return up, self._took(kind, "download", len(sizes))

    # -- within ------------------------------------------------------------------------------------

    def _took(self, kind: str, mode: str, files: int) -> Took:
        before, began = self._counted(), time.monotonic()
        for number in range(JOBS):
            local = self._folder / f"{kind}-{number}{'' if mode == 'upload' else '-down'}"
            local.mkdir(exist_ok=True)
            path = self._jobs / f"{kind}-{mode}-{number}.json"
            path.write_text(json.dumps({
                "sync_name": path.stem, "sync_mode": mode, "local_dir": str(local),
                "remote_dir": f"/{kind}-{number}", "hostname": self._fleet.url, "username": USER,
                "password": PASSWORD, "workspace": WORKSPACE, "sleep": 600, "settle": 0,
            }))  # fmt: skip
            path.chmod(0o600)
        with Client(self._addresses.commands) as client:
            client.call("reload")
            while self._arrived(kind, mode) < files or not self._synced(client, kind, mode):
                if time.monotonic() - began > PATIENCE:
                    raise SystemExit(
                        f"{kind} {mode}: not all files have come\n{self._fleet.logs()}"
                    )
                time.sleep(0.05)
        seconds = time.monotonic() - began
        after = self._counted()
        cpu, queries, gets = (now - then for now, then in zip(after, before, strict=True))
        cpu = max(0.0, cpu - self.quiet.cpu * seconds)
        queries = max(0.0, queries - self.quiet.queries * seconds)
        return Took(seconds, cpu, queries, int(gets), self._fleet.objects())

    def _arrived(self, kind: str, mode: str) -> int:
        if mode == "upload":
            return 1 << 30  # its state says it
        places = [self._folder / f"{kind}-{number}-down" for number in range(JOBS)]
        return sum(1 for place in places for path in place.glob("*/*.bin"))

    def _synced(self, client: Client, kind: str, mode: str) -> bool:
        names = [f"{kind}-{mode}-{number}" for number in range(JOBS)]
        return all(client.call("job.show", {"job": name})["state"] == "synced" for name in names)

    def _counted(self) -> tuple[float, float, float]:
        """CPU seconds of the servers, statements, requests for content, until now."""
        cpu = cpu_seconds(self._fleet.pids())
        gets = self._fleet.store.gets if self._fleet.store is not None else 0
        return cpu, self._queries(), gets

    def _in_quiet(self) -> Quiet:
        before, began = self._counted(), time.monotonic()
        time.sleep(QUIET)
        after, seconds = self._counted(), time.monotonic() - began
        return Quiet((after[0] - before[0]) / seconds, (after[1] - before[1]) / seconds)

    def _queries(self) -> float:
        if not self._fleet.database:
            return 0
        with psycopg.connect(self._fleet.database, autocommit=True) as connection:
            try:
                connection.execute(_SEEN)
                found = connection.execute(_COUNT).fetchone()
            except psycopg.Error:
                return float("nan")  # it has no pg_stat_statements
        return float(found[0]) if found is not None else 0


@contextmanager
def bench(servers: int, store: str) -> Iterator[Bench]:
    """Servers and a daemon that run."""
    with ExitStack() as last:
        temporary = tempfile.TemporaryDirectory
        folder = Path(last.enter_context(temporary(prefix="cargo-bench-cluster-")))
        is_folder = servers == FOLDER
        counting = {"shared_preload_libraries": "pg_stat_statements"}
        fleet = last.enter_context(
            Fleet(folder, servers or 1, "" if is_folder else store, counting, alone=is_folder)
        )
        fleet.start()
        yield Bench(folder, fleet, last)


def main() -> int:
    """Prints a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cluster", description=__doc__)
    parser.add_argument("--files", type=int, default=3_000, help="of 4 KiB")
    parser.add_argument("--mib", type=int, default=384, help="of files of 32 MiB")
    parser.add_argument("--store", default="rclone-s3", help="swift, rclone-s3 or ceph")
    parser.add_argument("--servers", default="0,1,2,3", help="0 is one with a folder")
    given = parser.parse_args()
    heads = f"{'seconds':>8} {'CPU s':>8} {'each':>12} {'queries':>9} {'GETs':>8} {'objects':>8}"
    print(f"{'':24} {heads}", flush=True)
    for servers in map(int, re.findall(r"\d", given.servers)):
        name = "a folder" if servers == FOLDER else f"{servers} server{'s' if servers > 1 else ''}"
        with bench(servers, given.store) as one:
            alone = (
                f"{one.quiet.cpu * 1e3:.0f} ms of CPU and {one.quiet.queries:.1f} queries a second"
            )
            print(f"{name}, by themselves: {alone}", flush=True)
            some = {"small": [SMALL] * given.files, "large": [LARGE] * (given.mib * MIB // LARGE)}
            objects = 0
            for kind, sizes in some.items():
                for mode, took in zip(("up", "down"), one.up_and_down(kind, sizes), strict=True):
                    print(
                        f"{name + ', ' + kind + ' ' + mode:24} {_row(took, sizes, objects)}",
                        flush=True,
                    )
                objects = took.objects
    return 0


def _row(took: Took, sizes: Sequence[int], objects: int) -> str:
    files = len(sizes)
    if sizes[0] == SMALL:
        each = f"{took.cpu / files * 1e6:.0f} us/file"
    else:
        each = f"{took.cpu / (sum(sizes) / GIB):.2f} s/GiB"
    made = (took.objects - objects) / files
    return (
        f"{took.seconds:8.1f} {took.cpu:8.2f} {each:>12} {took.queries / files:9.3f} "
        f"{took.gets / files:8.4f} {made:8.4f}"
    )


def _noise(size: int) -> bytes:
    """The second half of a file, which no other file has."""
    return os.urandom(size - size // 8 * 4)


if __name__ == "__main__":
    sys.exit(main())
