"""Runs a server: from settings to a running gateway, until it is stopped."""

import asyncio
import logging
import os
import secrets
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial
from importlib.metadata import version
from typing import Final

from cargo_sync.api.addresses import SERVER, keys_dir, runtime_dir
from cargo_sync.catalogue.stored import StoredCatalogue
from cargo_sync.cluster.flow_orders import FlowsElsewhere
from cargo_sync.cluster.following import Following
from cargo_sync.cluster.holds import FolderHolds
from cargo_sync.cluster.identity import ServerIdentity, server_id
from cargo_sync.cluster.membership import Membership
from cargo_sync.config.errors import ConfigError
from cargo_sync.config.server import ServerSettings
from cargo_sync.control.endpoint import Endpoint
from cargo_sync.control.identity import this_process
from cargo_sync.machines.suspects import UncleanStop
from cargo_sync.model.problems import ProblemError
from cargo_sync.model.world import Offload, World
from cargo_sync.process.alongside import alongside
from cargo_sync.process.descriptors import more_descriptors
from cargo_sync.process.offload import ThreadOffload, threads
from cargo_sync.process.patient_start import PatientStart, StoppedError
from cargo_sync.process.service import Service
from cargo_sync.process.slow_start import SlowStart
from cargo_sync.process.stopping import Stop
from cargo_sync.process.system import system_clocks, system_world
from cargo_sync.process.systemd import Notifier
from cargo_sync.process.tasks import lasting
from cargo_sync.process.wakeup import Wakeup
from cargo_sync.server.accounts.tokens import SharedTokens
from cargo_sync.server.http.content.tickets import SharedTickets
from cargo_sync.server.server import Others, Server, Up
from cargo_sync.server.workspace.storage.in_buckets import ConnectBucket
from cargo_sync.server.workspace.storage.on_nodes import Dialer
from cargo_sync.state.clock import RetentionClock
from cargo_sync.state.database import Database
from cargo_sync.state.displaced import all_incomplete
from cargo_sync.state.flow_orders import FlowOrders
from cargo_sync.state.holders import HolderRows
from cargo_sync.state.logins import LoginRows
from cargo_sync.state.opening import open_server_state
from cargo_sync.state.revisions import Revisions
from cargo_sync.state.servers import MemoryServerRows, ServerRows
from cargo_sync.state.tickets import TicketRows
from cargo_sync.stores.nodes.fleet import Dial
from cargo_sync.stores.nodes.link import NodeLink
from cargo_sync.stores.objects.s3_bucket import connect
from cargo_sync.stores.spool import BlobSpool

WATCH: Final = 1.0
"""Seconds between two looks whether the state is still the one that was opened."""

DRAIN: Final = 10.0
"""Seconds for which one of several servers waits at its end for what runs."""

_log = logging.getLogger(__name__)


def announce(up: Up) -> None:
    """Prints the addresses on the terminal."""
    print(f"the server is up: {up.api}, data port {up.data_port}", flush=True)
    for place in up.control:
        print(f"control: commands {place.commands}, feed {place.feed}", flush=True)
    if up.backup:
        ports = ", ".join(f"{name} {at}" for name, at in up.backup.items())
        print(f"backup ports: {ports}", flush=True)
    if up.fingerprint:
        print(f"certificate fingerprint: {up.fingerprint}", flush=True)


def node_links(spool: BlobSpool, world: World) -> Dial:
    """Storage nodes on other machines."""
    return lambda row: NodeLink(row, spool, world)


async def run(
    settings: ServerSettings,
    *,
    ready: Callable[[Up], None] = announce,
    env: Mapping[str, str] = os.environ,
    service: Service | None = None,
    dialer: Dialer = node_links,
    connect_bucket: ConnectBucket = connect,
) -> None:
    """Runs a server until SIGTERM, SIGINT or `shutdown`.

    SIGHUP reads users, workspaces and bandwidth again.

    Args:
        settings: of the server.
        ready: called once requests are answered.
        env: for the file, when it is read again.
        service: the process that this runs in.
        dialer: how storage nodes are reached.
        connect_bucket: how buckets are.

    Raises:
        EndpointError, AddressError: the control sockets cannot be opened.
        ProblemError: the state, a port or the certificate cannot be used.
    """
    service = service or Service()
    stop, again = Stop(), asyncio.Event()
    stop.on_signals(again.set)
    more_descriptors()
    epoch = _token()
    with ExitStack() as last:
        last.callback(stop.rested)
        endpoint = last.enter_context(_endpoint(settings, env, epoch))
        slow = last.enter_context(SlowStart())
        start = PatientStart(slow, stop.wait, time.monotonic)
        try:
            database = last.enter_context(await _database(settings, slow, start))
            clock = last.enter_context(await _clock(settings, database, start))
        except StoppedError:
            stop.at_last()
            return
        world = system_world(last.enter_context(threads()), clock)
        pool = last.enter_context(ThreadPoolExecutor(1, "others"))
        others = _others(settings, database, world, ThreadOffload(pool), epoch)
        membership = others.membership
        server = Server(settings, database, endpoint, world, env, dialer, connect_bucket, others)
        last.callback(server.close)
        me = this_process(epoch, SERVER, world.steady(), "server")
        beside = (
            settings.process,
            service,
            database.path,
            [server.measured, server.webhooks.families],
            server.doors,
        )
        async with asyncio.TaskGroup() as tasks:
            slow.work = "folders and ports are opened"
            up = await server.start(tasks)
            slow.over()
            serving = [
                tasks.create_task(lasting(work, what))
                for work, what in (
                    (partial(server.answer, me, stop, service.log), "answering commands"),
                    (server.feed.run, "publishing the feed"),
                    (server.traffic.rates.run, "measuring rates"),
                    (membership.run, "hearing other servers"),
                    (partial(_end_when_lost, database, stop, world), "watching the state"),
                    (server.changes.run, "hearing what other servers record"),
                    (membership.attend, "following other servers"),
                    (partial(_reload, server, again, service.notifier), "reading the file again"),
                    (partial(alongside, *beside), "the watchdog and the metrics"),
                    (server.journal.run, "writing the history"),
                    (server.journal.follow, "telling what happened"),
                    (server.webhooks.run, "sending callbacks"),
                    (server.retention.run, "deleting old state"),
                    (server.expiry.run, "ending users who expire"),
                    (server.watch_certificate, "looking at the certificate"),
                    (partial(server.keep_time, clock), "storing the retention clock"),
                )
            ]
            ready(up)
            service.notifier.ready(server.words())
            await stop.wait()
            service.notifier.stopping()
            stop.at_last()
            if settings.cluster is not None:
                await server.drain(DRAIN)
            for task in serving:
                task.cancel()
            await server.rest()
            await membership.leave()
        if (lost := database.lost) is not None:
            raise ProblemError(lost)
    _log.info("ended")


