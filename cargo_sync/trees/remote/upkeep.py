"""The upkeep of a remote: old runs of its trash, and uploads with which nobody has gone on.

How old something is does not depend on a time or a name that some clock has written: its age begins
when it is first seen here (`local.ages`).
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from cargo_sync.local.ages import AgeStore
from cargo_sync.local.trash import is_run
from cargo_sync.model import paths
from cargo_sync.model.abilities import Trashing
from cargo_sync.model.entries import FOLDER, Entry
from cargo_sync.model.jobs import DAY
from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.model.world import World
from cargo_sync.trees.remote.contract import RemoteFolder
from cargo_sync.trees.remote.staging import STAGING
from cargo_sync.trees.remote.together import is_whole, together
from cargo_sync.trees.remote.transfer.pieces import Resumption
from cargo_sync.trees.remote.trash import TRASH, remove_folder

EVERY: Final = 3_600.0
"""Seconds between two of them; a run that was seen for less may still be in use."""
ABANDONED: Final = 7 * DAY
"""Seconds after which an upload with which nobody has gone on is given up."""
MOST: Final = 20_000
"""Entries that one upkeep removes."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TrashLife:
    """How long the trash keeps versions.

    days  since they were first seen
    most  bytes of them that are kept at most; None for no limit
    """

    days: float = 14.0
    most: int | None = None


TWO_WEEKS: Final = TrashLife()


class RemoteUpkeep:
    """Keeps up one remote, from time to time.

    beside  files of ours beside their places on other disks, by path; None: not known yet
    """

    def __init__(
        self,
        remote: RemoteFolder,
        resumption: Resumption,
        ages: AgeStore,
        life: TrashLife | None,
        world: World,
        beside: Callable[[], Mapping[str, Entry] | None] = lambda: None,
    ) -> None:
        self._remote = remote
        self._beside = beside
        self._resumption = resumption
        self._ages = ages
        self._life = life
        self._world = world
        self._due = 0.0
        self._left = 0

    async def keep_up(self) -> None:
        """Does what is due; what fails is tried the next time.

        Raises:
            ProblemError: the server cannot be reached.
        """
        now = self._world.lived()
        if now < self._due:
            return
        self._due, self._left = now + EVERY, MOST
        await self._resumption.left_behind(ABANDONED)
        await self._try(self._sweep_staging, STAGING)
        await self._try(self._sweep_beside, "what is staged beside its place")
        life, trashing = self._life, self._remote.abilities.trashing
        if life is not None and trashing in (Trashing.RENAME, Trashing.COPY):
            await self._try(partial(self._free, life), TRASH)

    async def _try(self, work: Callable[[], Awaitable[None]], folder: str) -> None:
        try:
            await work()
        except ProblemError as error:
            if is_whole(error):
                raise
            _log.warning("%s of %s stays as it is: %s", folder, self._resumption.root, error)

    async def _sweep_staging(self) -> None:
        """Removes staged files of clients that were killed: they have not changed for long."""
        staged = {
            f"{one.name} {one.version}": one
            for one in await self._entries(STAGING)
            if one.kind != FOLDER
        }
        ages = await self._ages_in(STAGING, sorted(staged))
        old = [staged[name] for name, age in ages.items() if age >= ABANDONED]
        await self._remove_some([(f"{STAGING}/{one.name}", one) for one in old])

    async def _sweep_beside(self) -> None:
        """So it does where the place of a file is on another disk."""
        found = self._beside()
        if found is None:
            return
        staged = {f"{path} {one.version}": (path, one) for path, one in found.items()}
        ages = await self._ages_in("beside", sorted(staged))
        await self._remove_some([staged[name] for name, age in ages.items() if age >= ABANDONED])

    async def _remove_some(self, files: Sequence[tuple[str, Entry]]) -> None:
        """Removes as many files as `MOST` allows."""
        await together(self._remove_one, files[: self._left])
        self._left -= len(files[: self._left])

    async def _ages_in(self, folder: str, names: Sequence[str]) -> Mapping[str, float]:
        place = f"{self._resumption.root} {folder}"
        return await self._world.offload(self._ages.ages, place, names)

    async def _free(self, life: TrashLife) -> None:
        """Removes runs that are too old, then the oldest ones while there is too much."""
        runs = {one.name: one for one in await self._entries(TRASH) if one.kind == FOLDER}
        names = sorted(filter(is_run, runs))
        ages = await self._ages_in(TRASH, names)
        line = max(life.days * DAY, EVERY)
        old = [name for name in names if ages[name] >= line]
        for name in old:
            await self._remove(f"{TRASH}/{name}", runs[name])
        if life.most is None:
            return
        kept = [name for name in names if name not in old]
        sizes = {name: await self._size(f"{TRASH}/{name}") for name in kept}
        total = sum(sizes.values())
        for name in sorted(kept, key=lambda one: (-ages[one], one)):
            if total <= life.most or ages[name] < EVERY:
                return
            await self._remove(f"{TRASH}/{name}", runs[name])
            total -= sizes[name]

    async def _entries(self, folder: str) -> Sequence[Entry]:
        try:
            return (await self._remote.list(folder)).entries
        except ProblemError as error:
            if error.problem.code not in (Code.VANISHED, Code.NOT_A_FOLDER):
                raise
            return ()

    async def _size(self, folder: str) -> int:
        size, pending = 0, [folder]
        while pending:
            place = pending.pop()
            for one in await self._entries(place):
                size += one.size
                if one.kind == FOLDER:
                    pending.append(paths.join(place, one.name))
        return size

    async def _remove(self, folder: str, entry: Entry) -> None:
        """Removes a folder of the trash for good, as far as `MOST` allows."""
        assert folder.startswith(f"{TRASH}/"), "no other folder is ever removed for good"
        folders, pending = [(folder, entry)], [folder]
        while pending:
            place = pending.pop()
            found = [(paths.join(place, one.name), one) for one in await self._entries(place)]
            below = [one for one in found if one[1].kind == FOLDER]
            files = [one for one in found if one[1].kind != FOLDER][: self._left]
            self._left -= len(files)
            await together(self._remove_one, files)
            folders += below
            pending += [path for path, _ in below]
        if self._left > 0:
            for path, one in reversed(folders):
                await remove_folder(self._remote, path, one)

    async def _remove_one(self, file: tuple[str, Entry]) -> None:
        await self._remote.remove(*file)
