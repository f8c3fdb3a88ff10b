"""The server, constructed and run: settings -> state -> users, workspaces -> flows, gateway -> until stopped.

The only place of the server where the clock, chance and threads are real.
"""

import asyncio
import datetime
import logging
import os
import random
import secrets
import socket
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import argon2

from cargo_sync.catalogue.sqlite import SqliteCatalogue
from cargo_sync.config.errors import ConfigError
from cargo_sync.config.server import ServerSettings, load_server
from cargo_sync.local.watch import native
from cargo_sync.model.problems import Problem, ProblemError
from cargo_sync.model.world import World
from cargo_sync.process.alongside import alongside
from cargo_sync.process.descriptors import more_descriptors
from cargo_sync.process.metrics import Family
from cargo_sync.process.offload import Offload, threads
from cargo_sync.process.service import Service
from cargo_sync.process.stopping import Stop
from cargo_sync.process.systemd import Notifier
from cargo_sync.server import tls
from cargo_sync.server.entrance import Entrance
from cargo_sync.server.flows import Bandwidth, Flows, LaneAddress
from cargo_sync.server.gateway import Gateway
from cargo_sync.server.intake import Intake
from cargo_sync.server.lane_listener import LaneListener
from cargo_sync.server.listener import Listener
from cargo_sync.server.measured import families
from cargo_sync.server.polls import Polls
from cargo_sync.server.sessions import Sessions
from cargo_sync.server.spaces import Spaces, served
from cargo_sync.server.sweep import Sweep
from cargo_sync.server.tracked import TrackedFolder
from cargo_sync.server.users import Users
from cargo_sync.server.workspace import Workspace
from cargo_sync.state.accounts import Accounts
from cargo_sync.state.checkpoints import Checkpoints
from cargo_sync.state.database import Database
from cargo_sync.stores.folder import FolderStore

