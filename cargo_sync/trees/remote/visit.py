"""A remote for a get, a put or the shell: pages, single entries, changes."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

from cargo_sync.lanes.figures import Figures
from cargo_sync.local.trash_runs import TrashRuns
from cargo_sync.model import paths
from cargo_sync.model.actions import Action, Op
from cargo_sync.model.entries import BY_UMASK, FOLDER, PERMISSIONS, Entry
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.world import World
from cargo_sync.trees.remote.contract import RemoteFolder, RemoteListing
from cargo_sync.trees.remote.trash import remove_folder
from cargo_sync.trees.remote.tree import RemoteMemory, RemoteTree, RemoteUse
from cargo_sync.trees.visit import VisitPage

FEW: Final = 8
"""Names that are looked at one by one; for more of them their folder is listed."""
TOP: Final = Entry("", FOLDER, mode=BY_UMASK, version=1)


class VisitedRemote(RemoteTree):
    """One remote, visited."""

    def __init__(
        self,
        remote: RemoteFolder,
        use: RemoteUse,
        memory: RemoteMemory,
        world: World,
        turn: AbstractAsyncContextManager[Any],
    ) -> None:
        super().__init__(remote, use, memory, world, turn)
        self._runs = TrashRuns(world.wall)
        self._paged: RemoteListing | None = None

    def known_as(self, root: str) -> None:
        """The remote is open already, and this is its name."""
        self._resumption.root = root

    def figures(self) -> Figures | None:
        """The figures of the running transfer; None if nothing moves."""
        return next(iter(self.flow_figures().values()), None)

    def granted(self) -> int | None:
        return self._limits.speed if self._limits.moves else None

    # -- reading -----------------------------------------------------------------------------------

    async def page(self, folder: str, after: str, limit: int) -> VisitPage:
        """Like Visited.page. A folder is listed once for all of its pages."""
        paged = self._paged
        if not after or paged is None or paged.path != folder:
            listed = await self._remote.list(folder)
            paged = self._paged = listed._replace(entries=sorted(listed.entries))
        rest = [entry for entry in paged.entries if entry.name > after]
        page, more = rest[:limit], len(rest) > limit
        if not more:
            self._paged = None
        problems = () if after else tuple(paged.problems)
        return VisitPage(page, page[-1].name if more else None, problems)

    async def entry(self, path: str) -> Entry | None:
        """The entry at `path` now, or None. The remote itself is a folder without a name."""
        return await self._remote.entry(path) if path else TOP

    async def stand(self, folder: str, names: Sequence[str]) -> dict[str, Entry | Problem]:
        if len(names) <= FEW:
            found = {name: await self.entry(paths.join(folder, name)) for name in names}
            return {name: entry for name, entry in found.items() if entry is not None}
        try:
            listing = await self._remote.list(folder)
        except ProblemError as error:
            if error.problem.code in (Code.VANISHED, Code.NOT_A_FOLDER):
                return {}
            raise
        wanted = set(names)
        return {entry.name: entry for entry in listing.entries if entry.name in wanted}

    # -- changing ----------------------------------------------------------------------------------

    async def make(
        self, folders: Sequence[tuple[str, int | None]], run: str
    ) -> list[Problem | None]:
        actions = [
            Action(
                Op.MKDIR,
                path,
                None if mode is None else Entry(paths.name(path), FOLDER, mode=mode & PERMISSIONS),
            )
            for path, mode in folders
        ]
        return [outcome.problem for outcome in await self.apply(actions, self._runs.named(run))]

    async def delete(self, path: str, run: str, *, recursive: bool) -> str:
        """Moves a file or a folder to the trash, as far as there is one; returns its path there.

        Raises:
            ProblemError: `unknown`; `not_empty`, for a folder if not `recursive`; `changed`.
        """
        found = await self._existing(path)
        if found.kind == FOLDER and not recursive:
            await remove_folder(self._remote, path, found)
            return ""
        return await self._trash.away(path, found, self._runs.named(run))

    async def move(self, path: str, to: str, run: str) -> None:
        """Renames a file, or a folder with everything below it.

        Raises:
            ProblemError: `unknown`; `occupied`, if there is an entry at `to`.
        """
        found = await self._existing(path)
        [outcome] = await self.apply([Action(Op.MOVE, to, expected=found, moved_from=path)], run)
        if outcome.problem is not None:
            raise ProblemError(outcome.problem)

    async def _existing(self, path: str) -> Entry:
        found = await self.entry(path)
        if found is None:
            raise ProblemError(
                Problem(Code.UNKNOWN, f"there is no {path!r} on the server", path, retry=False)
            )
        return found
