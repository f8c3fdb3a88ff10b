"""Follows what other servers change of that which this one keeps in memory.

The database counts the changes (state.revisions). Whoever reads all of it anew says so with
`caught_up`, before it reads: what changes meanwhile is read once more.
"""

from collections.abc import Awaitable, Callable
from typing import Protocol

from cargo_sync.model.world import Offload
from cargo_sync.state.revisions import Changed


class RevisionBook(Protocol):
    """Counts the changes (state.revisions)."""

    def since(self, number: int) -> Changed: ...


class Following:
    """For the event loop; `rows` is None for a server that shares its state with nobody."""

    def __init__(self, rows: RevisionBook | None, offload: Offload) -> None:
        self._rows = rows
        self._offload = offload
        self._known = 0

    async def caught_up(self) -> frozenset[str]:
        """The users whose logins have ended since the last call.

        Raises:
            ProblemError: the state cannot be read.
        """
        if self._rows is None:
            return frozenset()
        changed = await self._offload(self._rows.since, self._known)
        self._known = max(self._known, changed.newest)
        return changed.users

    async def look(
        self, roster: Callable[[], Awaitable[object]], limits: Callable[[], Awaitable[object]]
    ) -> None:
        """Calls whoever keeps what has changed; `roster` must call `caught_up`.

        Raises:
            ProblemError: the state cannot be read.
        """
        if self._rows is None:
            return
        changed = await self._offload(self._rows.since, self._known)
        if changed.limits:
            await limits()
        if changed.roster or changed.users:
            await roster()
        else:
            self._known = max(self._known, changed.newest)
