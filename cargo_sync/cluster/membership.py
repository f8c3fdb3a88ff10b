"""A server among those that share its state: its own row, and the others as it sees them.

Each second it writes its row, in one statement, and reads all. What is done with the news is wired
by whoever makes it, and may take longer: the next row does not wait for it.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple, Protocol

from cargo_sync.cluster.identity import ServerIdentity
from cargo_sync.machines.cluster.states import (
    AWAY_AFTER,
    FORGOTTEN_AFTER,
    Beat,
    Pulse,
    ServerState,
)
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.world import Offload
from cargo_sync.process.wakeup import Wakeup
from cargo_sync.state.servers import ServerRow

TICK: Final = 1.0
COUNTS: Final = 2
"""Who counts on so often is there. The last row of a server that was killed may come late, once."""
LONGEST_JOIN: Final = 3 * AWAY_AFTER

_log = logging.getLogger(__name__)


class ServerBook(Protocol):
    """Where the rows are (state.servers)."""

    def put(self, row: ServerRow) -> None: ...

    def all(self) -> list[ServerRow]: ...

    def drain(self, id: str, life: str) -> None: ...

    def remove(self, id: str) -> None: ...


class Reached(NamedTuple):
    """Where a server is reached: its API, its data port, and its certificate's fingerprint."""

    address: str = ""
    lanes: str = ""
    fingerprint: str = ""


class Measured(NamedTuple):
    """What a server has to do now, and what it wants of limits that all share, as JSON."""

    figures: str = "{}"
    flows: str = "[]"
    claims: str = "{}"


class KnownServer(NamedTuple):
    """A server as this one sees it.

    silent  seconds since it was heard; infinite if it has ended or was never heard
    """

    row: ServerRow
    state: ServerState
    silent: float
    is_this: bool


async def nothing() -> None:
    """There is nothing that others could have taken."""


