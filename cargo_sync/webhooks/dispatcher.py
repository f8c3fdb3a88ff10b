"""Delivering: what waits and is due goes out, a few at a time to a host; what became of it is
written down.

A turn writes what has come back since the last one, in one transaction, and sends what there is
room for. Turns are brought by attempts that end, by new rows, and by time; while one is under way
results gather, so that the busier it is the more of them a transaction holds.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple, Protocol

from cargo_sync.config.events import EventSettings
from cargo_sync.config.job import JobSettings
from cargo_sync.model.problems import ProblemError
from cargo_sync.model.world import World
from cargo_sync.process.wakeup import Wakeup
from cargo_sync.webhooks import retry_policy
from cargo_sync.webhooks.hosts import Hosts
from cargo_sync.webhooks.message import Message, host_of, message
from cargo_sync.webhooks.outbox import GivenUp, Group, Outbox, Retry, Waiting
from cargo_sync.webhooks.retry_policy import DAYS, Attempt, Delivered, becomes

_AGAIN: Final = 30.0
"""Seconds after which the state is tried again when it could not be read or written."""
_AHEAD: Final = 32
"""Taken for a host beyond what is in flight, so that it need not wait for the state between two
attempts."""
_LOOK: Final = 3600.0
"""What waits for a job that there is not is looked at again so often."""

_log = logging.getLogger(__name__)

Send = Callable[[Message], Awaitable[Attempt]]


class Known(Protocol):
    """The jobs as they are now."""

    def settings(self, job: str) -> JobSettings | None: ...

    def was_removed(self, job: str) -> bool: ...


class _Came(NamedTuple):
    row: Waiting
    result: Attempt


def asked(job: JobSettings | None, moment: str) -> EventSettings | None:
    """What a job asks for at a moment."""
    return next((event for event in job.events if event.event == moment), None) if job else None


class Dispatcher:
    """Delivers the rows of a daemon.

    before  awaited before an attempt: what else is under way for the same transfer is called off
    """

    def __init__(
        self,
        rows: Outbox,
        known: Known,
        hosts: Hosts,
        send: Send,
        world: World,
        before: Callable[[Waiting], Awaitable[None]],
    ) -> None:
        self._rows = rows
        self._known = known
        self._hosts = hosts
        self._send = send
        self._world = world
        self._before = before
        self._wakeup = Wakeup()
        self._came: list[_Came] = []
        self._held: dict[int, tuple[str, str]] = {}
        self._ready: dict[str, deque[tuple[Waiting, EventSettings]]] = {}
        self.came_to = {"delivered": 0, "failed": 0, "dead": 0}
        """Attempts since the start, by what they came to."""

    def wake(self) -> None:
        """There may be something to send."""
        self._wakeup.set()

    async def run(self) -> None:
        """Until cancelled; what has come back by then is written down."""
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    try:
                        patience = await self._turn(group)
                    except ProblemError as error:
                        _log.error("callbacks cannot be kept track of: %s", error)
                        patience = _AGAIN
                    except Exception as error:
                        _log.error("callbacks failed in a way nobody foresaw", exc_info=error)
                        patience = _AGAIN
                    await self._wakeup.wait(patience)
        finally:
            try:
                await self._write_down()
            except ProblemError as error:
                _log.error("callbacks that were delivered will come again: %s", error)

    async def _turn(self, group: asyncio.TaskGroup) -> float | None:
        """Seconds until there is something to do even if nothing happens; None for ever."""
        await self._write_down()
        for host in list(self._ready):
            self._start(host, group)
        wall = self._world.wall()
        waits: list[float] = []
        groups = await self._world.offload(self._rows.groups)
        for one in sorted(groups, key=lambda one: one.next_at):
            event = asked(self._known.settings(one.job), one.moment)
            if event is None:
                waits += await self._without(one)
            elif one.next_at > wall:
                waits.append(one.next_at - wall)
            else:
                waits += await self._send_due(one, event, wall, group)
        return min(waits, default=None)

    async def _without(self, one: Group) -> list[float]:
        """Nobody asks for these any more; a job whose file could not be read at the start may come
        back."""
        if self._known.settings(one.job) is not None:
            why, before = f'the job "{one.job}" has no {one.moment} any more', None
        elif self._known.was_removed(one.job):
            why, before = f'the job "{one.job}" was removed', None
        else:
            why, before = (
                f'given up after 3 days: there is no job "{one.job}"',
                self._world.wall() - DAYS,
            )
        now = self._world.wall()
        if await self._world.offload(self._rows.bury, one.job, one.moment, why, now, before):
            self._wakeup.set()
        return [_LOOK]

    async def _send_due(
        self, one: Group, event: EventSettings, wall: float, group: asyncio.TaskGroup
    ) -> list[float]:
        host = host_of(event)
        # Of a host that is well some are at hand when an attempt ends; one that failed is tried
        # with one.
        ahead = _AHEAD if self._hosts.is_well(host) else 0
        wanted = self._hosts.room(host) + ahead - len(self._ready.get(host, ()))
        if wanted > ahead // 2:
            held = sum(key == (one.job, one.moment) for key in self._held.values())
            due = await self._world.offload(
                self._rows.due, one.job, one.moment, wall, wanted + held
            )
            for row in [row for row in due if row.number not in self._held][:wanted]:
                self._held[row.number] = (one.job, one.moment)
                self._ready.setdefault(host, deque()).append((row, event))
        self._start(host, group)
        rest = self._hosts.rests(host)
        return [] if rest is None else [rest]  # else an attempt that ends brings the next turn

    def _start(self, host: str, group: asyncio.TaskGroup) -> None:
        """As many of what is at hand as there is room for. What a host that rests was to get waits
        again."""
        ready = self._ready.get(host, deque())
        while ready and self._hosts.room(host) > 0:
            row, event = ready.popleft()
            self._hosts.enter(host)
            group.create_task(self._attempt(row, event, host, group))
        if not self._hosts.is_well(host):
            for row, _ in ready:
                del self._held[row.number]
            ready.clear()
        if not ready:
            self._ready.pop(host, None)

    async def _attempt(
        self, row: Waiting, event: EventSettings, host: str, group: asyncio.TaskGroup
    ) -> None:
        began = self._world.steady()
        result: Attempt | None = None
        try:
            await self._before(row)
            result = await self._send(message(event, row.id, row.variables, self._world.wall()))
        except Exception as error:
            _log.error(
                "a callback failed in a way nobody foresaw", exc_info=error, extra={"job": row.job}
            )
            result = Attempt(error=f"something went wrong inside: {type(error).__name__}")
        finally:
            self._hosts.left(host, result, began)
        if result.error:
            _log.debug("%s %s: %s", row.moment, row.id, result.error, extra={"job": row.job})
        self._came.append(_Came(row, result))
        self._start(host, group)
        self._wakeup.set()

    async def _write_down(self) -> None:
        """What came back. When that cannot be written nothing is sent a second time: it is kept
        here."""
        came = list(self._came)
        if not came:
            return
        now = self._world.wall()
        delivered: list[int] = []
        again: list[Retry] = []
        dead: list[GivenUp] = []
        too_old: dict[tuple[str, str], str] = {}
        for row, result in came:
            match becomes(result, row.attempts + 1, row.since, now, self._world.chance()):
                case Delivered():
                    delivered.append(row.number)
                case retry_policy.RetryAt(at):
                    again.append(Retry(row.number, at, result.error))
                case retry_policy.GiveUp(why):
                    dead.append(GivenUp(row.number, why))
                    _log.warning("%s %s: %s", row.moment, row.id, why, extra={"job": row.job})
                    if result.whole:
                        too_old[row.job, row.moment] = why
        await self._world.offload(self._rows.settle, delivered, again, dead, now)
        self.came_to["delivered"] += len(delivered)
        self.came_to["failed"] += len(again)
        self.came_to["dead"] += len(dead)
        del self._came[: len(came)]
        for row, _ in came:
            del self._held[row.number]
        for (job, moment), why in too_old.items():
            # The host was tried for all of them: those that waited as long do not each wait for a
            # turn.
            await self._world.offload(self._rows.bury, job, moment, why, now, now - DAYS)
