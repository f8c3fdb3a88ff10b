"""The parts of a server, connected."""

import asyncio
import logging
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from typing import Final, NamedTuple

import argon2

from cargo_sync.api.addresses import SERVER, Addresses, keys_dir
from cargo_sync.api.messages import JsonObject
from cargo_sync.api.proxies import Proxies
from cargo_sync.api.server_commands import BANDWIDTH_SET, COMMANDS
from cargo_sync.catalogue.feed import FeedPaths
from cargo_sync.catalogue.stored import StoredCatalogue
from cargo_sync.cluster.flow_orders import FlowsElsewhere
from cargo_sync.cluster.following import Following
from cargo_sync.cluster.holds import FolderHolds
from cargo_sync.cluster.lives import ServerLives
from cargo_sync.cluster.membership import Membership
from cargo_sync.cluster.wakeups import OthersChanges
from cargo_sync.config.server import ServerSettings, load_server
from cargo_sync.config.server_changes import waiting
from cargo_sync.control.audit import AuditWriter
from cargo_sync.control.endpoint import Endpoint
from cargo_sync.control.identity import Me
from cargo_sync.control.nouns.audit import AuditHandlers
from cargo_sync.control.nouns.bandwidth import BandwidthHandlers
from cargo_sync.control.nouns.feed import FeedHandlers
from cargo_sync.control.nouns.key import KeyHandlers
from cargo_sync.control.nouns.log import LogHandlers
from cargo_sync.control.nouns.process import ProcessHandlers
from cargo_sync.control.router import Router
from cargo_sync.control.routes import routed
from cargo_sync.lanes.listener import LaneListener
from cargo_sync.lanes.threads import joined
from cargo_sync.local.space import SpaceLedger
from cargo_sync.machines.cluster.states import AWAY_AFTER
from cargo_sync.model.problems import ProblemError
from cargo_sync.model.world import Offload, World
from cargo_sync.process.doors import Doors
from cargo_sync.process.metrics import Family
from cargo_sync.process.offload import ThreadOffload, threads
from cargo_sync.process.ring import Ring
from cargo_sync.process.tasks import contained
from cargo_sync.process.wakeup import Wakeup
from cargo_sync.server.accounts.access import Grants, served
from cargo_sync.server.accounts.invitations import Devices, Invitations
from cargo_sync.server.accounts.logins import Logins
from cargo_sync.server.accounts.permits import Permits
from cargo_sync.server.accounts.registry import Read, Registry
from cargo_sync.server.accounts.roster import Roster
from cargo_sync.server.accounts.terms import ExpiryWatch
from cargo_sync.server.accounts.tokens import SharedTokens
from cargo_sync.server.accounts.users import Users
from cargo_sync.server.backup.coordinator import Coordinator, coordinator
from cargo_sync.server.backup.nicknames import UserLogin
from cargo_sync.server.flows.anywhere import ENDING
from cargo_sync.server.flows.flows import Flows, LaneAddress
from cargo_sync.server.flows.lane_ends import FlowLanes
from cargo_sync.server.flows.traffic import Traffic
from cargo_sync.server.handlers.callback import ServerCallbackHandlers
from cargo_sync.server.handlers.cluster import ClusterHandlers
from cargo_sync.server.handlers.flow import FlowHandlers
from cargo_sync.server.handlers.history import HistorySearch
from cargo_sync.server.handlers.invitation import InvitationHandlers, ServerEnds, known_address
from cargo_sync.server.handlers.node import NodeHandlers
from cargo_sync.server.handlers.refusals import no_job
from cargo_sync.server.handlers.server import reloaded
from cargo_sync.server.handlers.trash import WorkspaceTrashHandlers
from cargo_sync.server.handlers.user import UserHandlers
from cargo_sync.server.handlers.workspace import WorkspaceHandlers
from cargo_sync.server.history.journal import ServerJournal
from cargo_sync.server.history.retention import ServerRetention
from cargo_sync.server.http.authentication import Authentication
from cargo_sync.server.http.browsing.polls import Polls
from cargo_sync.server.http.content.tickets import SharedTickets, Tickets
from cargo_sync.server.http.content.unfinished import Uploads
from cargo_sync.server.http.gateway import ApiParts, Gateway
from cargo_sync.server.http.ports import ServerPorts
from cargo_sync.server.reporting import buckets, node_metrics, servers, views
from cargo_sync.server.reporting.feed import ServerFeed
from cargo_sync.server.reporting.metrics import families
from cargo_sync.server.reporting.node_feed import NodeFeed
from cargo_sync.server.reporting.notices import ServerNotices
from cargo_sync.server.reporting.own_row import OwnRow, shown_host
from cargo_sync.server.reporting.status import ServerStatus
from cargo_sync.server.reporting.webhooks import ServerWebhooks
from cargo_sync.server.workspace.contract import Workspace
from cargo_sync.server.workspace.opened import OpenWorkspaces, SharedParts
from cargo_sync.server.workspace.refusals import is_elsewhere
from cargo_sync.server.workspace.storage.in_buckets import ConnectBucket, ObjectStorage
from cargo_sync.server.workspace.storage.on_nodes import Dialer, NodeStorage
from cargo_sync.server.workspace.storage.storages import Storages
from cargo_sync.state.accounts import Accounts
from cargo_sync.state.ages import Ages
from cargo_sync.state.audit import AuditTable
from cargo_sync.state.checkpoints import Checkpoints
from cargo_sync.state.clients import Clients
from cargo_sync.state.clock import RetentionClock
from cargo_sync.state.database import Database
from cargo_sync.state.devices import DeviceRows
from cargo_sync.state.displaced import DisplacedRows
from cargo_sync.state.drop_boxes import DropIntents
from cargo_sync.state.invitations import InvitationRows
from cargo_sync.state.limits import LimitRows
from cargo_sync.state.node_invitations import NodeInvitationRows
from cargo_sync.state.nodes import NodeRows
from cargo_sync.state.replies import Replies
from cargo_sync.state.uploads import UploadRows
from cargo_sync.state.users import UserRows
from cargo_sync.state.workspaces import WorkspaceRows
from cargo_sync.stores.nodes.pairing import NodePairing

