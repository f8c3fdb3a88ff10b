"""The dispatcher: it sends the callbacks that are due, a few per host at a time.

A turn stores all results since the last turn in one transaction, and sends as many callbacks as
there is room for. A turn starts when an attempt ends, when rows are added, or after a time. Results
that arrive during a turn are stored together by the next turn: the busier the dispatcher is, the
more results one transaction holds.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple, Protocol

from cargo_sync.config.events import EventSettings
from cargo_sync.model.problems import ProblemError
from cargo_sync.model.world import World
from cargo_sync.process.tasks import contained
from cargo_sync.process.wakeup import Wakeup
from cargo_sync.webhooks import retry_policy
from cargo_sync.webhooks.hosts import Hosts
from cargo_sync.webhooks.message import Message, host_of, message
from cargo_sync.webhooks.outbox import GivenUp, Group, Outbox, Retry, Waiting
from cargo_sync.webhooks.retry_policy import DAYS, Attempt, Delivered, becomes

_AGAIN: Final = 30.0
"""Seconds until the state is tried again after it could not be read or written."""
_AHEAD: Final = 32
"""Rows that are read for a host beyond those in flight, so that it need not wait for the state
between two attempts."""
_LOOK: Final = 3600.0
"""Seconds until callbacks of a job that does not exist are looked at again."""

_log = logging.getLogger(__name__)

Send = Callable[[Message], Awaitable[Attempt]]


class HasEvents(Protocol):
    """The settings of a job, as far as its callbacks need them."""

    @property
    def events(self) -> Sequence[EventSettings]: ...


class Known(Protocol):
    """The jobs as they are now."""

    def settings(self, job: str) -> HasEvents | None:
        """The settings of a job; a server has no jobs, and `job` is "" there."""

    def was_removed(self, job: str) -> bool: ...


class _Finished(NamedTuple):
    row: Waiting
    result: Attempt


def asked(job: HasEvents | None, moment: str) -> EventSettings | None:
    """The settings of a job's event for a moment, or None."""
    return next((event for event in job.events if event.event == moment), None) if job else None


class Dispatcher:
    """Delivers the callbacks of a daemon or a server.

    Args:
        before: awaited before an attempt; it cancels other requests for the same transfer.
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
        self._finished: list[_Finished] = []
        self._held: dict[int, tuple[str, str]] = {}
        self._ready: dict[str, deque[tuple[Waiting, EventSettings]]] = {}
        self.results = {"delivered": 0, "failed": 0, "dead": 0}
        """Attempts since the start, by result."""

    def wake(self) -> None:
        """Starts a turn: there may be something to send."""
        self._wakeup.set()

    async def run(self) -> None:
        """Runs until cancelled, then stores the results that have arrived.

        It may be called again: others may have sent meanwhile what waited here, or may not.
        """
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    try:
                        patience = await self._turn(group)
                    except ProblemError as error:
                        _log.error("the state of callbacks cannot be read or written: %s", error)
                        patience = _AGAIN
                    except Exception as error:
                        _log.error("sending callbacks failed unexpectedly", exc_info=error)
                        patience = _AGAIN
                    await self._wakeup.wait(patience)
        finally:
            try:
                await self._write_down()
            except ProblemError as error:
                _log.error("some callbacks that were delivered will be sent again: %s", error)
            self._ready.clear()
            unstored = {one.row.number for one in self._finished}
            self._held = {one: key for one, key in self._held.items() if one in unstored}

    async def _turn(self, group: asyncio.TaskGroup) -> float | None:
        """Does one turn; returns the seconds until the next one is needed, None for never."""
        await self._write_down()
        for host in list(self._ready):
            self._start(host, group)
        now = self._world.lived()
        waits: list[float] = []
        groups = await self._world.offload(self._rows.groups)
        for one in sorted(groups, key=lambda one: one.next_at):
            event = asked(self._known.settings(one.job), one.moment)
            if event is None:
                waits += await self._without(one)
            elif one.next_at > now:
                waits.append(one.next_at - now)
            else:
                waits += await self._send_due(one, event, now, group)
        return min(waits, default=None)

    async def _without(self, one: Group) -> list[float]:
        """Gives up callbacks whose job has no such event any more.

        A job whose file could not be read at the start may come back: its callbacks wait 3 days.
        """
        if self._known.settings(one.job) is not None:
            whose = f'the job "{one.job}"' if one.job else "the server's file"
            why, before = f"{whose} has no {one.moment} any more", None
        elif self._known.was_removed(one.job):
            why, before = f'the job "{one.job}" was removed', None
        else:
            why, before = (
                f'given up after 3 days: there is no job "{one.job}"',
                self._world.lived() - DAYS,
            )
        now = self._world.lived()
        if await self._world.offload(self._rows.bury, one.job, one.moment, why, now, before):
            self._wakeup.set()
        return [_LOOK]

    async def _send_due(
        self, one: Group, event: EventSettings, now: float, group: asyncio.TaskGroup
    ) -> list[float]:
        host = host_of(event)
        # For a healthy host, some rows are ready when an attempt ends; a host that failed is tried
        # with one callback.
        ahead = _AHEAD if self._hosts.is_well(host) else 0
        wanted = self._hosts.room(host) + ahead - len(self._ready.get(host, ()))
        if wanted > ahead // 2:
            held = sum(key == (one.job, one.moment) for key in self._held.values())
            due = await self._world.offload(self._rows.due, one.job, one.moment, now, wanted + held)
            for row in [row for row in due if row.number not in self._held][:wanted]:
                self._held[row.number] = (one.job, one.moment)
                self._ready.setdefault(host, deque()).append((row, event))
        self._start(host, group)
        rest = self._hosts.rests(host)
        return [] if rest is None else [rest]  # otherwise the end of an attempt starts a turn

    def _start(self, host: str, group: asyncio.TaskGroup) -> None:
        """Sends as many ready callbacks as there is room for.

        When the host rests, its other ready callbacks go back to those that wait.
        """
        ready = self._ready.get(host, deque())
        while ready and self._hosts.room(host) > 0:
            row, event = ready.popleft()
            self._hosts.enter(host)
            attempt = contained(self._attempt(row, event, host, group), "a callback", job=row.job)
            group.create_task(attempt)
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
            _log.error("a callback failed unexpectedly", exc_info=error, extra={"job": row.job})
            result = Attempt(error=f"internal error: {type(error).__name__}")
        finally:
            self._hosts.left(host, result, began)
        if result.error:
            _log.debug("%s %s: %s", row.moment, row.id, result.error, extra={"job": row.job})
        self._finished.append(_Finished(row, result))
        self._start(host, group)
        self._wakeup.set()

    async def _write_down(self) -> None:
        """Stores the results. If that fails, they stay here and nothing is sent twice."""
        finished = list(self._finished)
        if not finished:
            return
        now, wall = self._world.lived(), self._world.wall()
        delivered: list[int] = []
        again: list[Retry] = []
        dead: list[GivenUp] = []
        too_old: dict[tuple[str, str], str] = {}
        for row, result in finished:
            wish = retry_policy.wished(result.retry_after, wall)
            match becomes(result, row.attempts + 1, row.since, now, wish, self._world.chance()):
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
        self.results["delivered"] += len(delivered)
        self.results["failed"] += len(again)
        self.results["dead"] += len(dead)
        del self._finished[: len(finished)]
        for row, _ in finished:
            del self._held[row.number]
        for (job, moment), why in too_old.items():
            # The host's failure counts for all of its callbacks: those that waited as long are
            # given up together, not one per turn.
            await self._world.offload(self._rows.bury, job, moment, why, now, now - DAYS)
