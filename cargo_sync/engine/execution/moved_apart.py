"""What both sides of a two-way job have moved, each to another path: the server's path counts.

Others see the server's path already. So what was agreed follows the local move first; then the
local entry is where it was agreed to be, and follows the server's move like any other.
"""

from collections.abc import AsyncIterator, Callable, Sequence

from cargo_sync.engine.context import RunContext
from cargo_sync.model import paths
from cargo_sync.model.actions import Action
from cargo_sync.model.agreed import Agreed
from cargo_sync.model.entries import FILE, Entry
from cargo_sync.trees.contract import Tree

Pages = Callable[[], AsyncIterator[list[Action]]]


class MovedApart:
    """Lets base follow the local moves of what the server has moved elsewhere."""

    def __init__(self, context: RunContext, near: Tree) -> None:
        self._folders = context.memory.folders
        self._world = context.world
        self._near = near

    async def __call__(self, arrived: Sequence[Action], moved_here: Pages) -> None:
        """Looks where the local side has what is new on the server, and gone at its old path.

        Args:
            arrived: steps that were held back, towards the local side.
            moved_here: those towards the server.

        Raises:
            ProblemError: the local side cannot be reached.
        """
        gone = await self._world.offload(self._gone, arrived)
        if not gone:
            return
        async for actions in moved_here():
            for action in actions:
                source = action.source
                known = gone.get(source.ident) if source is not None else None
                if source is not None and known is not None and action.expected is None:
                    del gone[source.ident]
                    await self._follow(*known, action.path, source)

    def _gone(self, arrived: Sequence[Action]) -> dict[int, tuple[str, Agreed]]:
        """By its local ident, what was agreed on, and is at its path on no side any more."""
        new = {
            one.source.ident: one.source
            for one in arrived
            if one.source is not None and one.expected is None
        }
        found = {}
        for ident, some in self._folders.places(list(new), near=False).items():
            for path in some:
                near, far, base = self._folders.entry(path)
                if near is None and far is None and base and _is_as(new[ident], base):
                    found[base.near_ident] = path, base
        return found

    async def _follow(self, before: str, base: Agreed, now: str, entry: Entry) -> None:
        if entry.kind != base.kind or paths.is_below(now, before):
            return
        if entry.kind == FILE:
            [content] = await self._near.hashes([(now, entry)])
            if content != base.hash:
                return
        moved = base._replace(name=entry.name, near_version=entry.version)
        await self._world.offload(self._folders.moved_on, before, now, moved)


def _is_as(entry: Entry, base: Agreed) -> bool:
    """Whether an entry of the server is what was agreed on, but for its path."""
    same = entry.kind == base.kind and entry.ident == base.far_ident
    return same and (entry.kind != FILE or entry.hash == base.hash)