LANES: Final = 2.0
"""Seconds that lanes have to come to their checkpoints."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Up:
    """What a server says once it answers: its addresses, and what clients pin ("" without TLS)."""

    api: str
    lanes: str
    fingerprint: str


def announce(up: Up) -> None:
    """Says it on the terminal."""
    print(f"the server is up: {up.api} lanes {up.lanes}", flush=True)
    if up.fingerprint:
        print(f"its certificate: {up.fingerprint}", flush=True)


async def run(
    settings: ServerSettings,
    *,
    ready: Callable[[Up], None] = announce,
    env: Mapping[str, str] = os.environ,
    service: Service | None = None,
) -> None:
    """Runs a server until SIGTERM or SIGINT; SIGHUP reads users and workspaces again.

    Args:
        ready: called once requests are answered.
        env: for the file, when it is read again.
        service: the process that this runs in.

    Raises:
        ProblemError: the state, a port or the certificate cannot be used.
    """
    service = service or Service()
    stop, again = Stop(), asyncio.Event()
    stop.on_signals(again.set)
    more_descriptors()
    with ExitStack() as last:
        last.callback(stop.rested)
        database = last.enter_context(Database.open(os.path.join(settings.state_dir, "state.db"), "server"))
        pool = last.enter_context(threads())
        world = World(time.time, time.monotonic, random.random, partial(secrets.token_hex, 16), Offload(pool))
        server = Server(settings, database, world)
        last.callback(server.close)
        async with asyncio.TaskGroup() as tasks:
            ready(await server.start(tasks))
            service.notifier.ready(server.words())
            beside = [
                tasks.create_task(_reload(server, settings, again, env, service.notifier)),
                tasks.create_task(alongside(settings.process, service, database.path, [server.measured])),
                tasks.create_task(server.sweep.run()),
            ]
            await stop.wait()
            service.notifier.stopping()
            stop.at_last()
            for task in beside:
                task.cancel()
            await server.rest()
    _log.info("ended")


class Server:
    """Everything that one server is made of, wired."""

    def __init__(self, settings: ServerSettings, database: Database, world: World) -> None:
        self._settings = settings
        self._world = world
        self._catalogue = SqliteCatalogue(database)
        self.sweep = Sweep(database, self._catalogue, world, settings.process.keep)
        self._checkpoints = Checkpoints(database, world.wall)
        self._polls = Polls(asyncio.get_running_loop())
        self._users = Users(Accounts(database), argon2.PasswordHasher(), world.offload)
        self._sessions = Sessions(self._users, world.steady, secrets.token_bytes)
        self._spaces = Spaces()
        self._native = native()
        self._workspaces: dict[str, Workspace] = {}
        self._standing: list[asyncio.Task[None]] = []
        self._tasks: asyncio.TaskGroup | None = None
        self._lanes: LaneListener | None = None
        self._flows: Flows | None = None
        self._listener: Listener | None = None

    async def start(self, tasks: asyncio.TaskGroup) -> Up:
        """Opens what can be used from now on. Raises ProblemError."""
        settings, world = self._settings, self._world
        certificate = None if settings.plain else await world.offload(_certificate, settings)
        self._tasks = tasks
        await self.apply(settings)
        lanes = self._lanes = _lane_listener(settings, world)
        flows = self._flows = Flows(
            self._spaces, LaneAddress(settings.public_ip or "", lanes.port),
            Bandwidth(settings.global_upload_bandwidth, settings.global_download_bandwidth), world.steady,
        )  # fmt: skip
        lanes.start(flows)
        gateway = Gateway(
            Entrance(self._sessions, settings.trusted_proxies), self._spaces, self._polls, flows,
            world.offload, world.wall, settings.prefix,
        )  # fmt: skip
        self._listener = Listener(gateway.application(), tls.context(certificate) if certificate else None)
        port = await self._listener.start(settings.host, settings.port)
        if settings.plain:
            _log.warning("plain HTTP: whoever is on the way can read passwords and files")
        scheme = "http" if settings.plain else "https"
        return Up(
            f"{scheme}://{_shown(settings.host)}:{port}{settings.prefix}",
            f"{_shown(settings.private_ip or settings.host)}:{lanes.port}",
            certificate.fingerprint if certificate else "",
        )

    async def apply(self, settings: ServerSettings) -> None:
        """Takes users and workspaces over. What is served no more stays open: flows may be in it still.

        Raises:
            ProblemError: the state cannot be written.
        """
        applied = await self._users.apply(settings.users)
        for path in served(settings.users, settings.workspaces):
            if path not in self._workspaces:
                workspace = await self._world.offload(self._open, path)
                self._workspaces[path] = workspace
                intake = Intake(
                    workspace,
                    self._world,
                    settings.settle,
                    settings.scan_interval,
                    settings.trash_days,
                    self._native,
                )
                assert self._tasks is not None, "it was started"
                self._standing.append(self._tasks.create_task(intake.run()))
        self._spaces.apply(settings.users, settings.workspaces, self._workspaces.__getitem__)
        self._sessions.forget(applied.changed)
        if self._flows is not None:
            self._flows.end_of(applied.changed)
        for notice in (*settings.warnings, *applied.notices):
            _log.warning("%s", notice)

    def words(self) -> str:
        """How it stands, in a line."""
        return f"{len(self._users)} users, {len(self._workspaces)} folders"

    def measured(self) -> Iterable[Family]:
        """What there is to be measured."""
        return families(self._users, len(self._workspaces), self._sessions, self._flows, self._polls)

    async def rest(self) -> None:
        """Ends what is under way: requests, lanes at their checkpoints, scans."""
        for workspace in self._workspaces.values():
            workspace.stop()
        if self._listener is not None:
            await self._listener.close()
        if self._lanes is not None and self._flows is not None:
            self._lanes.close()
            until = self._world.steady() + LANES
            for lane in self._flows.close():
                await self._world.offload(lane.join, max(0.0, until - self._world.steady()))
        for intake in self._standing:
            intake.cancel()

    def close(self) -> None:
        """Closes the folders. Nobody may be in them any more."""
        for workspace in self._workspaces.values():
            workspace.close()

    def _open(self, path: str) -> Workspace:
        world = self._world
        open_store = partial(
            FolderStore.open, path, token=world.token, checkpoints=self._checkpoints, wall=world.wall
        )
        folder = TrackedFolder(path, self._catalogue, open_store, world.token, self._polls.changed)
        try:
            folder.attach()
        except ProblemError as error:
            _log.error("%s", error)  # the others are served; it is asked for again
        return Workspace(folder, world.token)


async def _reload(
    server: Server, settings: ServerSettings, again: asyncio.Event, env: Mapping[str, str],
    notifier: Notifier,
) -> None:  # fmt: skip
    """At each signal. A file that cannot be used changes nothing."""
    while await again.wait():
        again.clear()
        with notifier.reloading(server.words):
            await _read_again(server, settings, env)


async def _read_again(server: Server, settings: ServerSettings, env: Mapping[str, str]) -> None:
    try:
        fresh = await asyncio.to_thread(load_server, settings.file, env)
        await server.apply(fresh)
    except ConfigError as error:
        _log.error("the old settings stay: %s", error)
    except ProblemError as error:
        _log.error("not all of the new settings could be taken over: %s", error)
    else:
        if _fixed(fresh) != _fixed(settings):
            _log.warning("users and workspaces were read again; the other changes wait for a restart")
        else:
            _log.info("users and workspaces were read again")


def _fixed(settings: ServerSettings) -> ServerSettings:
    """What only a start acts on."""
    return replace(settings, users=(), workspaces=(), warnings=())


def _certificate(settings: ServerSettings) -> tls.Certificate:
    if settings.tls is not None:
        return tls.own(settings.tls.cert, settings.tls.key)
    addresses: Sequence[str | None] = (settings.host, settings.private_ip, settings.public_ip)
    reached = [one for one in addresses if one and one not in ("0.0.0.0", "::")]  # noqa: S104
    names = ["localhost", socket.gethostname(), "127.0.0.1", "::1", *reached]
    return tls.self_made(settings.state_dir, names, datetime.datetime.now(datetime.UTC))


def _lane_listener(settings: ServerSettings, world: World) -> LaneListener:
    host = settings.private_ip or settings.host
    try:
        return LaneListener(host, settings.initial_port, settings.total_connections, world.steady)
    except OSError as error:
        reason = os.strerror(error.errno).lower() if error.errno else str(error)
        words = f"lanes cannot be taken at {_shown(host)}:{settings.initial_port}: {reason}"
        hint = "change initial_port or private_ip, or stop what listens there"
        raise ProblemError(Problem("address", words, hint=hint)) from error


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
