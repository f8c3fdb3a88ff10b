"""One session: a login at a server, its speed and its transfers."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from cargo_sync.api.messages import ControlError, ReplyCode
from cargo_sync.daemon.sessions.remote import Remote
from cargo_sync.daemon.sessions.transfer import CopyOrder, State, Transfer, Work
from cargo_sync.model.world import World
from cargo_sync.process.tasks import contained
from cargo_sync.trees.cargo.flows import total_of

ENDED: Final = 100
"""Ended transfers that are remembered, for clients that missed the end."""
AT_ONCE: Final = 32
"""Transfers of a session that run at the same time."""


class Session:
    """One session. `publish` is called at the beginning and end of each transfer.

    remote   the server
    used_at  when it was last used, steady seconds
    speed    bits per second of all its transfers together; None is no limit
    """

    def __init__(
        self,
        id: str,
        remote: Remote,
        world: World,
        group: asyncio.TaskGroup,
        publish: Callable[["Session", Transfer], None],
    ) -> None:
        self.id = id
        self.remote = remote
        self.speed: int | None = None
        self.used_at = world.steady()
        self._world = world
        self._group = group
        self._publish = publish
        self._transfers: dict[str, Transfer] = {}
        self._shared_by = 0
        self._closed = False

    def __repr__(self) -> str:
        return f"<Session of {self.remote.username!r} at {self.remote.url}>"

    @property
    def running(self) -> list[Transfer]:
        return [one for one in self._transfers.values() if one.state is State.RUNNING]

    @property
    def uneven(self) -> bool:
        """Whether the speed must be divided again.

        That is so if transfers began or ended, or the daemon's bandwidth for one of them changed.
        """
        running = self.running
        began_or_ended = self.speed is not None and len(running) not in (0, self._shared_by)
        return began_or_ended or any(transfer.behind() for transfer in running)

    @property
    def granted(self) -> int | None:
        """Bits per second that the server grants; None for no limit, or if nothing moves."""
        return total_of([one.granted() for one in self.running])

    async def begin(
        self, order: CopyOrder, make: Callable[[CopyOrder], Awaitable[Work]]
    ) -> Transfer:
        """Begins a transfer.

        Args:
            order: what to copy.
            make: makes its work, and raises an error if that cannot succeed.

        Raises:
            ControlError: busy, unknown_session.
            ProblemError: as `make`.
        """
        if len(self.running) >= AT_ONCE:
            raise ControlError(
                ReplyCode.BUSY, f"{AT_ONCE} transfers run already", "wait until one ends"
            )
        work = await make(order)
        if self._closed:
            await work.close()
            raise ControlError(
                ReplyCode.UNKNOWN_SESSION,
                "the session was closed in the meantime",
                "open one again",
            )
        transfer = Transfer(
            self._world.token(), order, work, self._world, self._share, self._changed
        )
        self._transfers[transfer.id] = transfer
        self._forget_old()
        transfer.task = self._group.create_task(contained(transfer.run(), "a transfer"))
        return transfer

    async def cancel(self, id: str) -> None:
        """Stops a transfer at a checkpoint, if it still runs. Raises ControlError."""
        transfer = self._transfers.get(id)
        if transfer is None:
            hint = "`session.show` lists all transfers"
            raise ControlError(
                ReplyCode.UNKNOWN_TRANSFER, f'the session has no transfer "{id}"', hint
            )
        await transfer.stop()

    async def share(self) -> int | None:
        """Divides the speed among all transfers; each asks the server for its part.

        Returns:
            Like `granted`, as the server answered: the lanes may not have heard of it yet.
        """
        running = self.running
        self._shared_by = len(running)
        return total_of([await transfer.ask(self._share()) for transfer in running])

    async def lose(self, id: str) -> None:
        """Stops the copies from the server of another session, which ends."""
        for transfer in self.running:
            if transfer.order.session == id:
                await transfer.stop()

    async def close(self) -> None:
        """Stops all transfers, and logs out."""
        self._closed = True
        for transfer in self.running:
            await transfer.stop()
        await self.remote.close()

    @property
    def transfers(self) -> list[Transfer]:
        """All that run, and the last that ended."""
        return list(self._transfers.values())

    def _share(self) -> int | None:
        return None if self.speed is None else max(1, self.speed // max(1, len(self.running)))

    def _changed(self, transfer: Transfer) -> None:
        self._publish(self, transfer)

    def _forget_old(self) -> None:
        ended = [id for id, one in self._transfers.items() if one.state is not State.RUNNING]
        for id in ended[: max(0, len(ended) - ENDED)]:
            del self._transfers[id]