class Membership:
    """For the event loop.

    me        this server
    is_alone  its settings say nothing of others, so there are none
    reached   where it is reached, as soon as that is known
    measure   gives what it has to do now
    heard     what is called after a look at the others
    looked    the same, at once, and also when a look has failed; it must not wait for anything
    confirm   finds out what others may have taken from this server while it was not heard
    pause     waits, while somebody who is in the way may turn out to be away
    trouble   why the last look failed, or None

    Args:
        rows: of all servers.
        me: this server.
        offload: runs a look in a thread that has nothing else to do.
        steady, wall: seconds.
    """

    def __init__(
        self,
        rows: ServerBook,
        me: ServerIdentity,
        offload: Offload,
        steady: Callable[[], float],
        wall: Callable[[], float],
    ) -> None:
        self.me = me
        self.is_alone = False
        self.reached = Reached()
        self.measure: Callable[[], Measured] = Measured
        self.heard: list[Callable[[], Awaitable[None]]] = []
        self.looked: Callable[[], None] = lambda: None
        self.confirm: Callable[[], Awaitable[None]] = nothing
        self.trouble: Problem | None = None
        self._rows = rows
        self._offload = offload
        self._steady = steady
        self._wall = wall
        self._pulse = Pulse()
        self._known: Sequence[ServerRow] = ()
        self._beat = 0
        self._said = steady()
        """When the last row was asked to be written that was written."""
        self._wakeup, self._news = Wakeup(), Wakeup()
        self.pause: Callable[[float], Awaitable[object]] = lambda seconds: Wakeup().wait(seconds)

    async def join(self, *, alone: bool) -> None:
        """Makes this server known to the others.

        Args:
            alone: its settings say nothing of others: then it does not start beside another one.

        Raises:
            ProblemError: `state_in_use`, or the state cannot be used.
        """
        self.is_alone = alone
        await self._look()
        until, heard = self._steady() + LONGEST_JOIN, set[tuple[str, str, int]]()
        while other := self._in_the_way(alone):
            heard.add((other.id, other.life, other.beat))
            if len(heard) > COUNTS or self._steady() >= until:
                raise ProblemError(_refused(other, self.me, alone=alone))
            await self.pause(AWAY_AFTER / 10)
            self._take(await self._offload(self._rows.all))
        await self.tick()

    def _in_the_way(self, alone: bool) -> ServerRow | None:
        """Another server beside which this one cannot be; it may turn out to be away."""
        me = self.me
        for one in self.others():
            twin = one.row.id == me.id and one.row.life != me.life
            same = one.row.name == me.name or alone or twin
            if same and one.state is not ServerState.AWAY:
                return one.row
        return None

    async def run(self) -> None:
        """Writes and looks once a second until cancelled."""
        while True:
            await self._wakeup.wait(TICK)
            try:
                await self.tick()
            except ProblemError as error:
                if self.trouble is None:
                    _log.error("other servers cannot be heard: %s", error)
                self.trouble = error.problem
            else:
                self.trouble = None
            self._tell_at_once()

    def _tell_at_once(self) -> None:
        """Calls `looked`. If it fails, others must hear this server a second later nevertheless."""
        try:
            self.looked()
        except Exception as error:
            _log.error("what other servers say cannot be used", exc_info=error)

    async def attend(self) -> None:
        """Calls who wants to hear, after each look, until cancelled."""
        while await self._news.wait():
            try:
                await self.tell()
            except ProblemError as error:
                _log.error("what other servers have changed is looked at again: %s", error)

    async def tell(self) -> None:
        """Calls who wants to hear. Raises ProblemError."""
        for call in self.heard:
            await call()

    async def tick(self) -> None:
        """Writes this server's row, and looks at all.

        Raises:
            ProblemError: the state cannot be used.
        """
        began = self._steady()
        await self._offload(self._rows.put, self._own())
        await self.confirm()
        self._said = began
        await self._look()
        self._news.set()

    def wake(self) -> None:
        """Something was written for this server: it looks at once."""
        self._wakeup.set()

    async def _look(self) -> None:
        self._take(await self._offload(self._rows.all))
        now = self._steady()
        for one in self.others():
            old = self._pulse.unchanged(one.row.id, now) > FORGOTTEN_AFTER
            if one.state is ServerState.AWAY and old and one.row.id != self.me.id:
                _log.info("the server %s was away for a day, and is forgotten", one.row.name)
                await self._offload(self._rows.remove, one.row.id)

    def _take(self, rows: Sequence[ServerRow]) -> None:
        self._known = rows
        self._pulse.heard((_beat(row) for row in rows), self._steady())

    def _own(self) -> ServerRow:
        self._beat += 1
        me, measured = self.me, self.measure()
        return ServerRow(
            me.id,
            me.name,
            me.life,
            *self.reached[:2],
            me.version,
            self.reached.fingerprint,
            me.started,
            self._wall(),
            self._beat,
            *measured,
        )

    # -- what is known -----------------------------------------------------------------------------

    def all(self) -> list[KnownServer]:
        """All servers, by name."""
        now = self._steady()
        return [
            KnownServer(
                row,
                self._pulse.state(row.id, now),
                self._pulse.silent(row.id, now),
                (row.id, row.life) == (self.me.id, self.me.life),
            )
            for row in self._known
        ]

    def others(self) -> list[KnownServer]:
        """All but this one."""
        return [one for one in self.all() if not one.is_this]

    def lives(self, id: str, life: str) -> bool:
        """Whether a server is there, in the life that is marked so."""
        return self._pulse.is_life(id, life, self._steady())

    def unheard(self) -> float:
        """For how many seconds others may not have heard this server."""
        return self._steady() - self._said

    def known(self, id: str) -> ServerRow | None:
        """The row of a server."""
        return next((row for row in self._known if row.id == id), None)

    def is_first(self) -> bool:
        """Whether this server does what only one of them shall do.

        Each sees the others with a delay: for some seconds there may be two, or none.
        """
        there = [one for one in self.all() if one.state is not ServerState.AWAY]
        there.sort(key=lambda one: (one.state is ServerState.DRAINING, one.row.id))
        return not there or there[0].is_this

    @property
    def draining(self) -> bool:
        """Whether a person wants this server to end."""
        return any(one.is_this and one.row.draining == self.me.life for one in self.all())

    # -- what people want --------------------------------------------------------------------------

    async def drain(self, one: KnownServer, *, undo: bool = False) -> None:
        """Says that a server shall end, or go on. Raises ProblemError."""
        await self._offload(self._rows.drain, one.row.id, "" if undo else one.row.life)
        await self.tick()

    async def end_soon(self) -> None:
        """Says that this server is about to end. Raises ProblemError."""
        await self._offload(self._rows.drain, self.me.id, self.me.life)
        await self.tick()

    async def remove(self, one: KnownServer) -> None:
        """Forgets a server that is away. Raises ProblemError."""
        await self._offload(self._rows.remove, one.row.id)
        await self._look()

    async def leave(self) -> None:
        """Says that this server has ended, if the state can be written."""
        try:
            await self._offload(self._rows.put, self._own()._replace(life=""))
        except ProblemError as error:
            _log.error("others are not told that this server ends: %s", error)


def _beat(row: ServerRow) -> Beat:
    return Beat(row.id, row.life, row.beat, draining=bool(row.life) and row.draining == row.life)


def _refused(other: ServerRow, me: ServerIdentity, *, alone: bool) -> Problem:
    where = f" at {other.address}" if other.address else ""
    if other.id == me.id:
        message = f"a server with the id of this one runs already{where}"
        hint = "if its state_dir was copied, remove the file server.id in the copy"
    elif other.name == me.name and not alone:
        message = f'another server that is called "{other.name}" runs already{where}'
        hint = 'give each server another "name" in "cluster"'
    else:
        message = f"the server {other.name}{where} uses the database of this one"
        hint = 'if several servers shall share it, write "cluster" in the file of each'
    return Problem(Code.STATE_IN_USE, message, hint=hint, retry=False)
