"""Ours: a real server and a real daemon, from `job.start` until the feed says `synced`.

What the server acknowledges is on its disk: it syncs before it says so, which the peers do not.
"""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.programs import MAIN, PATIENCE, Programs, running, until
from benchmarks.transfers.metering import Ended, FailedCommandError, Run
from benchmarks.transfers.peer import Move, Need, Serving
from benchmarks.transfers.peers import catalogue
from benchmarks.transfers.previous import Build, current
from benchmarks.transfers.servers import version_of
from benchmarks.transfers.workloads import Direction, Kind, Mode, Workload
from cargo_sync.api import topics
from cargo_sync.api.addresses import instance_addresses
from cargo_sync.api.client import Client, CommandError, NotRunning, Subscription, subscribe

SELDOM: Final = 3600
"""Seconds: nothing that one tool does by itself shall fall into the run of another."""
SERVER: Final = {"settle": 0, "scan_interval": SELDOM}
JOB: Final = {"settle": 0, "sleep": SELDOM, "watch": False}
"""All tools begin when the files are complete. Idle programs have no settings but WATCHING."""
WATCHING: Final = {"settle": 0, "watch": True}
FAILED: Final = frozenset({"error", "held"})
IDLE: Final = 60.0
"""Seconds over which idle programs are measured: a scan of the server falls into them."""
ASKED: Final = 0.005
"""Seconds between two commands."""
LOOK: Final = 0.002
"""Seconds between two looks whether a changed file has arrived."""


class Cargo:
    """A server and a daemon of one build."""

    name = "cargo"
    fills = True

    def __init__(self, mode: Mode, *, name: str = "cargo", build: Build | None = None) -> None:
        self.name = name
        self.needs: Sequence[Need] = ()
        self._over = "https" if mode is Mode.SEALED else "http"
        self._sealed = mode is Mode.SEALED
        self._build = build or current()

    def version(self) -> str:
        number = version_of(self._build.python, "-P", "-m", "cargo_sync.main", "--version")
        return f"{number} ({self._build.commit})"

    def over(self, workload: Workload, direction: Direction) -> str:
        return self._over

    def can(self, workload: Workload, direction: Direction) -> bool:
        if workload.kind is Kind.IDLE:
            return direction is Direction.UP
        return workload.kind is not Kind.ALONE

    @contextmanager
    def serving(self, home: Path, workload: Workload) -> Iterator[Serving]:
        programs = self.programs(home, {} if workload.kind is Kind.IDLE else SERVER)
        with running(programs), programs.client() as client:
            yield RunningCargo(programs, client)

    def programs(self, home: Path, server: Mapping[str, object], module: str = MAIN) -> Programs:
        """Its programs in a folder; `server` has additional settings, `module` is what it runs."""
        python = self._build.python
        return Programs(
            home, {}, server=server, sealed=self._sealed, python=python, server_module=module
        )


class RunningCargo:
    """A daemon that takes commands, and its server."""

    def __init__(self, programs: Programs, client: Client) -> None:
        self.programs = programs
        self.client = client
        self._jobs: set[str] = set()

    @property
    def far(self) -> Sequence[int]:
        return [self.programs.processes["server"].pid]

    @property
    def near(self) -> Sequence[int]:
        return [self.programs.processes["daemon"].pid]

    @contextmanager
    def ready(self, move: Move) -> Iterator[Run]:
        if move.direction is Direction.DOWN:
            catalogue.wait_for(self.programs.login(), move.far.name, move.workload.files)
        match move.workload.kind:
            case Kind.FRESH | Kind.STATUS | Kind.ALONE:
                with self._job(move) as start:
                    asks = move.workload.kind is Kind.STATUS
                    yield partial(self._asking, start) if asks else start
                self._call("job.remove", job=move.direction)
            case Kind.SETTLED:
                with self._settled(move) as start:
                    yield start
            case Kind.CHANGED:
                self._watch(move)
                yield partial(_arrived, move)
            case Kind.IDLE:
                self._watch(move)
                yield partial(_slept, IDLE)

    def _call(self, cmd: str, **args: object) -> None:
        """Sends a command to the daemon.

        Raises:
            FailedCommandError: it is refused, or not answered.
        """
        try:
            self.client.call(cmd, args, timeout=60)
        except (CommandError, NotRunning) as error:
            raise FailedCommandError(f"{cmd}: {error}") from error

    def _watch(self, move: Move) -> None:
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
            self._restart(move.direction)
            with self._following(move.direction) as start:
                start()  # this look still sees what the job itself has done
        self._restart(move.direction)
        with self._following(move.direction) as start:
            yield start

    def _restart(self, job: str) -> None:
        self._call("job.pause", job=job)
        for program in ("daemon", "server"):
            self.programs.stop(program)
        self.programs.start("server")
        until(self.programs.listens, "the server answers")
        self.programs.start("daemon")
        until(self.programs.answers, "the daemon answers")

    @contextmanager
    def _job(self, move: Move, *, watch: bool = False) -> Iterator[Run]:
        """Adds a job that waits; the run starts it, and returns when it is synced."""
        settings: dict[str, object] = {
            **self.programs.login(),
            "sync_name": move.direction,
            "sync_mode": "upload" if move.direction is Direction.UP else "download",
            "local_dir": str(move.near),
            "remote_dir": f"/{move.far.name}",
        }
        settings |= WATCHING if watch else JOB
        self._call("job.add", text=json.dumps(settings), paused=True)
        self._jobs.add(move.direction)
        with self._following(move.direction) as start:
            yield start

    @contextmanager
    def _following(self, job: str) -> Iterator[Run]:
        addresses = instance_addresses(self.programs.runtime, "daemon")
        with subscribe(addresses, [topics.job_status(job)]) as feed:
            yield partial(self._start, job, feed)

    def _start(self, job: str, feed: Subscription) -> Ended:
        """Starts a job, and returns when it is synced.

        Raises:
            FailedCommandError: it fails, is held, or takes too long.
        """
        deadline = time.monotonic() + PATIENCE
        self._call("job.start", job=job)
        while message := feed.receive(max(0.0, deadline - time.monotonic())):
            if (state := message.fields["state"]) == "synced":
                return Ended()  # the daemon lives on: its CPU time is counted with the server's
            if state in FAILED:
                raise FailedCommandError(f"the job is {state}: {message.fields['detail']}")
        raise FailedCommandError(f"the job was not synced within {PATIENCE:g} s")

    def _asking(self, start: Run) -> Ended:
        """Asks for the status, again and again, until a job is synced."""
        answered = []
        with self.programs.client() as client, ThreadPoolExecutor(1) as threads:
            running = threads.submit(start)
            while not wait([running], ASKED).done:
                began = time.perf_counter()
                client.call("status", timeout=60)
                answered.append(time.perf_counter() - began)
        return running.result()._replace(answered=answered)


def _arrived(move: Move) -> Ended:
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
    return Ended()


def _slept(seconds: float) -> Ended:
    time.sleep(seconds)
    return Ended()
