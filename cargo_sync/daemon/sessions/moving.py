"""The work of a get, a put or a copy of files: a copier with its two sides."""

import os
from typing import Protocol

from cargo_sync.copying.copier import Copier, CopyOptions, CopySides
from cargo_sync.copying.progress import CopyProgress
from cargo_sync.copying.transfer_ids import TransferIds
from cargo_sync.copying.walk import EntryPages
from cargo_sync.daemon.sessions.passage import Passage
from cargo_sync.daemon.sessions.transfer import CopyOrder
from cargo_sync.local.trash import PLACE, run_folder
from cargo_sync.model import paths
from cargo_sync.model.abilities import Abilities
from cargo_sync.model.jobs import Mode
from cargo_sync.model.world import World
from cargo_sync.state.orders import Orders, Way
from cargo_sync.trees.visit import NearVisited


class CopiedFolder(NearVisited, Protocol):
    """The other side of a transfer: a folder of this machine, or one of another server.

    root       the folder of this machine that has the staging; "" if nothing is staged here
    abilities  what is kept of its files
    """

    @property
    def root(self) -> str: ...

    @property
    def abilities(self) -> Abilities: ...

    def whole(self, path: str) -> str:
        """The place of `path` in it, for messages and to know the transfer again."""

    async def close(self) -> None: ...


class FilesTransfer:
    """See Work.

    passage  gives the workspace's folder `folder`, which corresponds to the folder `near`
    """

    def __init__(
        self,
        order: CopyOrder,
        way: Way,
        passage: Passage,
        folder: str,
        near: CopiedFolder,
        pages: EntryPages,
        orders: Orders,
        in_use: set[str],
        world: World,
    ) -> None:
        self.progress = CopyProgress()
        far = passage.far
        self._passage = passage
        self._near = near
        self._run = run_folder(world.wall(), world.token()[:8])
        self._upload = order.verb != "get"

        def both_paths(path: str) -> tuple[str, str]:
            return paths.join(folder, path), near.whole(path)

        self._ids = TransferIds(orders, way, both_paths, near.root, in_use, world)
        mode = Mode.UPLOAD if self._upload else Mode.DOWNLOAD
        copy_sides = CopySides(mode, near, far, far.abilities.between(near.abilities))
        options = CopyOptions(order.overwrite, self._run)
        self._copier = Copier(copy_sides, pages, options, self.progress, self._ids, world)

    async def attempt(self, speed: int | None) -> None:
        self._passage.limit(speed)
        await self._copier.attempt(speed)

    def arrived(self) -> tuple[int, str]:
        return self._copier.arrived()

    async def ask(self, speed: int | None) -> int | None:
        return await self._passage.ask(speed)

    def behind(self) -> bool:
        return self._passage.behind

    def granted(self) -> int | None:
        return self._passage.far.granted()

    async def close(self) -> None:
        if self.progress.displaced:
            here = os.path.join(self._near.root, PLACE, self._run)
            place = "the server's trash" if self._upload else here
            self.progress.note = f"replaced files are in {place} now: {self.progress.displaced}"
        self._ids.release()
        await self._near.close()
