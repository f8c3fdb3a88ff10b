"""The callbacks of a daemon: events become rows, rows are delivered, transfers send updates.

It listens to the jobs, so that it reads an event that asks for a callback at once. No run waits for
callbacks.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Final

from cargo_sync.config.callbacks import CallbackLimits
from cargo_sync.config.events import EventSettings
from cargo_sync.config.job import JobSettings
from cargo_sync.daemon.job.supervisor import Listener
from cargo_sync.daemon.jobs.registry import Job
from cargo_sync.daemon.jobs.unusable import UnusableJob
from cargo_sync.daemon.reporting.progress_webhooks import ProgressWebhooks
from cargo_sync.model.events import Event, EventGroup, Moment
from cargo_sync.model.problems import ProblemError
from cargo_sync.model.world import World
from cargo_sync.process.metrics import Family
from cargo_sync.process.tasks import lasting
from cargo_sync.process.wakeup import Wakeup
from cargo_sync.state.database import Database
from cargo_sync.webhooks import variables
from cargo_sync.webhooks.dispatcher import Dispatcher, asked
from cargo_sync.webhooks.hosts import Hosts
from cargo_sync.webhooks.message import message
from cargo_sync.webhooks.outbox import New, Outbox, Waiting
from cargo_sync.webhooks.sender import CallbackSender
from cargo_sync.webhooks.views import CallbackTest

TICK: Final = 1.0
"""Seconds between two updates of a transfer."""
_PAGE: Final = 500
_LOOK: Final = 60.0
"""Seconds after which events are read even if no job reported any: retention writes some too."""
_TEST: Final = 8.0
"""Seconds that a test callback may take: the client that asked for it waits ten."""
_ENDS: Final = frozenset({Moment.FINISH, Moment.ERROR})

_log = logging.getLogger(__name__)


class JobWebhooks(Listener):
    """Reader, dispatcher and updates of one daemon. `jobs` gives the current jobs by name."""

    def __init__(
        self,
        database: Database,
        limits: CallbackLimits,
        world: World,
        jobs: Callable[[], Mapping[str, Job]],
    ) -> None:
        self.rows = Outbox(database)
        self._world = world
        self._send = CallbackSender(limits)
        self._hosts = Hosts(world, limits.at_once)
        self._settings: dict[str, JobSettings | UnusableJob] = {}
        self._removed: set[str] = set()
        self._new_events = Wakeup()
        self._counts: dict[str, int] = {}
        self._updates = ProgressWebhooks(jobs, self.rows, self._hosts, self._send, world)
        self._dispatcher = Dispatcher(self.rows, self, self._hosts, self._send, world, self._before)

    # -- what happens to the jobs ------------------------------------------------------------------

    def happened(self, events: Sequence[EventGroup]) -> None:
        if any(group.tell for group in events):
            self._new_events.set()

    def removed(self, name: str) -> None:
        if isinstance(self._settings.get(name), UnusableJob):
            return  # it may be a job of another name now; what was told about it is still sent
        self._settings.pop(name, None)
        self._removed.add(name)
        self._dispatcher.wake()

    # -- the jobs as they are now ------------------------------------------------------------------

    def know(self, settings: JobSettings | UnusableJob) -> None:
        """A job begins, its settings have changed, or it cannot run."""
        self._settings[settings.name] = settings
        self._removed.discard(settings.name)
        self._dispatcher.wake()

    def settings(self, job: str) -> JobSettings | UnusableJob | None:
        return self._settings.get(job)

    def was_removed(self, job: str) -> bool:
        return job in self._removed

    # -- the tasks ---------------------------------------------------------------------------------

    async def run(self) -> None:
        """Delivers callbacks until cancelled."""
        async with self._send, asyncio.TaskGroup() as group:
            update = partial(self._updates.tick, group)
            for work, what in (
                (self._dispatcher.run, "sending callbacks"),
                (partial(self._repeat, self._read, self._new_events, _LOOK), "reading events"),
                (partial(self._repeat, update, Wakeup(), TICK), "onUpdate"),
            ):
                group.create_task(lasting(work, what))

    async def _repeat(
        self, work: Callable[[], Awaitable[None]], wakeup: Wakeup, every: float
    ) -> None:
        """A bug of ours or a full disk costs one round, and nothing else in the daemon."""
        while True:
            try:
                await work()
            except ProblemError as error:
                _log.error("callbacks cannot be read or stored: %s", error)
            except Exception as error:
                _log.error("callbacks failed unexpectedly", exc_info=error)
            await wakeup.wait(every)

    async def _read(self) -> None:
        """Stores callbacks for the events that ask for one, in one transaction with the cursor."""
        while read := await self._world.offload(self.rows.unread, _PAGE):
            new = [one for row in read if (one := self._new(row.event)) is not None]
            await self._world.offload(self.rows.add, new, read[-1].cursor)
            self._dispatcher.wake()
        self._counts = await self._world.offload(self.rows.count, None)

    def families(self) -> Iterable[Family]:
        """The metrics of callbacks; the count of waiting ones is at most a minute old."""
        yield Family(
            "cargo_callbacks",
            "gauge",
            "Callbacks that are not delivered yet, or were given up.",
            [({"state": state}, count) for state, count in self._counts.items()],
        )
        yield Family(
            "cargo_callback_attempts_total",
            "counter",
            "Attempts to send a callback, by result.",
            [({"result": result}, count) for result, count in self._dispatcher.results.items()],
        )

    def _new(self, event: Event) -> New | None:
        values = variables.variables_of(event)
        job = self._settings.get(event.job)
        if values is None or (job is not None and asked(job, values.moment) is None):
            return None
        id = f"msg_{self._world.token()}"
        times = self._world.wall(), self._world.lived()
        return New(id, event.job, values.moment, values.stream, values.variables, *times)

    async def _before(self, row: Waiting) -> None:
        if row.moment in _ENDS:
            await self._updates.cancel(row.job, row.stream)

    async def has_due(self) -> bool:
        """Whether a callback may be sent now, or an event was not looked at yet."""
        if await self._world.offload(self.rows.unread, 1):
            return True
        now = self._world.lived()
        return any(one.next_at <= now for one in await self._world.offload(self.rows.groups))

    # -- commands ----------------------------------------------------------------------------------

    async def retry(self, id: str | None, job: str | None) -> int:
        """Makes waiting and dead callbacks due now. Returns how many there are.

        Raises:
            ProblemError: the state cannot be written.
        """
        retry = partial(self.rows.retry, self._world.lived(), id=id, job=job)
        count = await self._world.offload(retry)
        self._hosts.wake()
        self._dispatcher.wake()
        return count

    async def test(self, job: JobSettings, event: EventSettings) -> CallbackTest:
        """Sends a callback with example values now, before all that wait."""
        began, token = self._world.steady(), self._world.token()
        values = variables.example(Moment(event.event), job.name, job.mode, token)
        request = message(event, f"msg_{token}", values, self._world.wall())
        result = await self._send(request, _TEST)
        return CallbackTest(event.event, result, self._world.steady() - began)
