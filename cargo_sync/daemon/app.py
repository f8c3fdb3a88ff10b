"""The daemon, constructed and run: settings -> state -> trees and supervisors -> sockets -> until stopped.

The only place of the daemon where the clock, chance and threads are real.
"""

import asyncio
import logging
import os
import random
import secrets
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from importlib.metadata import version
from itertools import count

from cargo_sync.api.addresses import Addresses, runtime_dir
from cargo_sync.config.daemon import DaemonSettings, load_daemon
from cargo_sync.config.errors import ConfigError
from cargo_sync.config.job import JobSettings
from cargo_sync.control.endpoint import Endpoint
from cargo_sync.control.identity import Me
from cargo_sync.control.router import Router
from cargo_sync.daemon.bell import Bell
from cargo_sync.daemon.feed import Feed
from cargo_sync.daemon.files import JobFiles
from cargo_sync.daemon.gauge import Gauge
from cargo_sync.daemon.handlers.assembly import assembled
from cargo_sync.daemon.handlers.job import JobHandlers
from cargo_sync.daemon.handlers.plan import PlanHandlers
from cargo_sync.daemon.handlers.session import SessionHandlers
from cargo_sync.daemon.handlers.transfer import TransferHandlers
from cargo_sync.daemon.handlers.whole import WholeHandlers
from cargo_sync.daemon.jobs import Jobs
from cargo_sync.daemon.noted import Noted
from cargo_sync.daemon.sessions.entering import entered
from cargo_sync.daemon.sessions.files import Shared
from cargo_sync.daemon.sessions.registry import Sessions
from cargo_sync.daemon.standing import Flowing
from cargo_sync.daemon.supervisor import Sides, Supervisor, rules
from cargo_sync.daemon.sweep import Sweep
from cargo_sync.daemon.watching import Watchers
from cargo_sync.engine.kept import Kept
from cargo_sync.machines.retry import Failures
from cargo_sync.machines.settling import Settling
from cargo_sync.model.problems import ProblemError
from cargo_sync.model.world import World
from cargo_sync.process.descriptors import more_descriptors
from cargo_sync.process.offload import Offload, threads
from cargo_sync.process.stopping import Stop
from cargo_sync.state.checkpoints import Checkpoints
from cargo_sync.state.database import Database
from cargo_sync.state.folders import Folders
from cargo_sync.state.jobs import Jobs as JobRows
from cargo_sync.state.orders import Orders
from cargo_sync.state.planned import Planned
from cargo_sync.state.replies import Replies
from cargo_sync.state.transfers import Transfers
from cargo_sync.trees.cargo.api import Login
from cargo_sync.trees.cargo.tree import CargoTree
from cargo_sync.trees.folder import FolderTree
from cargo_sync.trees.guest import Guests

_log = logging.getLogger(__name__)


async def run(
    settings: DaemonSettings,
    files: JobFiles,
    *,
    instance: str,
    env: Mapping[str, str],
    ready: Callable[[Addresses], None],
    private: bool = False,
) -> None:
    """Runs a daemon until it is stopped by SIGTERM, SIGINT or `shutdown`; SIGHUP reads the files again.

    Args:
        settings: the daemon's.
        files: where its jobs are.
        instance: the name that its sockets have.
        env: for what is read again.
        ready: called once commands are answered.
        private: it ends with the process that started it, and its state is one of several below `state_dir`.

    Raises:
        EndpointError, AddressError: the sockets cannot be offered.
        ProblemError: the state cannot be opened.
    """
    more_descriptors()
    stop = Stop()
    epoch = secrets.token_hex(16)
    runtime = settings.runtime_dir or runtime_dir(env)
    with (
        Endpoint(runtime, instance, epoch=epoch, now=time.time) as endpoint,
        _state(settings.state_dir, private=private) as database,
        threads() as pool,
    ):
        world = World(time.time, time.monotonic, random.random, lambda: secrets.token_hex(16), Offload(pool))
        daemon = Daemon(settings, files, database, endpoint, world, env, stop)
        if private:
            stop.with_parent()
        else:
            stop.on_signals(daemon.reload)
        me = Me(
            version("cargo-sync"), epoch, os.getuid(), socket.gethostname(), os.getpid(), instance,
            world.steady(),
        )  # fmt: skip
        serving = asyncio.create_task(daemon.serve(me, ready))
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stop.at_last()
        for task in (serving, stopped):
            task.cancel()
        await asyncio.wait({serving, stopped})
        if not serving.cancelled() and (error := serving.exception()) is not None:
            raise error
    if private:
        _leave_nothing(endpoint.addresses.folder)
    stop.rested()
    _log.info("ended")


def _state(folder: str, *, private: bool) -> Database:
    """The daemon's state; a private one takes the first that no other holds, so that a cut get goes on there.

    Raises:
        ProblemError: it cannot be opened.
    """
    if not private:
        return Database.open(os.path.join(folder, "state.db"), "daemon")
    for number in count():
        try:
            return Database.open(os.path.join(folder, str(number), "state.db"), "daemon")
        except ProblemError as error:
            if error.problem.code != "state_in_use":
                raise
    raise AssertionError("numbers never end")


