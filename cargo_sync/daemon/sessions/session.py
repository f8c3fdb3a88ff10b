"""One session: a login at a server, the rate it may ask for, its transfers."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from cargo_sync.api.messages import ControlError, ReplyCode
from cargo_sync.daemon.sessions.remote import Remote
from cargo_sync.daemon.sessions.transfer import CopyOrder, State, Transfer, Work
from cargo_sync.model.world import World

ENDED: Final = 100
"""Ended transfers that are remembered, for who missed their end."""
AT_ONCE: Final = 32
"""Transfers of a session that run at the same time."""


class Session:
    """One session. `say` is told of each transfer's beginning and end.

    used_at  when somebody last asked for it, steady seconds
    speed    bits a second of all its transfers together, None is no limit
    """

    def __init__(
        self,
        id: str,
        there: Remote,
        world: World,
        group: asyncio.TaskGroup,
        say: Callable[["Session", Transfer], None],
    ) -> None:
        self.id = id
        self.there = there
        self.speed: int | None = None
        self.used_at = world.steady()
        self._world = world
        self._group = group
        self._say = say
        self._transfers: dict[str, Transfer] = {}
        self._shared_by = 0
        self._closed = False

    def __repr__(self) -> str:
        return f"<Session of {self.there.username!r} at {self.there.url}>"

    @property
    def running(self) -> list[Transfer]:
        return [one for one in self._transfers.values() if one.state is State.RUNNING]

    @property
    def uneven(self) -> bool:
        """Whether transfers began or ended since the rate was last shared among them, or what the
        daemon has for one of them is another now."""
        running = self.running
        began_or_ended = self.speed is not None and len(running) not in (0, self._shared_by)
        return began_or_ended or any(transfer.behind() for transfer in running)

    @property
    def granted(self) -> int | None:
        """Bits a second that the server lets its transfers have; None for no limit, or when nothing
        moves."""
        grants = [one.granted() for one in self.running]
        known = [bits for bits in grants if bits is not None]
        return sum(known) if known and len(known) == len(grants) else None

    async def begin(
        self, order: CopyOrder, make: Callable[[CopyOrder], Awaitable[Work]]
    ) -> Transfer:
        """Begins a transfer. `make` gives its work, and raises what can be refused at once."""
        if len(self.running) >= AT_ONCE:
            raise ControlError(
                ReplyCode.BUSY, f"{AT_ONCE} transfers are under way already", "wait for one"
            )
        work = await make(order)
        if self._closed:
            await work.close()
            raise ControlError(
                ReplyCode.UNKNOWN_SESSION, "the session was closed meanwhile", "open one again"
            )
        transfer = Transfer(self._world.token(), order, work, self._world, self._share, self._told)
        self._transfers[transfer.id] = transfer
        self._forget_old()
        transfer.task = self._group.create_task(transfer.run())
        return transfer

    async def cancel(self, id: str) -> None:
        """Stops a transfer at its checkpoint; one that has ended already is left as it is."""
        transfer = self._transfers.get(id)
        if transfer is None:
            hint = "`session.show` names those that there are"
            raise ControlError(
                ReplyCode.UNKNOWN_TRANSFER, f'the session has no transfer "{id}"', hint
            )
        await transfer.stop()

    async def share(self) -> None:
        """Has every transfer ask for its part of the rate."""
        running = self.running
        self._shared_by = len(running)
        for transfer in running:
            await transfer.ask(self._share())

    async def close(self) -> None:
        """Stops what goes on, and logs out."""
        self._closed = True
        for transfer in self.running:
            await transfer.stop()
        await self.there.close()

    @property
    def transfers(self) -> list[Transfer]:
        """Those that run, and the last that ended."""
        return list(self._transfers.values())

    def _share(self) -> int | None:
        return None if self.speed is None else max(1, self.speed // max(1, len(self.running)))

    def _told(self, transfer: Transfer) -> None:
        self._say(self, transfer)

    def _forget_old(self) -> None:
        ended = [id for id, one in self._transfers.items() if one.state is not State.RUNNING]
        for id in ended[: max(0, len(ended) - ENDED)]:
            del self._transfers[id]
