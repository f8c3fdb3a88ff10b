"""onUpdate callbacks: the progress of each transfer, once per second.

They have no rows in the state, because old progress is of no use later.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Final

from cargo_sync.config.events import EventSettings
from cargo_sync.daemon.job.status import UnderWay
from cargo_sync.daemon.jobs.registry import Job
from cargo_sync.model.events import Moment
from cargo_sync.model.world import World
from cargo_sync.process.tasks import contained
from cargo_sync.webhooks import variables
from cargo_sync.webhooks.dispatcher import Send, asked
from cargo_sync.webhooks.hosts import Hosts
from cargo_sync.webhooks.message import host_of, message
from cargo_sync.webhooks.outbox import Outbox
from cargo_sync.webhooks.retry_policy import Attempt

_log = logging.getLogger(__name__)

_OLD_ENOUGH: Final = 1
"""Ticks before this one in which a transfer must have been seen, to be reported."""

Key = tuple[str, str]
"""Job and transfer."""


class ProgressWebhooks:
    """Sends the progress of transfers; `jobs` gives the current jobs by name.

    A transfer has at most one update in flight, with the progress at the time of sending. None is
    sent while another callback of the transfer waits: its start must come before all updates, and
    its end after them.
    """

    def __init__(
        self,
        jobs: Callable[[], Mapping[str, Job]],
        rows: Outbox,
        hosts: Hosts,
        send: Send,
        world: World,
    ) -> None:
        self._jobs = jobs
        self._rows = rows
        self._hosts = hosts
        self._send = send
        self._world = world
        self._ages: dict[Key, int] = {}
        self._in_flight: dict[Key, asyncio.Task[None]] = {}

    async def tick(self, group: asyncio.TaskGroup) -> None:
        """Called once per second. Raises ProblemError if the state cannot be read."""
        ages: dict[Key, int] = {}
        for name, job in self._jobs().items():
            event = asked(job.supervisor.settings, Moment.UPDATE)
            if event is None or job.supervisor.run_now is None:
                continue
            moving = [one for one in job.sampler.under_way() if one.done < one.size]
            for one in moving:
                ages[name, one.id] = self._ages.get((name, one.id), -1) + 1
            reported = [one for one in moving if ages[name, one.id] >= _OLD_ENOUGH]
            if reported:
                await self._update(job, event, reported, group)
        self._ages = ages

    async def cancel(self, job: str, transfer: str) -> None:
        """Cancels the update of a transfer that is in flight."""
        task = self._in_flight.get((job, transfer))
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    async def _update(
        self, job: Job, event: EventSettings, moving: list[UnderWay], group: asyncio.TaskGroup
    ) -> None:
        name, mode = job.supervisor.name, job.supervisor.settings.mode
        waits = await self._world.offload(self._rows.waits, name, [one.id for one in moving])
        # Read again after that wait, so that transfers that ended in the meantime get no update.
        lanes = job.supervisor.sides.figures().values()
        still = {file.id for figures in lanes for file in figures.files} - waits
        for one in moving:
            key, host = (name, one.id), host_of(event)
            if one.id not in still or key in self._in_flight:
                continue
            if self._hosts.is_well(host) and self._hosts.room(host) > 0:
                self._hosts.enter(host)
                sending = contained(self._one(key, host, event, one, mode), "onUpdate", job=name)
                self._in_flight[key] = group.create_task(sending)

    async def _one(
        self, key: Key, host: str, event: EventSettings, one: UnderWay, mode: str
    ) -> None:
        began = self._world.steady()
        result: Attempt | None = None
        try:
            progress = {"PROGRESS": 100 * one.done // one.size, "SPEED": one.speed_bps}
            values = (
                variables.transfer_of(one.path, one.id) | variables.job(one.job, mode) | progress
            )
            result = await self._send(
                message(event, f"msg_{self._world.token()}", values, self._world.wall())
            )
        except Exception as error:
            _log.error(
                "an onUpdate callback failed unexpectedly",
                exc_info=error,
                extra={"job": one.job},
            )
        finally:
            self._hosts.left(host, result, began)
            del self._in_flight[key]
