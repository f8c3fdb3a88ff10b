"""Ours: a real server and a real daemon, from `job.start` until the feed says `synced`.

What the server acknowledges is on its disk: it syncs before it says so, which the peers do not.
"""

import json
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote
from urllib.request import Request, urlopen

from benchmarks.programs import PATIENCE, USER, Programs, running, until
from benchmarks.transfers.metering import FailedCommandError, Run
from benchmarks.transfers.peer import Move, Need
from benchmarks.transfers.previous import Build, current
from benchmarks.transfers.servers import version_of
from benchmarks.transfers.workloads import Direction, Kind, Mode, Workload
from cargo_sync.api import topics
from cargo_sync.api.addresses import instance_addresses
from cargo_sync.api.client import Client, Subscription, subscribe

SETTLE: Final = 0
"""Seconds: all tools are told to begin when the files are complete."""
SCAN_INTERVAL: Final = 3600
"""Seconds: nothing that one tool does shall fall into the run of another."""
FAILED: Final = frozenset({"error", "held"})
LOOK: Final = 0.002
"""Seconds between two looks whether a changed file has arrived."""


class Cargo:
    """A server and a daemon of one build."""

    name = "cargo"

    def __init__(self, mode: Mode, *, name: str = "cargo", build: Build | None = None) -> None:
        self.name = name
        self.needs: Sequence[Need] = ()
        self.over = "https" if mode is Mode.SEALED else "http"
        self._sealed = mode is Mode.SEALED
        self._build = build or current()

    def version(self) -> str:
        number = version_of(self._build.python, "-P", "-m", "cargo_sync.main", "--version")
        return f"{number} ({self._build.commit})"

    def can(self, workload: Workload, direction: Direction) -> bool:
        return True

    @contextmanager
    def serving(self, home: Path) -> Iterator["RunningCargo"]:
        programs = Programs(
            home,
            {},
            server={"settle": SETTLE, "scan_interval": SCAN_INTERVAL},
            sealed=self._sealed,
            python=self._build.python,
        )
        with running(programs), programs.client() as client:
            yield RunningCargo(programs, client)


class RunningCargo:
    """A daemon that takes commands, and its server."""

    def __init__(self, programs: Programs, client: Client) -> None:
        self.programs = programs
        self.client = client
        self._jobs: set[str] = set()

    @property
    def pids(self) -> Sequence[int]:
        return [process.pid for process in self.programs.processes.values()]

    @contextmanager
    def ready(self, move: Move) -> Iterator[Run]:
        if move.direction is Direction.DOWN:
            self.await_catalogue(move.far.name, move.workload.files)
        match move.workload.kind:
            case Kind.FRESH:
                with self._job(move) as start:
                    yield start
                self.client.call("job.remove", {"job": move.direction}, timeout=60)
            case Kind.SETTLED:
                with self._settled(move) as start:
                    yield start
            case Kind.CHANGED:
                self.watch(move)
                yield partial(_arrived, move)

    def watch(self, move: Move) -> None:
        """Lets a job keep both folders the same from now on."""
        if move.direction not in self._jobs:
            with self._job(move, watch=True) as start:
                start()

    @contextmanager
    def _settled(self, move: Move) -> Iterator[Run]:
        """A job that has nothing to do, of a daemon and a server that have just started."""
        if move.direction not in self._jobs:
            with self._job(move) as start:
                start()
        self.client.call("job.pause", {"job": move.direction}, timeout=60)
        for program in ("daemon", "server"):
            self.programs.stop(program)
        self.programs.start("server")
        until(self.programs.listens, "the server answers")
        self.programs.start("daemon")
        until(self.programs.answers, "the daemon answers")
        with self._following(move.direction) as start:
            yield start

    @contextmanager
    def _job(self, move: Move, *, watch: bool = False) -> Iterator[Run]:
        """Adds a job that waits; the run starts it, and returns when it is synced."""
        settings = self.programs.login() | {
            "sync_name": move.direction,
            "sync_mode": "upload" if move.direction is Direction.UP else "download",
            "local_dir": str(move.near),
            "remote_dir": f"/{move.far.name}",
            "settle": SETTLE,
            "sleep": SCAN_INTERVAL,
            "watch": watch,
        }
        self.client.call("job.add", {"text": json.dumps(settings), "paused": True})
        self._jobs.add(move.direction)
        with self._following(move.direction) as start:
            yield start

    @contextmanager
    def _following(self, job: str) -> Iterator[Run]:
        addresses = instance_addresses(self.programs.runtime, "daemon")
        with subscribe(addresses, [topics.job_status(job)]) as feed:
            yield partial(self._start, job, feed)

    def _start(self, job: str, feed: Subscription) -> float:
        """Starts a job, and returns when it is synced.

        Raises:
            FailedCommandError: it fails, is held, or takes too long.
        """
        deadline = time.monotonic() + PATIENCE
        self.client.call("job.start", {"job": job}, timeout=60)
        while message := feed.receive(max(0.0, deadline - time.monotonic())):
            if (state := message.fields["state"]) == "synced":
                return 0.0  # the daemon lives on: its CPU time is counted with that of the server
            if state in FAILED:
                raise FailedCommandError(f"the job is {state}: {message.fields['detail']}")
        raise FailedCommandError(f"the job was not synced within {PATIENCE:g} s")

    def await_catalogue(self, folder: str, files: int) -> None:
        """Waits until the server knows so many files in a folder."""
        token = self._ask("login", {"username": USER, "password": USER})["token"]
        since = known = 0
        while known < files:
            query = f"since={since}&under={quote(folder)}&wait=30&limit=10000"
            page = self._ask(f"workspaces/default/changes?{query}", token=token)
            since = page["next"]
            known += sum(kind == "f" for kind in page["rows"][1]) if page["rows"] else 0

    def _ask(
        self, path: str, body: Mapping[str, str] | None = None, *, token: str = ""
    ) -> dict[str, Any]:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # it is our own server
        url = f"{self.programs.login()['hostname']}/v1/{path}"
        asked = Request(url, None if body is None else json.dumps(body).encode())
        asked.add_header("Content-Type", "application/json")
        if token:
            asked.add_header("Authorization", f"Bearer {token}")
        with urlopen(
            asked, timeout=60, context=context if url.startswith("https") else None
        ) as got:
            answer: dict[str, Any] = json.load(got)
        return answer


def _arrived(move: Move) -> float:
    """Waits until the chosen file is the same on both sides.

    Raises:
        FailedCommandError: it takes too long.
    """
    wanted = (move.source / move.chosen).read_bytes()
    deadline = time.monotonic() + PATIENCE
    while (move.target / move.chosen).read_bytes() != wanted:
        if time.monotonic() > deadline:
            raise FailedCommandError(f"a change did not arrive within {PATIENCE:g} s")
        time.sleep(LOOK)
    return 0.0
