"""The callbacks of a server: rows of its history become rows of the outbox, and are delivered.

What is written to the history is read by a cursor; the callbacks and the cursor are written in one
transaction. So each file makes its callback once, also after a kill. Nobody waits for a callback;
only a login waits until its own is stored.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import Final, NamedTuple

from cargo_sync.config.callbacks import CallbackLimits
from cargo_sync.config.events import EventSettings
from cargo_sync.model.history import MOMENTS, HistoryRow, ServerMoment, ToldBatch
from cargo_sync.model.path_pattern import PathPattern
from cargo_sync.model.problems import ProblemError
from cargo_sync.model.world import World
from cargo_sync.process.metrics import Family
from cargo_sync.process.tasks import lasting
from cargo_sync.process.wakeup import Wakeup
from cargo_sync.server.history.names import WorkspaceNames
from cargo_sync.state.database import Database
from cargo_sync.state.history import EVERYTHING, HistoryRows
from cargo_sync.webhooks import file_variables
from cargo_sync.webhooks.dispatcher import Dispatcher
from cargo_sync.webhooks.hosts import Hosts
from cargo_sync.webhooks.message import message
from cargo_sync.webhooks.outbox import New, Outbox, Waiting
from cargo_sync.webhooks.sender import CallbackSender
from cargo_sync.webhooks.variables import Variables
from cargo_sync.webhooks.views import CallbackTest

_PAGE: Final = 500
_TURN: Final = 1.0
"""Seconds between two looks whether this server sends, and what others have stored to send."""
_LOOK: Final = 60.0
"""Seconds after which the history is read even if nobody told of news."""
_TEST: Final = 8.0
"""Seconds that a test callback may take: the client that asked for it waits ten."""
_SERVER: Final = ""
"""In place of a job's name."""

_log = logging.getLogger(__name__)


class _Asked(NamedTuple):
    """The events of a server's file; `patterns` are those of the paths, by event."""

    events: Sequence[EventSettings]
    patterns: dict[str, Sequence[PathPattern]]

    def wants(self, moment: ServerMoment, path: str) -> bool:
        """Whether a callback is asked for, for this moment and path."""
        patterns = self.patterns.get(moment)
        if patterns is None:
            return False
        return not patterns or any(one.matches(path.rstrip("/")) for one in patterns)


