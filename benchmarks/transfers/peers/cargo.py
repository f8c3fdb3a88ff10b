"""Ours: a real server and a real daemon, from `job.start` until the feed says `synced`.

What the server acknowledges is on its disk: it syncs before it says so, which the peers do not.
"""

import json
import ssl
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote
from urllib.request import Request, urlopen

from benchmarks.programs import PATIENCE, USER, Programs, running
from benchmarks.transfers.metering import FailedCommandError, Spent
from benchmarks.transfers.peer import Move
from benchmarks.transfers.servers import version_of
from benchmarks.transfers.workloads import Direction, Mode, Workload
from cargo_sync.api import topics
from cargo_sync.api.addresses import instance_addresses
from cargo_sync.api.client import Client, Subscription, subscribe

JOB: Final = "bench"
SETTLE: Final = 0
"""Seconds: all tools are told to begin when the files are complete."""
SCAN_INTERVAL: Final = 3600
"""Seconds: nothing that one tool does shall fall into the run of another."""
FAILED: Final = frozenset({"error", "held"})


class Cargo:
    """A server and a daemon of one build.

    python  the interpreter that has this build
    """

    name = "cargo"

    def __init__(self, mode: Mode, *, name: str = "cargo", python: str = sys.executable) -> None:
        self.name = name
        self.needs: dict[str, str] = {}
        self.over = "https" if mode is Mode.SEALED else "http"
        self._sealed = mode is Mode.SEALED
        self._python = python

    def version(self) -> str:
        return version_of(self._python, "-P", "-m", "cargo_sync.main", "--version")

    def can(self, workload: Workload, direction: Direction) -> bool:
        return True

    @contextmanager
    def serving(self, home: Path) -> Iterator["RunningCargo"]:
        programs = Programs(
            home,
            {},
            server={"settle": SETTLE, "scan_interval": SCAN_INTERVAL},
            sealed=self._sealed,
            python=self._python,
        )
        with running(programs), programs.client() as client:
            yield RunningCargo(programs, client)


class RunningCargo:
    """A daemon that takes commands, and its server."""

    def __init__(self, programs: Programs, client: Client) -> None:
        self.programs = programs
        self.client = client

    @property
    def pids(self) -> Sequence[int]:
        return [process.pid for process in self.programs.processes.values()]

    @contextmanager
    def ready(self, move: Move) -> Iterator[Callable[[], Spent]]:
        if move.direction is Direction.DOWN:
            self.await_catalogue(move.far.name, move.workload.files)
        addresses = instance_addresses(self.programs.runtime, "daemon")
        with self.job(move), subscribe(addresses, [topics.job_status(JOB)]) as feed:
            yield lambda: self.start(feed)

    @contextmanager
    def job(self, move: Move, **more: object) -> Iterator[None]:
        """A job that waits for `job.start`, and is removed at the end."""
        settings = self.programs.login() | {
            "sync_name": JOB,
            "sync_mode": "upload" if move.direction is Direction.UP else "download",
            "local_dir": str(move.near),
            "remote_dir": f"/{move.far.name}",
            "settle": SETTLE,
            "sleep": SCAN_INTERVAL,
            "watch": False,
        }
        self.client.call("job.add", {"text": json.dumps(settings | more), "paused": True})
        try:
            yield
        finally:
            self.client.call("job.remove", {"job": JOB}, timeout=60)

    def start(self, feed: Subscription) -> Spent:
        """Starts the job, and returns when it is synced.

        Raises:
            FailedCommandError: it fails, is held, or takes too long.
        """
        deadline = time.monotonic() + PATIENCE
        self.client.call("job.start", {"job": JOB}, timeout=60)
        while message := feed.receive(max(0.0, deadline - time.monotonic())):
            if (state := message.fields["state"]) == "synced":
                return Spent()
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
