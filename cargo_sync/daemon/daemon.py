"""The parts of a daemon, connected: settings -> state -> trees and supervisors -> sockets."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from functools import partial

from cargo_sync.admission.bandwidth import Shares
from cargo_sync.admission.slots import Slots
from cargo_sync.api.addresses import Addresses
from cargo_sync.api.daemon_commands import BANDWIDTH_SET, COMMANDS
from cargo_sync.config.daemon import DaemonSettings
from cargo_sync.config.job import JobSettings
from cargo_sync.control.endpoint import Endpoint
from cargo_sync.control.identity import Me
from cargo_sync.control.nouns.audit import AuditHandlers
from cargo_sync.control.nouns.bandwidth import BandwidthHandlers
from cargo_sync.control.nouns.feed import FeedHandlers
from cargo_sync.control.nouns.key import KeyHandlers
from cargo_sync.control.nouns.log import LogHandlers
from cargo_sync.control.nouns.process import ProcessHandlers
from cargo_sync.control.router import Router
from cargo_sync.control.routes import Noun, routed
from cargo_sync.daemon.checks.running import Checks
from cargo_sync.daemon.checks.steps import CheckCase
from cargo_sync.daemon.far.choice import far_check, far_side
from cargo_sync.daemon.far.side import FarCase
from cargo_sync.daemon.handlers.callback import CallbackHandlers
from cargo_sync.daemon.handlers.conflict import ConflictHandlers
from cargo_sync.daemon.handlers.daemon import reloaded, status
from cargo_sync.daemon.handlers.history import HistoryHandlers, RunHandlers
from cargo_sync.daemon.handlers.jobs.check import CheckHandlers
from cargo_sync.daemon.handlers.jobs.files import JobFileHandlers
from cargo_sync.daemon.handlers.jobs.job import JobHandlers
from cargo_sync.daemon.handlers.jobs.plan import PlanHandlers, VerifyHandlers
from cargo_sync.daemon.handlers.local_folder import LocalFolderHandlers
from cargo_sync.daemon.handlers.rates import RateHandlers
from cargo_sync.daemon.handlers.replaced import AfterReplacement
from cargo_sync.daemon.handlers.session import SessionHandlers
from cargo_sync.daemon.handlers.transfer import TransferHandlers
from cargo_sync.daemon.handlers.trash import TrashHandlers
from cargo_sync.daemon.job.limits import JobLimits, SharedLimits
from cargo_sync.daemon.job.local_hints import Watchers
from cargo_sync.daemon.job.sampler import JobSampler
from cargo_sync.daemon.job.supervisor import JobTrashes, Listener, Sides, Supervisor, rules
from cargo_sync.daemon.jobs.drafts import JobDrafts
from cargo_sync.daemon.jobs.loading import JobFiles
from cargo_sync.daemon.jobs.registry import Job, Jobs
from cargo_sync.daemon.jobs.unusable import UnusableJob
from cargo_sync.daemon.jobs.verifications import Verifications
from cargo_sync.daemon.live_settings import LiveSettings
from cargo_sync.daemon.reporting.feed import DaemonFeed
from cargo_sync.daemon.reporting.listeners import Listeners
from cargo_sync.daemon.reporting.metrics import JobMetrics
from cargo_sync.daemon.reporting.rates import JobRates
from cargo_sync.daemon.reporting.webhooks import JobWebhooks
from cargo_sync.daemon.retention import DaemonRetention
from cargo_sync.daemon.sessions.files import Shared
from cargo_sync.daemon.sessions.login import look_at, open_remote
from cargo_sync.daemon.sessions.registry import Sessions
from cargo_sync.engine.context import JobMemory
from cargo_sync.local.space import SpaceLedger
from cargo_sync.machines.client_fence import ClientProcess
from cargo_sync.machines.progress import TryProgress
from cargo_sync.machines.retry import Failures, cancelled
from cargo_sync.machines.room import DestinationRoom
from cargo_sync.machines.scope import NearScope
from cargo_sync.machines.settling import Settling
from cargo_sync.model.events import Event, EventDetails, Happened, groups
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import ProblemError
from cargo_sync.model.world import World
from cargo_sync.process.alongside import alongside
from cargo_sync.process.doors import Doors
from cargo_sync.process.service import Service
from cargo_sync.process.stopping import Stop
from cargo_sync.process.tasks import lasting
from cargo_sync.process.wakeup import Wakeup
from cargo_sync.process.zone_rules import ZoneRules
from cargo_sync.state.ages import Ages
from cargo_sync.state.audit import AuditTable
from cargo_sync.state.checkpoints import Checkpoints
from cargo_sync.state.clock import RetentionClock
from cargo_sync.state.conflicts import JobConflicts
from cargo_sync.state.database import Database
from cargo_sync.state.displaced import DisplacedRows
from cargo_sync.state.events import Events
from cargo_sync.state.findings import Findings
from cargo_sync.state.folders import Folders
from cargo_sync.state.guard_window import GuardWindow
from cargo_sync.state.holds import Holds
from cargo_sync.state.jobs import JobRow, JobRows
from cargo_sync.state.limits import LimitRows
from cargo_sync.state.orders import Orders
from cargo_sync.state.planned import Planned
from cargo_sync.state.remote_uploads import RemoteUploads
from cargo_sync.state.replies import Replies
from cargo_sync.state.runs import RunRows
from cargo_sync.state.suspects import JobSuspects
from cargo_sync.state.transfers import Transfers
from cargo_sync.trees.cargo.api import Apis
from cargo_sync.trees.folder import FolderTree
from cargo_sync.trees.guest import Guests

_log = logging.getLogger(__name__)


class Daemon:
    """All parts of one daemon, connected."""

    def __init__(
        self,
        settings: DaemonSettings,
        files: JobFiles,
        database: Database,
        endpoint: Endpoint,
        world: World,
        env: Mapping[str, str],
        stop: Stop,
        service: Service,
        process: ClientProcess,
        listeners: Sequence[Listener] = (),
    ) -> None:
        self._service = service
        self._process = process
        self._settings = settings
        self._files = files
        self._endpoint = endpoint
        self._world = world
        self._env = env
        self._stop = stop
        self._database = database
        self._rows = JobRows(database)
        self._planned = Planned(database)
        self._listing = asyncio.Lock()
        self._events = Events(database)
        self._replies = Replies(database, world.lived)
        self._audit = AuditTable(database, world.wall, world.lived)
        self._checkpoints = Checkpoints(database, world.lived)
        self._ages = Ages(database, world.lived)
        self._ledger = partial(DisplacedRows, database, wall=world.wall, lived=world.lived)
        self._space = SpaceLedger(database.path)
        slots, shares, limits = Slots(settings.parallel_transfers), Shares(), LimitRows(database)
        self._zones = ZoneRules(env)
        self._room = SharedLimits(slots, shares, limits, self._zones.zone)
        self._live_settings = LiveSettings(settings, env, slots, shares, limits, world.offload)
        self._watchers = Watchers(world)
        self._apis = Apis(world.steady)
        self._reloads = Wakeup()
        self._jobs: Jobs | None = None
        self._feed = DaemonFeed(endpoint.publisher, self._all, self._unusable)
        self._metrics = JobMetrics(self._all, self._unusable)
        self._callbacks = JobWebhooks(database, settings.callbacks, world, self._all)
        self._rates = JobRates(self._all, world)
        ours = (self._metrics, self._feed, self._callbacks, self._rates)
        self._listeners = Listeners((*ours, *listeners))

    @property
    def all(self) -> Mapping[str, Job]:
        """The jobs that run, or wait, by name."""
        return self._all()

    @property
    def unusable(self) -> Mapping[str, UnusableJob]:
        """The jobs that cannot run, by name."""
        return self._unusable()

    async def has_callbacks_due(self) -> bool:
        """Whether callbacks could be sent now, and are not sent yet."""
        return await self._callbacks.has_due()

    def _all(self) -> Mapping[str, Job]:
        return self._jobs.all if self._jobs else {}

    def _unusable(self) -> Mapping[str, UnusableJob]:
        return self._jobs.unusable if self._jobs else {}

    def reload(self) -> None:
        """Reads all files again, soon."""
        self._reloads.set()

    async def serve(
        self, me: Me, clock: RetentionClock, ready: Callable[[Sequence[Addresses]], None]
    ) -> None:
        """Serves until cancelled.

        Args:
            me: how the daemon identifies itself to clients.
            clock: the one that `world` reads.
            ready: called when commands are answered, with all addresses where they are.
        """
        offload, publisher = self._world.offload, self._endpoint.publisher
        await self._live_settings.begin()
        async with aclosing(self._apis), asyncio.TaskGroup() as group:
            listeners = self._listeners
            jobs = self._jobs = Jobs(
                self._files, self._build, self._world, group, listeners.removed, self._refused
            )
            await jobs.read()
            sessions = Sessions(self._world, publisher, group)
            nouns = self._handlers(me, jobs, sessions, group)
            routes = routed([AfterReplacement(nouns, jobs.replacing)])
            router = Router(routes, self._replies, audit=self._audit, offload=offload)
            filing = self._files.filing
            retention = DaemonRetention(
                self._database,
                self._world,
                self._settings.keep,
                jobs.known,
                self._moving,
                filing.tidy if filing is not None else None,
            )
            for work, what in (
                (partial(self._endpoint.serve, router), "answering commands"),
                (self._feed.run, "publishing the feed"),
                (self._callbacks.run, "sending callbacks"),
                (self._rates.run, "measuring rates"),
                (sessions.run, "serving sessions"),
                (partial(self._reload_when_asked, jobs), "reading files again"),
                (retention.run, "deleting old records"),
                (
                    partial(clock.run, offload, self._events.mark, self._clock_jumped),
                    "storing the retention clock",
                ),
                (self._run_beside, "the watchdog and the metrics"),
            ):
                group.create_task(lasting(work, what))
            ready(self._endpoint.all_addresses)
            self._service.notifier.ready(self._job_count())

    def _handlers(
        self, me: Me, jobs: Jobs, sessions: Sessions, group: asyncio.TaskGroup
    ) -> tuple[Noun, ...]:
        """What answers the commands."""
        world, offload = self._world, self._world.offload
        return (
            ProcessHandlers(
                me,
                COMMANDS,
                status=partial(status, jobs, self._zones),
                reload=partial(reloaded, jobs, self._read_settings),
                stop=self._stop,
                steady=world.steady,
            ),
            JobHandlers(jobs),
            PlanHandlers(jobs, self._planned, world),
            VerifyHandlers(jobs, Verifications(group), self._planned, world),
            JobFileHandlers(jobs, JobDrafts(self._files), self._rows, offload),
            LocalFolderHandlers(self._env, offload),
            RateHandlers(jobs, self._rates),
            TrashHandlers(jobs, world, self._happened),
            RunHandlers(jobs, RunRows(self._database), offload),
            HistoryHandlers(jobs, self._events, world),
            CheckHandlers(jobs, Checks(self._check_case, world, group)),
            ConflictHandlers(jobs, self._database, world),
            AuditHandlers(self._audit, offload),
            FeedHandlers(self._endpoint.publisher),
            KeyHandlers(self._endpoint, offload),
            CallbackHandlers(jobs, self._callbacks, world),
            TransferHandlers(jobs, self._room.slots),
            BandwidthHandlers(self._live_settings.limits, BANDWIDTH_SET),
            LogHandlers(self._service.log, jobs.check_name),
            SessionHandlers(
                sessions,
                partial(open_remote, shared=self._shared(), world=world),
                partial(look_at, world=world),
            ),
        )

    async def _run_beside(self) -> None:
        families = [self._metrics.families, self._callbacks.families]
        settings, service, state = self._settings.process, self._service, self._database.path
        await alongside(settings, service, state, families, Doors())

    async def _clock_jumped(self, message: str) -> None:
        event = Event("", Happened.CLOCK_JUMPED, self._world.wall(), details=EventDetails(message))
        await self._happened(event)

    async def _happened(self, *events: Event) -> None:
        """Stores events, and tells the listeners. Raises ProblemError."""
        cursor = await self._world.offload(self._events.append, events)
        self._listeners.happened(groups(events, cursor))

    def _job_count(self) -> str:
        count, unusable = len(self._all()), len(self._unusable())
        jobs = f"{count} job{'' if count == 1 else 's'}"
        return f"{jobs}, {unusable} cannot run" if unusable else jobs

    async def _reload_when_asked(self, jobs: Jobs) -> None:
        while await self._reloads.wait():
            with self._service.notifier.reloading(self._job_count):
                await self._read_again(jobs)

    async def _read_settings(self) -> list[str]:
        """Takes the current rules of time zones, and reads the daemon's file again."""
        before = self._zones.version
        await self._world.offload(self._zones.read)
        if self._zones.version != before:
            _log.info("time zones: rules %s (before: %s)", self._zones, before)
        return await self._live_settings.read()

    async def _read_again(self, jobs: Jobs) -> None:
        try:
            for line in await self._read_settings():
                _log.error("%s", line)
            results, _ = await jobs.read()
        except ProblemError as error:
            _log.error("%s", error)
            return
        except Exception as error:  # a bug of ours: the jobs that run go on
            _log.error("reading the files again failed", exc_info=error)
            return
        changed = [f"{name} {result}" for name, result in results.items() if result != "unchanged"]
        _log.info("files read again: %s", ", ".join(changed) or "nothing changed")

    # -- one job -----------------------------------------------------------------------------------

    async def _refused(self, job: UnusableJob) -> None:
        """Tells that a job cannot run: an event, and a callback if its file asks for one."""
        self._callbacks.know(job)
        try:
            await self._happened(job.event(self._world.wall()))
        except ProblemError as error:
            _log.error("an event cannot be stored: %s", error, extra={"job": job.name})

    async def _build(self, settings: JobSettings) -> tuple[Supervisor, JobSampler]:
        self._callbacks.know(settings)
        row = await self._world.offload(self._rows.get_or_create, settings.name)
        memory = JobMemory(
            settings.name,
            row.id,
            self._rows,
            Folders(self._database, row.id),
            Transfers(self._database),
            self._planned,
            Failures(),
            Settling(settings.settle),
            {Mode.UPLOAD: DestinationRoom(), Mode.DOWNLOAD: DestinationRoom()},
            TryProgress(),
            JobSuspects(self._database, row.id, settings.name),
            JobConflicts(self._database, row.id),
            self._ledger(row.id),
            GuardWindow(self._database, row.id),
            Holds(self._database, row.id),
            self._events,
            NearScope(settings.full_scan_interval, self._world.chance()),
            self._listing,
            self._process,
        )
        for path, source in await self._world.offload(memory.transfers.all_put_off, row.id):
            memory.failures.put_off(path, cancelled(settings.name, path), source)
        await self._world.offload(memory.conflicts.count)
        sides, bounds = self._ends(settings, row)
        await bounds.read()
        supervisor = Supervisor(settings, sides, memory, row, self._world, self._listeners, bounds)
        return supervisor, JobSampler(supervisor, self._world)

    def _ends(self, settings: JobSettings, row: JobRow) -> tuple[Sides, JobLimits]:
        async def set_speed(bits: int | None) -> None:
            await far.tree.set_speed(bits)

        bounds = JobLimits(settings, row.id, self._room, self._world, set_speed)
        case = FarCase(settings, row.id, bounds.turn, self._world, self._database, self._apis)
        far = far_side(case)

        def bound() -> str | None:
            row = self._rows.get(settings.name)
            return row.binding.near if row and row.binding else None

        near = FolderTree(
            settings.local_dir,
            rules(settings),
            self._world,
            self._checkpoints,
            self._space,
            self._ages,
            self._ledger(row.id),
            bound,
            partial(self._delivers, row.id),
        )

        watch = partial(self._watchers.watch, settings.local_dir)
        trash = JobTrashes(near, self._ledger(row.id), far.trash)
        sides = Sides(near, far.tree, far.figures, watch, far.afresh, trash, far.lacks)
        return sides, bounds

    def _delivers(self, job: int) -> bool:
        """Whether the base of a job has files."""
        return Folders(self._database, job).counts()[0] > 0

    def _shared(self) -> Shared:
        """What interactive sessions share with the jobs."""

        def roots() -> list[str]:
            return [job.supervisor.settings.local_dir for job in self._all().values()]

        orders = Orders(self._database, self._world.lived)
        room = self._room
        return Shared(
            room.slots,
            room.shares,
            self._apis,
            RemoteUploads(self._database, self._world.lived),
            Findings(self._database, self._world.lived),
            self._checkpoints,
            self._space,
            self._ages,
            orders,
            Guests(),
            set(),
            roots,
        )

    def _moving(self) -> Iterator[str]:
        """The ids of all running transfers."""
        for job in self._all().values():
            yield from (task.transfer for task in job.supervisor.sides.far.open_tasks())

    async def _check_case(self, settings: JobSettings) -> CheckCase:
        row = await self._world.offload(self._rows.get, settings.name)
        bound = row.binding.near if row and row.binding else None
        speed = self._all()[settings.name].supervisor.bounds.share.own()
        return CheckCase(
            settings,
            far_check(settings, self._world, Findings(self._database, self._world.lived)),
            self._world,
            self._space,
            speed,
            bound,
            self._zones.zone(settings.timezone or ""),
            self._zones.version,
            row is not None and await self._world.offload(self._delivers, row.id),
        )
