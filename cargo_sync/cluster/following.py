"""Follows what other servers change of that which this one keeps in memory.

The database counts the changes (state.revisions). Whoever reads users and workspaces anew says so
twice: with `reading` before, and with `taken` when all of it has taken effect. What changes in
between is read once more, and so is what did not take effect.
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
        self._begun = Changed()
        self._limits_seen = self._limits_taken = 0
        """Numbers of their last change: who reads users does not read limits."""

    async def reading(self) -> None:
        """Users and workspaces are read next. Raises ProblemError: the state cannot be read."""
        self._begun = await self._changed()

    @property
    def ended(self) -> frozenset[str]:
        """The users whose logins have ended, of what is read now."""
        return self._begun.users

    def taken(self) -> None:
        """What was read has taken effect."""
        self._known = max(self._known, self._begun.newest)

    async def _changed(self) -> Changed:
        if self._rows is None:
            return Changed()
        changed = await self._offload(self._rows.since, self._known)
        self._limits_seen = max(self._limits_seen, changed.limits)
        return changed

    async def look(
        self, roster: Callable[[], Awaitable[object]], limits: Callable[[], Awaitable[object]]
    ) -> None:
        """Calls whoever keeps what has changed; `roster` must call `reading` and `taken`.

        Raises:
            ProblemError: the state cannot be read.
        """
        changed = await self._changed()
        if (seen := self._limits_seen) > self._limits_taken:
            await limits()
            self._limits_taken = seen
        if changed.roster or changed.users:
            await roster()
        else:
            self._known = max(self._known, changed.newest)
