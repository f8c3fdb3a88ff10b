"""Tokens that hold at every server of several: in the state, and believed for a moment here."""

from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

from cargo_sync.model.world import Offload
from cargo_sync.state.logins import LoginRow

BELIEVED: Final = 1.0
"""Seconds for which a login is not looked up again: for so long it may have ended elsewhere."""


class LoginTable(Protocol):
    """Where the logins are (state.logins)."""

    def changed(self, user: str) -> int: ...

    def add(
        self, digest: bytes, row: LoginRow, most: int, now: float, since: int | None
    ) -> bool: ...

    def get(self, digest: bytes) -> LoginRow | None: ...

    def end(self, digest: bytes) -> None: ...

    def end_of(self, user: str) -> None: ...


class FoundLogin(NamedTuple):
    """A login: of whom, with which device, and for how many seconds from now."""

    user: str
    device: str
    seconds: float


class SharedTokens:
    """The tokens of all servers that share a state.

    rows     in the state
    offload  for them
    wall     unix seconds
    """

    def __init__(self, rows: LoginTable, offload: Offload, wall: Callable[[], float]) -> None:
        self._rows = rows
        self._offload = offload
        self._wall = wall

    async def changed(self, user: str) -> int:
        """Counts up when the logins of a user end. Raises ProblemError."""
        return await self._offload(self._rows.changed, user)

    async def add(
        self, digest: bytes, login: FoundLogin, most: int, since: int | None = None
    ) -> bool:
        """Keeps a token of a user who has at most so many.

        `since`: what `changed` said before the login was proved. If the user's logins have ended
        since, nothing is kept, and it returns False.

        Raises:
            ProblemError: the state cannot be written.
        """
        now = self._wall()
        row = LoginRow(login.user, login.device, now + login.seconds)
        return await self._offload(self._rows.add, digest, row, most, now, since)

    async def get(self, digest: bytes) -> FoundLogin | None:
        """The login of a token that holds now, or None. Raises ProblemError."""
        row = await self._offload(self._rows.get, digest)
        left = 0.0 if row is None else row.ends - self._wall()
        return FoundLogin(row.user, row.device, left) if row is not None and left > 0 else None

    async def end(self, digest: bytes) -> None:
        """Ends a login everywhere. Raises ProblemError."""
        await self._offload(self._rows.end, digest)

    async def end_of(self, user: str) -> None:
        """Ends all logins of a user everywhere. Raises ProblemError."""
        await self._offload(self._rows.end_of, user)