def _leave_nothing(folder: str) -> None:
    """The sockets' folder of an instance that never comes again."""
    with suppress(OSError):
        os.unlink(os.path.join(folder, "lock"))
        os.rmdir(folder)


class Daemon:
    """Everything that one daemon is made of, wired."""

    def __init__(
        self, settings: DaemonSettings, files: JobFiles, database: Database, endpoint: Endpoint,
        world: World, env: Mapping[str, str], stop: Stop,
    ) -> None:  # fmt: skip
        self._settings = settings
        self._files = files
        self._endpoint = endpoint
        self._world = world
        self._env = env
        self._stop = stop
        self._database = database
        self._rows = JobRows(database)
        self._planned = Planned(database)
        self._replies = Replies(database, world.wall)
        self._checkpoints = Checkpoints(database, world.wall)
        self._slots = asyncio.Semaphore(settings.parallel_transfers)
        self._watchers = Watchers(world)
        self._reloads = Bell()
        self._jobs: Jobs | None = None
        self._feed = Feed(endpoint.publisher, lambda: self._jobs.all if self._jobs else {})

    def reload(self) -> None:
        """Reads all files again, soon."""
        self._reloads.ring()

    async def serve(self, me: Me, ready: Callable[[Addresses], None]) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            self._jobs = jobs = Jobs(self._files, self._build, self._world, group, self._feed.gone)
            await jobs.read()
            sessions = Sessions(self._world, self._endpoint.publisher, group)
            enter = partial(entered, shared=self._shared(), world=self._world)
            handlers = assembled(
                (
                    WholeHandlers(jobs, self._world, me, self._read_own_file, self._stop),
                    JobHandlers(jobs),
                    PlanHandlers(jobs, self._planned, self._world),
                    TransferHandlers(jobs),
                    SessionHandlers(sessions, enter),
                )
            )
            router = Router(handlers, self._replies, offload=self._world.offload)
            group.create_task(self._endpoint.serve(router))
            group.create_task(self._feed.run())
            group.create_task(sessions.run())
            group.create_task(self._reload_when_asked(jobs))
            group.create_task(Sweep(self._database, self._world).run())
            ready(self._endpoint.addresses)

    async def _reload_when_asked(self, jobs: Jobs) -> None:
        while await self._reloads.heard():
            for line in self._read_own_file():
                _log.error("%s", line)
            try:
                results, _ = await jobs.read()
            except ProblemError as error:
                _log.error("%s", error)
                continue
            changed = [f"{name} {result}" for name, result in results.items() if result != "unchanged"]
            _log.info("read again: %s", ", ".join(changed) or "nothing changed")

    def _read_own_file(self) -> list[str]:
        """The daemon's own file, read again: what is wrong with it, or that it waits for a restart."""
        file = self._settings.file
        if not file:
            return []
        try:
            now = load_daemon(file, self._env)
        except ConfigError as error:
            return [str(problem) for problem in error.problems]
        return [] if now == self._settings else [f"{file}: what changed here takes effect at the next start"]

    # -- one job ---------------------------------------------------------------------------------------------

    async def _build(self, settings: JobSettings) -> tuple[Supervisor, Gauge]:
        row = await self._world.offload(self._rows.get_or_create, settings.name)
        kept = Kept(
            settings.name, row.id, self._rows, Folders(self._database, row.id), Transfers(self._database),
            self._planned, Failures(), Settling(settings.settle),
        )  # fmt: skip
        supervisor = Supervisor(
            settings, self._sides(settings), kept, row, self._world, self._feed, self._share
        )
        return supervisor, Gauge(supervisor, self._world)

    def _sides(self, settings: JobSettings) -> Sides:
        login = Login(
            settings.url, settings.username, settings.password.reveal,
            settings.tls_fingerprint or "", settings.ca_file or "",
        )  # fmt: skip
        server = CargoTree(login, settings.workspace, settings.remote_dir, self._world, self._slots)
        far = Noted(server)

        def bound() -> str | None:
            row = self._rows.get(settings.name)
            return row.binding.near if row and row.binding else None

        near = FolderTree(settings.local_dir, rules(settings), self._world, self._checkpoints, bound)

        def flowing() -> Flowing | None:
            figures = server.flow.figures() if server.flow is not None else None
            return None if figures is None else Flowing(figures, far.ids)

        return Sides(near, far, flowing, partial(self._watchers.watch, settings.local_dir))

    def _shared(self) -> Shared:
        """What interactive sessions share with the jobs."""

        def roots() -> list[str]:
            jobs = self._jobs.all.values() if self._jobs else ()
            return [job.supervisor.settings.local_dir for job in jobs]

        orders = Orders(self._database, self._world.wall)
        return Shared(self._slots, self._checkpoints, orders, Guests(), set(), roots)

    def _share(self) -> int | None:
        """Equal parts of the daemon's bandwidth for as many jobs as can move content at once."""
        total, jobs = self._settings.bandwidth, self._jobs
        if total is None or jobs is None:
            return None
        enabled = sum(job.supervisor.settings.enabled for job in jobs.all.values())
        return total // max(1, min(self._settings.parallel_transfers, enabled))