async def _database(settings: ServerSettings, slow: SlowStart, start: PatientStart) -> Database:
    """The open state. Raises ProblemError, StoppedError."""

    def begun(database: Database) -> None:
        slow.asks = database.waiting

    opens = partial(open_server_state, settings.state_dir, settings.database, begun=begun)
    if settings.database is None:
        return opens()
    return await start.done("the state is opened", opens)


async def _clock(
    settings: ServerSettings, database: Database, start: PatientStart
) -> RetentionClock:
    """The retention clock, which goes on. Raises ProblemError, StoppedError."""

    def unclean(stopped: UncleanStop) -> None:
        StoredCatalogue(database).suspect(stopped)
        all_incomplete(database, "server")

    id = "" if settings.database is None else server_id(settings.state_dir, _token)
    goes_on = partial(RetentionClock, database, system_clocks(), unclean, id)
    if settings.database is None:
        return goes_on()
    return await start.done("the retention clock goes on", goes_on)


async def _end_when_lost(database: Database, stop: Stop, world: World) -> None:
    """Stops the server when its state is not the one any more that was opened."""
    while (lost := database.lost) is None:
        if database.life:
            with suppress(ProblemError):  # it is away, and tells nobody how far it is
                await world.offload(database.reached)
        await Wakeup().wait(WATCH)
    _log.error("%s", lost)
    stop()
    await Wakeup().wait()


def _token() -> str:
    return secrets.token_hex(16)


def _others(
    settings: ServerSettings, database: Database, world: World, offload: Offload, life: str
) -> Others:
    """What a server shares with others. Raises ProblemError.

    Args:
        settings: of the server.
        database: its state.
        world: of the server.
        offload: a thread that waits for nothing else: who is late counts as away.
        life: marks this start.
    """
    name = (settings.cluster and settings.cluster.name) or world.host or "server"
    id = server_id(settings.state_dir, world.token)
    me = ServerIdentity(id, name, life, version("cargo-sync"), world.wall())
    if settings.database is None:
        alone = Membership(MemoryServerRows(), me, offload, world.steady, world.wall)
        return Others(alone, Following(None, offload), FolderHolds(alone, None, offload))
    membership = Membership(ServerRows(database), me, offload, world.steady, world.wall)
    tokens = SharedTokens(LoginRows(database), world.offload, world.wall)
    tickets = SharedTickets(TicketRows(database), world)
    following = Following(Revisions(database), world.offload)
    holds = FolderHolds(membership, HolderRows(database), offload)
    flows = FlowsElsewhere(FlowOrders(database), world)
    return Others(membership, following, holds, flows, tokens, tickets)


def _endpoint(settings: ServerSettings, env: Mapping[str, str], epoch: str) -> Endpoint:
    """The control sockets. Raises EndpointError and AddressError."""
    return Endpoint(
        settings.control.runtime_dir or runtime_dir(env),
        SERVER,
        epoch=epoch,
        now=time.time,
        control=settings.control,
        keys=keys_dir(env, SERVER),
    )


async def _reload(server: Server, again: asyncio.Event, notifier: Notifier) -> None:
    """Reads the file again at each signal. A file that cannot be used changes nothing."""
    while await again.wait():
        again.clear()
        with notifier.reloading(server.words):
            await _read_again(server)


async def _read_again(server: Server) -> None:
    try:
        await server.reread()
    except ConfigError as error:
        _log.error("the old settings stay: %s", error)
    except ProblemError as error:
        _log.error("not all of the new settings could be applied: %s", error)
    else:
        _log.info("users, workspaces and bandwidth were read again")