DRAIN_LOOK: Final = 0.1
LANES: Final = 2.0
"""Seconds that lanes have to write their checkpoints."""

_log = logging.getLogger(__name__)


class Others(NamedTuple):
    """What a server shares with others.

    membership  itself among them
    following   what they change
    holds       the folders that it has among them
    flows       orders to flows of others; None if it is alone
    tokens, tickets  the logins and downloads by address at all of them; None if it is alone
    """

    membership: Membership
    following: Following
    holds: FolderHolds
    flows: FlowsElsewhere | None = None
    tokens: SharedTokens | None = None
    tickets: SharedTickets | None = None


@dataclass(frozen=True, slots=True)
class Up:
    """The addresses of a running server, and the fingerprint for clients ("" without TLS).

    backup  addresses of the backup protocol by their field in the file: framed, listen
    """

    api: str
    data_port: str
    fingerprint: str
    control: Sequence[Addresses]
    backup: Mapping[str, str] = field(default_factory=dict)


class Server:
    """All parts of one server, connected."""

    def __init__(
        self,
        settings: ServerSettings,
        database: Database,
        endpoint: Endpoint,
        world: World,
        env: Mapping[str, str],
        dialer: Dialer,
        connect: ConnectBucket,
        others: Others,
    ) -> None:
        self._settings = settings
        membership = self.membership = others.membership
        self._others = others
        self._following = others.following
        membership.heard.append(self._follow)
        membership.confirm = others.holds.look
        others.holds.lost = self._lost_folder
        self._endpoint = endpoint
        self._world = world
        self._env = env
        self._replies = Replies(database, world.lived)
        self._audit = AuditTable(database, world.wall, world.lived)
        self.journal = ServerJournal(database, world, shared=settings.cluster is not None)
        catalogue = self._catalogue = StoredCatalogue(database, self.journal.rows)
        checkpoints = Checkpoints(database, world.lived)
        self._clients = Clients(database, world.lived)
        rows = UploadRows(database, world.lived)
        self._uploads = Uploads(rows, checkpoints, world.token, world.steady)
        self.retention = ServerRetention(
            database, catalogue, self.journal.rows, self._uploads, world
        )
        self._polls = Polls(asyncio.get_running_loop())
        accounts, device_rows = Accounts(database), DeviceRows(database)
        self._users = Users(accounts, argon2.PasswordHasher(), world.offload, world.wall)
        devices = Devices(device_rows, self._users, world.wall)
        self.webhooks = ServerWebhooks(
            database, settings.callbacks, world, self.journal.rows, self.journal.names
        )
        self.webhooks.sends = membership.is_first
        self.webhooks.shared = lambda: bool(membership.others())
        entered = self.webhooks.logged_in
        self._logins = Logins(
            self._users, devices, world.steady, secrets.token_bytes, entered, others.tokens
        )
        self.doors = Doors(settings.trusted_proxies)
        self._grants = Grants(DropIntents(database))
        self._permits = Permits(self._grants, self._users.refusal, self.journal.presence.seen)
        self.expiry = ExpiryWatch(self._users, world.wall, self._expired, self._expires_soon)
        ledger = partial(DisplacedRows, database, wall=world.wall, lived=world.lived)
        space, ages = SpaceLedger(database.path), Ages(database, world.lived)
        shared = SharedParts(catalogue, ledger, checkpoints, space, ages)
        keys = keys_dir(env, SERVER)
        lives = None if settings.cluster is None else ServerLives(membership)
        opened = self._opened = OpenWorkspaces(
            world, shared, self._changed, self.journal.tell, holds=others.holds
        )
        self._storages = Storages(
            opened,
            NodeStorage(settings, database, world, shared, dialer, keys),
            ObjectStorage(settings.state_dir, database, world, shared, connect, lives),
        )
        self.changes = OthersChanges(
            database.signals(),
            membership.me.life,
            FeedPaths(catalogue),
            self._polls,
            opened.heard,
            world.offload,
            world.steady,
        )
        self._registry = Registry(
            UserRows(database),
            WorkspaceRows(database),
            self._users,
            opened,
            world.offload,
            self._take,
        )
        self._registry.reading = self._following.reading
        self._invitations = Invitations(
            InvitationRows(database),
            device_rows,
            accounts,
            self._users,
            self._logins,
            self._registry,
            AuditWriter(self._audit, world.offload),
            world,
            self._notice,
        )
        self._pairing = NodePairing(
            NodeInvitationRows(database),
            NodeRows(database),
            self._logins.prove,
            AuditWriter(self._audit, world.offload),
            world,
            self._node_joined,
        )
        self._flows = Flows(self._grants, self._permits, self._users.get, world.steady)
        traffic = self.traffic = Traffic(
            self._flows, membership, others.flows, opened, LimitRows(database), world
        )
        self._own_row = OwnRow(settings, membership, traffic)
        self._ports = ServerPorts(settings, world, self.doors)
        status = self._status = ServerStatus(
            settings,
            self._registry,
            self._grants,
            self._storages,
            traffic,
            self._ports,
            membership,
            database.trouble,
        )
        self.feed = ServerFeed(
            endpoint.publisher, status.general, traffic.sampler, self.journal.names
        )
        self._notices = ServerNotices(self.feed, self.webhooks, world.wall)
        self.feed.beside.append(NodeFeed(endpoint.publisher, self._storages.nodes.report).tick)
        self.journal.heard += [self.feed.happened, self.webhooks.heard]
        login = partial(UserLogin, self._logins, self._grants, self._permits)
        backup = settings.backup
        self._coordinator: Coordinator | None = (
            coordinator(backup, database, world, self._registry, login, self.journal.downloads)
            if backup
            else None
        )
        self._tasks: asyncio.TaskGroup | None = None
        self._threads = ExitStack()

    async def start(self, tasks: asyncio.TaskGroup) -> Up:
        """Opens the ports and folders.

        Raises:
            ProblemError: one of them cannot be opened.
        """
        settings, world = self._settings, self._world
        await self._ports.prepare()
        self._tasks = tasks
        if settings.port and settings.initial_port:  # others may ask before all is open here
            self._is_reached(settings.initial_port)
        await self.membership.join(alone=settings.cluster is None)
        await self.apply(settings)
        await self._storages.first_answers(world.steady)
        ends = FlowLanes(self._flows, world.steady, self.journal.downloads)
        lanes = LaneListener(ends, settings.total_connections, world.offload)
        data_port = await self._ports.open_lanes(lanes)
        self._flows.arrive(LaneAddress(settings.public_ip or "", data_port))
        contents = ThreadOffload(self._threads.enter_context(threads("contents")))
        gateway = Gateway(self._api_parts(contents), settings.prefix)
        await self._ports.open_api(gateway.application())
        backup = {}
        if self._coordinator:
            backup = await self._coordinator.start(self._ports.context, self.doors)
        self._is_reached(data_port)
        self.membership.measure = self._own_row.measured
        await self.membership.tick()
        scheme = "http" if settings.plain else "https"
        return Up(
            f"{scheme}://{shown_host(settings.host)}:{self._ports.port}{settings.prefix}",
            f"{shown_host(settings.private_ip or settings.host)}:{data_port}",
            self._ports.fingerprint,
            self._endpoint.all_addresses,
            {name: f"{shown_host(host)}:{bound}" for name, (host, bound) in backup.items()},
        )

    def _api_parts(self, contents: Offload) -> ApiParts:
        settings, world = self._settings, self._world
        proxies = Proxies(settings.trusted_proxies)
        return ApiParts(
            entrance=Authentication(self._logins, self._grants, self._permits, proxies),
            spaces=self._grants,
            polls=self._polls,
            flows=self.traffic.anywhere,
            uploads=self._uploads,
            tickets=Tickets(world.steady, world.token, self._others.tickets),
            clients=self._clients,
            invitations=self._invitations,
            pairing=self._pairing,
            audit=AuditWriter(self._audit, world.offload),
            downloads=self.journal.downloads,
            world=world,
            contents=contents,
            unready=self._unready,
        )

    def _is_reached(self, data_port: int) -> None:
        ends = self._ends()
        address = known_address(ends._replace(proxied=False))
        self._own_row.reached(address, ends.fingerprint, data_port)

    # -- users and workspaces ----------------------------------------------------------------------

    async def apply(self, settings: ServerSettings) -> Read:
        """Applies a file's users, workspaces and bandwidth to the running server.

        Other settings need a restart.

        Raises:
            ProblemError: the state cannot be read or written.
        """
        self.retention.keep = settings.keep
        await self.webhooks.apply(settings.events)
        await self.traffic.apply(settings)
        await self._storages.open(settings.workspaces)
        read = await self._registry.read(settings)
        for notice in (*settings.warnings, *read.notices):
            _log.warning("%s", notice)
        return read

    async def reread(self) -> Read:
        """Reads the file again.

        Raises:
            ConfigError: it cannot be used; nothing has changed.
            ProblemError: not all of it could be applied.
        """
        fresh = await self._world.offload(load_server, self._settings.file, self._env)
        read = await self.apply(fresh)
        notices = []
        if seen := await self._ports.look_again():
            notices.append(seen)
        if later := waiting(self._settings, fresh):
            notice = f"{fresh.file}: changes of {', '.join(later)} take effect at the next start"
            _log.warning("%s", notice)
            notices.append(notice)
        return replace(read, notices=(*read.notices, *notices))

    async def _take(self, roster: Roster, ended: frozenset[str]) -> None:
        """Makes a roster take effect, and closes the folders that are not served any more."""
        assert self._tasks is not None, "the server has started"
        elsewhere = self._following.ended
        paths = await self._world.offload(served, roster.users, roster.workspaces)
        for path in paths:
            if path not in self._opened and (problem := await self._opened.open(path)):
                # Other folders are served, and this one is tried again.
                level = logging.INFO if is_elsewhere(problem) else logging.ERROR
                _log.log(level, "%s: %s", path, problem)
        await self._world.offload(
            self._grants.apply, roster.users, roster.workspaces, self._opened.at
        )
        for warning in views.only_reading(self._grants.only_reading()):
            _log.warning("%s", warning)
        self.journal.names.apply(roster.users, roster.workspaces, self._opened.id_at)
        await self._world.offload(
            self._opened.allow, roster.users, roster.workspaces, self._notices.quota_news
        )
        self._storages.serve(roster.workspaces, self._tasks)
        self._opened.serve(paths, self._settings, self._tasks)
        self.expiry.changed()
        await self._logins.end_of(ended)
        self._users.changed(elsewhere)
        self._logins.forget(elsewhere)
        self._permits.end_of(ended | elsewhere)
        self._permits.renew()
        self._flows.renew()
        self.feed.changed()
        self._following.taken()
        await self._let_go(self._opened.unserved())

    async def _follow(self) -> None:
        """Takes over what other servers have changed. Raises ProblemError."""
        await self.traffic.anywhere.follow()
        if self.membership.draining and not self._flows.lanes():
            await self._others.holds.leave()
        await self._following.look(self._registry.again, self.traffic.limits.again)

    def _lost_folder(self, root: str) -> None:
        self._opened.attach_soon(root)

    def _unready(self) -> str:
        """Why a balancer should send no requests now, or ""."""
        if self.membership.draining:
            return "this server is about to end"
        if self.membership.unheard() > AWAY_AFTER:
            return "this server cannot use its database"
        return ""

    def _changed(self, workspace: int, paths: Sequence[str]) -> None:
        """Something is recorded: those who wait for it hear of it, here and at other servers."""
        self._polls.changed(workspace, paths)
        self.changes.told(workspace)

    def _expired(self, users: frozenset[str]) -> None:
        """Ends what expired users have."""
        self._logins.forget(users)
        self._permits.renew()
        for name in sorted(users):
            self._notices.expired(name)

    def _expires_soon(self, name: str, at: float) -> None:
        self._notices.expires_soon(name, at)

    async def _let_go(self, unserved: Sequence[Workspace]) -> None:
        """Closes folders that are not served; one in use is tried again at the next change."""
        lanes = self._flows.lanes_in(unserved)
        if lanes is not None and await joined(lanes, LANES, self._world):
            await self._world.offload(self._uploads.let_go, unserved)
            await self._opened.let_go(unserved)

    # -- the control plane -------------------------------------------------------------------------

    async def answer(self, me: Me, stop: Callable[[], None], log: Ring) -> None:
        """Answers commands until cancelled."""
        registry, offload = self._registry, self._world.offload
        routes = routed(
            (
                ProcessHandlers(
                    me,
                    COMMANDS,
                    status=self._whole_status,
                    reload=partial(reloaded, self.reread),
                    stop=stop,
                    steady=self._world.steady,
                ),
                UserHandlers(
                    registry,
                    self._users,
                    self._invitations,
                    self._all_flows,
                    self.journal.users,
                    offload,
                    self._notice,
                ),
                InvitationHandlers(
                    registry, self._users, self._invitations, self._ends, offload, self._notice
                ),
                NodeHandlers(self._pairing, self._ends, self._storages.nodes),
                WorkspaceHandlers(registry, offload, self._storages.buckets.reclaim),
                BandwidthHandlers(
                    self.traffic.limits, BANDWIDTH_SET, partial(servers.among, self.membership)
                ),
                WorkspaceTrashHandlers(registry, self._opened, self._world),
                FlowHandlers(self.traffic.sampler, self.traffic.rates, self.membership),
                ClusterHandlers(self.membership),
                ServerCallbackHandlers(self.webhooks, self._world),
                HistorySearch(self.journal.rows, self.journal.names, offload),
                AuditHandlers(self._audit, offload),
                FeedHandlers(self._endpoint.publisher),
                KeyHandlers(self._endpoint, offload),
                LogHandlers(log, no_job),
            )
        )
        router = Router(routes, self._replies, audit=self._audit, offload=offload)
        await self._endpoint.serve(router)

    def _all_flows(self) -> list[JsonObject]:
        return servers.all_flows(self.traffic.sampler.readings(), self.membership)

    def _notice(self, user: str, kind: str) -> None:
        self.feed.notice(user, kind)

    def _node_joined(self, node: str) -> None:
        _log.info("the storage node %s has joined", node)
        if self._tasks is not None:
            self._tasks.create_task(contained(self._take_in(), "a node that has joined"))

    async def _take_in(self) -> None:
        """A node has joined: it is followed from now on."""
        assert self._tasks is not None, "the server has started"
        await self._storages.joined(self._registry.roster.workspaces, self._tasks)

    def _ends(self) -> ServerEnds:
        settings = self._settings
        return ServerEnds(
            settings.host,
            self._ports.port,
            settings.prefix,
            self._ports.fingerprint.removeprefix("sha256:"),
            settings.public_ip,
            bool(settings.trusted_proxies),
        )

    async def watch_certificate(self) -> None:
        """Takes a renewed certificate, and warns of the one that is served, until cancelled."""
        await self._ports.watch_certificate()

    async def keep_time(self, clock: RetentionClock) -> None:
        """Stores the retention clock once a minute, and tells when the wall clock jumps."""
        await clock.run(self._world.offload, self._mark, self._clock_jumped)

    def _mark(self, now: float) -> None:
        self._catalogue.mark(now, 0.0)

    async def _clock_jumped(self, message: str) -> None:
        self.feed.clock_jumped(message)

    def _whole_status(self) -> JsonObject:
        return self._status.whole(known_address(self._ends()))

    # -- state of the server -----------------------------------------------------------------------

    def words(self) -> str:
        """The state of the server in one line."""
        return f"{len(self._users)} users, {len(self._opened)} folders"

    def measured(self) -> Iterable[Family]:
        """The metrics of the server."""
        own = families(
            self._users,
            len(self._opened),
            self._logins,
            self._flows,
            self._polls,
            self.doors,
            self._ports.certificate_ends,
            self._opened.quotas(),
        )
        on_nodes, in_buckets = self._storages.nodes, self._storages.buckets
        own = chain(own, node_metrics.families(on_nodes.report()), on_nodes.families())
        own = chain(own, buckets.families(in_buckets.report()))
        servers = self._coordinator.file_servers if self._coordinator else None
        return chain(own, servers.families()) if servers else own

    # -- the end -----------------------------------------------------------------------------------

    async def drain(self, seconds: float) -> None:
        """Ends what can go on at another server, and waits for the rest, for so long at most."""
        try:
            await self.membership.end_soon()
        except ProblemError as error:
            _log.error("others are not told that this server is about to end: %s", error)
        self._polls.close()
        self._flows.close(ENDING)
        world = self._world
        until = world.steady() + seconds
        while (self._flows.lanes() or len(self._permits)) and world.steady() < until:
            await Wakeup().wait(DRAIN_LOOK)

    async def rest(self) -> None:
        """Ends requests, lanes (at their checkpoints) and scans."""
        self._opened.stop()
        await self._ports.close_api()
        if self._coordinator is not None:
            await self._coordinator.close()
        if self._ports.close_lanes():
            await joined(self._flows.close(), LANES, self._world)
        await self._storages.rest()

    def close(self) -> None:
        """Closes the folders, which must not be in use any more."""
        self._storages.close()
        self.journal.close()
        self._threads.close()