class ServerWebhooks:
    """Reader and dispatcher of one server.

    Of servers that share a state only one sends, and reads the history. When another one takes its
    place, both may send the same for some seconds: each callback comes at least once.

    rows    the callbacks that wait
    sends   whether this server is the one that sends
    shared  whether there are others, which store callbacks to send, too
    """

    def __init__(
        self,
        database: Database,
        limits: CallbackLimits,
        world: World,
        history: HistoryRows,
        names: WorkspaceNames,
    ) -> None:
        self.rows = Outbox(database)
        self.sends: Callable[[], bool] = lambda: True
        self.shared: Callable[[], bool] = lambda: False
        self._world = world
        self._history = history
        self._names = names
        self._send = CallbackSender(limits)
        self._hosts = Hosts(world, limits.at_once)
        self._asked = _Asked((), {})
        self._news = Wakeup()
        self._pending: list[New] = []
        """Callbacks that come from no row, until they are stored."""
        self._counts: dict[str, int] = {}
        self._dispatcher = Dispatcher(self.rows, self, self._hosts, self._send, world, self._before)

    # -- what is asked for -------------------------------------------------------------------------

    async def apply(self, events: Sequence[EventSettings]) -> None:
        """Takes over the `events` of the server's file.

        Of what happened while there were none, nothing is told.

        Raises:
            ProblemError: the state cannot be written.
        """
        before = self._asked
        self._asked = _Asked(
            events, {one.event: [PathPattern(path) for path in one.paths] for one in events}
        )
        if not events or not before.events:
            await self._world.offload(self._begin_or_end)
        self._dispatcher.wake()

    def _begin_or_end(self) -> None:
        """After a restart it goes on where it was; else with what happens from now on."""
        if self._asked.events:
            self.rows.begin(self._history.newest())
        else:
            self.rows.end()

    @property
    def events(self) -> Sequence[EventSettings]:
        return self._asked.events

    def settings(self, job: str) -> "ServerWebhooks":
        """See `dispatcher.Known`: a server has no jobs."""
        return self

    def was_removed(self, job: str) -> bool:
        return False

    # -- what happens ------------------------------------------------------------------------------

    def heard(self, told: Sequence[ToldBatch]) -> None:
        """Something was written to the history."""
        if self._asked.events:
            self._news.set()

    async def logged_in(self, user: str, address: str) -> None:
        """A user logged in. Returns when the callback is stored, if one is asked for."""
        if not self._asked.wants(ServerMoment.LOGIN, ""):
            return
        values = file_variables.of_login(user, address, self._world.wall())
        new = self._new(ServerMoment.LOGIN, f"login {user}", values)
        try:
            await self._world.offload(self.rows.put, [new])
        except ProblemError as error:
            _log.error("the callback for a login of %s cannot be stored: %s", user, error)
        self._dispatcher.wake()

    def quota(self, values: Variables) -> None:
        """A quota is used up, or nearly; its callback is stored soon."""
        if self._asked.wants(ServerMoment.QUOTA, ""):
            self._pending.append(self._new(ServerMoment.QUOTA, "quota", values))
            self._news.set()

    # -- the tasks ---------------------------------------------------------------------------------

    async def run(self) -> None:
        """Delivers callbacks until cancelled."""
        async with self._send, asyncio.TaskGroup() as group:
            group.create_task(lasting(self._dispatch, "sending callbacks"))
            group.create_task(lasting(self._read, "reading the history for callbacks"))

    async def _dispatch(self) -> None:
        """Sends while this is the server that does."""
        while True:
            while not self.sends():
                await Wakeup().wait(_TURN)
            sending = asyncio.create_task(lasting(self._dispatcher.run, "sending callbacks"))
            try:
                while self.sends() and not sending.done():
                    if self.shared():
                        self._dispatcher.wake()
                        self._news.set()
                    await asyncio.wait([sending], timeout=_TURN)
            finally:
                sending.cancel()
                with suppress(asyncio.CancelledError):
                    await sending

    async def _read(self) -> None:
        while True:
            try:
                if self._asked.events:
                    await self.read()
            except ProblemError as error:
                _log.error("callbacks cannot be read or stored: %s", error)
            await self._news.wait(_LOOK)

    async def read(self) -> None:
        """Stores callbacks for what is new in the history."""
        offload = self._world.offload
        while self._pending:
            await offload(self.rows.put, self._pending[:1])
            del self._pending[0]
            self._dispatcher.wake()
        more = self.sends()
        while more:
            cursor = await offload(self.rows.reached)
            if cursor is None:
                return  # no callbacks are asked for any more
            page = await offload(self._history.after, cursor, EVERYTHING, _PAGE)
            if page.next == cursor:
                break
            new = [one for row in page.rows if (one := self._of(row)) is not None]
            more = await offload(self.rows.add, new, page.next, cursor) and page.more
            self._dispatcher.wake()
        self._counts = await offload(self.rows.count, None)

    def _of(self, row: HistoryRow) -> New | None:
        moment = MOMENTS.get(row.batch.kind)
        if moment is None or not self._asked.wants(moment, row.path):
            return None
        values = file_variables.of_file(row, self._names[row.batch.workspace])
        return self._new(moment, f"{row.batch.workspace}/{row.path}", values)

    def _new(self, moment: ServerMoment, stream: str, values: Variables) -> New:
        id = f"msg_{self._world.token()}"
        return New(id, _SERVER, moment, stream, values, self._world.wall(), self._world.lived())

    async def _before(self, row: Waiting) -> None:
        """Nothing else is sent about a file."""

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

    # -- commands ----------------------------------------------------------------------------------

    async def retry(self, id: str | None) -> int:
        """Makes one waiting or dead callback due now, or all. Returns how many there are.

        Raises:
            ProblemError: the state cannot be written.
        """
        retry = partial(self.rows.retry, self._world.lived(), id=id)
        count = await self._world.offload(retry)
        self._hosts.wake()
        self._dispatcher.wake()
        return count

    async def test(self, event: EventSettings) -> CallbackTest:
        """Sends a callback with example values now, before all that wait."""
        began, now = self._world.steady(), self._world.wall()
        values = file_variables.example_of(ServerMoment(event.event), now)
        request = message(event, f"msg_{self._world.token()}", values, now)
        result = await self._send(request, _TEST)
        return CallbackTest(event.event, result, self._world.steady() - began)
