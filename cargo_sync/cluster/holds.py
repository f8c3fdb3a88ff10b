"""Folders among servers: one of them has a folder, the others say who.

Who wants a folder takes it if nobody has it, or if its holder is away. A holder that was not heard
for three seconds counts as away, so it must not use its folders any more when it could not say for
nearly as long that it is there. When it is heard again it asks who has them. What a server knows of
others may be a second old, or older if the database was away: so the statement that takes a folder
compares what its holder says by then.

The folder's own lock is beside this: it also keeps other programs away.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from cargo_sync.cluster.lives import ServerLives
from cargo_sync.cluster.membership import Membership
from cargo_sync.machines.cluster.states import AWAY_AFTER
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.world import Offload
from cargo_sync.state.holders import NOBODY, ServerLife

SURE: Final = AWAY_AFTER - 0.5
"""Seconds since a server's last row in which its folders are certainly its own."""

_log = logging.getLogger(__name__)


class ElsewhereError(ProblemError):
    """Another server has the folder. `address` is that of its API, or ""."""

    def __init__(self, problem: Problem, address: str) -> None:
        super().__init__(problem)
        self.address = address


class HolderBook(Protocol):
    """Where the holders are (state.holders)."""

    def get(self, root: str) -> ServerLife: ...

    def all(self) -> dict[str, ServerLife]: ...

    def take(self, root: str, holder: ServerLife, last: ServerLife, beat: int | None) -> bool: ...

    def give_back(self, root: str, holder: ServerLife) -> None: ...


class FolderHold:
    """What a server has of one folder. Any thread may use it."""

    def __init__(self, holds: "FolderHolds", root: str) -> None:
        self._holds = holds
        self._root = root

    def take(self) -> bool:
        """Takes the folder; whether it was not this server's before.

        Raises:
            ProblemError: `elsewhere`; or the state cannot be used.
        """
        return self._holds.take(self._root)

    def give_back(self) -> None:
        """Others may have the folder, if the state can be written."""
        self._holds.give_back(self._root)

    def check(self) -> None:
        """Raises ProblemError `elsewhere` if the folder may be another server's now."""
        self._holds.check(self._root)


class FolderHolds:
    """The folders of one server.

    membership  the server among the others
    rows        of all holders; None for a server that shares its state with nobody
    lost        called for each folder that others have taken, or that is free by now
    """

    def __init__(self, membership: Membership, rows: HolderBook | None, offload: Offload) -> None:
        self._membership = membership
        self._rows = rows
        self._offload = offload
        self.lost: Callable[[str], None] = lambda root: None
        self._own: frozenset[str] = frozenset()
        self._seen: dict[str, ServerLife] = {}
        """Who had a folder that this server wanted, at the last look at all."""
        self._free: frozenset[str] = frozenset()
        self._lives = ServerLives(membership)
        self._me = self._lives.me

    def of(self, root: str) -> FolderHold:
        """What this server has of a folder."""
        return FolderHold(self, root)

    def take(self, root: str) -> bool:
        """See `FolderHold.take`."""
        if self._rows is None or root in self._own:
            return False
        if self._membership.draining:
            self._seen.setdefault(root, NOBODY)
            raise ProblemError(Problem(Code.ELSEWHERE, "this server is about to end"))
        last = self._rows.get(root)
        beat = self._lives.beat_of(last)
        if self._lives.is_gone(last) and self._rows.take(root, self._me, last, beat):
            self._own |= {root}
            return True
        self._seen[root] = self._rows.get(root)
        raise self._elsewhere(root)

    def give_back(self, root: str) -> None:
        """See `FolderHold.give_back`."""
        if self._rows is None or root not in self._own:
            return
        self._own -= {root}
        try:
            self._rows.give_back(root, self._me)
        except ProblemError as error:
            _log.error("%s is not given back to other servers: %s", root, error)

    def check(self, root: str) -> None:
        """See `FolderHold.check`."""
        if self._rows is None or self._membership.is_alone:
            return
        if self._membership.unheard() > SURE:
            message = "this server cannot tell the others that it is there"
            hint = "it goes on when its database answers"
            raise ProblemError(Problem(Code.ELSEWHERE, message, hint=hint))
        if root not in self._own:
            raise self._elsewhere(root)

    async def leave(self) -> None:
        """Lets others have all folders: this server is about to end. Raises ProblemError."""
        if self._rows is None:
            return
        for root in sorted(self._own):
            self._own -= {root}
            self._seen[root] = NOBODY
            await self._offload(self._rows.give_back, root, self._me)
            self.lost(root)

    async def look(self) -> None:
        """Finds out which folders others have taken, and which are free. Raises ProblemError."""
        if self._rows is None or not (self._own or self._seen):
            return
        before = self._own
        found = await self._offload(self._rows.all)
        self._look_for_free(found)
        lost = frozenset(root for root in before if found.get(root) != self._me)
        self._own -= lost
        for root in sorted(lost):
            _log.warning("another server has taken %s, because this one was not heard", root)
            self.lost(root)

    def _look_for_free(self, found: Mapping[str, ServerLife]) -> None:
        """Says once which folders are free that this server wanted; it tries them later, too."""
        wanted = [root for root in list(self._seen) if root not in self._own]
        self._seen.update((root, found.get(root, NOBODY)) for root in wanted)
        free = frozenset(one for one in wanted if self._lives.is_gone(found.get(one, NOBODY)))
        news, self._free = free - self._free, free
        for root in sorted(news):
            self.lost(root)

    def _elsewhere(self, root: str) -> ElsewhereError:
        holder = self._seen.get(root, NOBODY)
        known = self._membership.known(holder.server)
        if holder == NOBODY:
            message = "another server is about to take the folder of this workspace"
            return ElsewhereError(Problem(Code.ELSEWHERE, message), "")
        if known is None:
            message = "the folder of this workspace is served by another server"
            return ElsewhereError(Problem(Code.ELSEWHERE, message), "")
        where = f" at {known.address}" if known.address else ""
        message = f'the folder of this workspace is served by the server "{known.name}"{where}'
        problem = Problem(Code.ELSEWHERE, message, hint="ask that server")
        return ElsewhereError(problem, known.address)
