"""Renames instead of copies: after the survey, what was held back is looked at as a whole.

Theory. A round takes what was held back, finds where each of it was agreed to be, and renames it at
the destination if it is gone there at the source, is proven to be the same, and the destination
holds it as agreed. Then all of these names are planned again, from what the state says now: what
was renamed needs nothing more, and the others are copied. Below folders that were held back, things
may have been held back again: these are the next round. At last, what is still gone is planned.
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple

from cargo_sync.engine.context import RunContext
from cargo_sync.engine.execution.direction import Direction
from cargo_sync.engine.execution.renaming import Placed, PlannedRenames, parents
from cargo_sync.engine.planners.holding import HoldingPlanner
from cargo_sync.model import paths
from cargo_sync.model.actions import Action, Op
from cargo_sync.model.agreed import Agreed
from cargo_sync.model.entries import DAMAGED, FILE, FOLDER, Entry
from cargo_sync.model.jobs import Mode
from cargo_sync.model.subtrees import Subtrees
from cargo_sync.plan.moves import KnownEntry, Relocation, is_worth_it, ordered, recognised
from cargo_sync.state.folders import Folders, FolderState
from cargo_sync.trees.contract import Tree

PAGE: Final = 1_000
"""Names that are looked at together."""
FOLDERS: Final = 100
"""Folders that are planned together."""


class _Rows(NamedTuple):
    """What the three trees have at a path."""

    source: Entry | None
    destination: Entry | None
    base: Agreed | None


class Moves:
    """The renames of one run in one direction; `done` is how many there were."""

    def __init__(
        self,
        context: RunContext,
        planner: HoldingPlanner,
        direction: Mode,
        source: Tree,
        missed: Subtrees,
    ) -> None:
        """Nothing is renamed yet.

        Args:
            context: of the run.
            planner: that held back what may have been renamed.
            direction: UPLOAD or DOWNLOAD.
            source: the side where people renamed something.
            missed: what the survey could not read.
        """
        self._memory = context.memory
        self._world = context.world
        self._planner = planner
        self._direction = direction
        self._upload = direction is Mode.UPLOAD
        self._source = source
        self._missed = missed
        self._left: set[str] = set()
        self.done = 0

    @property
    def pending(self) -> bool:
        """Whether something waited for the end of the survey."""
        return self._planner.held > 0 or self._planner.gone

    def still_true(self, actions: Sequence[Action]) -> list[Action]:
        """Without deletions of what was renamed since they were planned. It runs in a thread."""
        rows = self._rows([one.path for one in actions if one.op is Op.DELETE])
        view = self._planner.view(self._direction)

        def is_true(action: Action) -> bool:
            base = rows[action.path].base if action.path in rows else None
            there = action.expected
            return base is not None and there is not None and view.is_destination(base, there)

        return [one for one in actions if one.op is not Op.DELETE or is_true(one)]

    async def pages(self, direction: Direction) -> AsyncIterator[list[FolderState]]:
        """Renames, and gives the folders that must be planned then, in an order that works.

        The planner is told which of their names count.

        Raises:
            ProblemError: a side cannot be reached.
        """
        while self._planner.held:
            held = self._planner.next_round()
            async for actions in self._held(held):
                self.done += await direction.rename(await self.plan(actions))
            async for page in self._again(held):
                yield page
            while await self._world.offload(self._memory.planned.drop, held, 2 * PAGE):
                pass
        if self._planner.gone:
            async for page in self._gone():
                yield page

    async def plan(self, actions: Sequence[Action]) -> PlannedRenames:
        """The renames that these steps can be instead.

        Raises:
            ProblemError: the source cannot be reached.
        """
        found = await self._world.offload(self._origins, actions)
        gone, new = await self._known(found)
        placed: dict[str, Placed] = {}
        pairs: list[Relocation] = []
        for pair in recognised(gone, new):
            rows, here = found[pair.path], found[pair.source]
            if rows.destination is not None and not self._is_as_agreed(rows):
                continue  # it is the destination's own
            assert here.base is not None and here.destination is not None
            placed[pair.source] = Placed(here.base, here.destination)
            pairs.append(pair)
        occupied = []
        for pair in pairs:
            rows = found[pair.path]
            if rows.destination is not None and rows.base is not None:
                placed[pair.path] = Placed(rows.base, rows.destination)
                occupied.append(pair.path)
        sources = {pair.path: source for pair in pairs if (source := found[pair.path].source)}
        renames = ordered(pairs, occupied)
        self._left |= {one.source for one in renames if one.occupant is not None}
        origins = {pair.path: pair.source for pair in pairs}
        return PlannedRenames(renames, placed, origins, sources)

    # -- what is the same --------------------------------------------------------------------------

    def _origins(self, actions: Sequence[Action]) -> dict[str, _Rows]:
        """What is at these paths, and where each of it was agreed to be. In a thread."""
        found = self._rows([action.path for action in actions])
        idents = {
            rows.source.ident: None
            for rows in found.values()
            if rows.source and is_worth_it(rows.source.kind, rows.source.size)
        }
        places = self._memory.folders.places(list(idents), near=self._upload)
        wanted = {path for some in places.values() for path in some} - found.keys()
        return found | self._rows(sorted(wanted, key=paths.key))

    def _rows(self, some: Iterable[str]) -> dict[str, _Rows]:
        found = {}
        for folder, names in parents(list(some)).items():
            for state in self._memory.folders.parts(folder, names):
                near = {one.name: one for one in state.near or () if one.name in names}
                far = {one.name: one for one in state.far or () if one.name in names}
                base = {one.name: one for one in state.base or () if one.name in names}
                source, destination = (near, far) if self._upload else (far, near)
                for name in source.keys() | destination.keys() | base.keys():
                    rows = source.get(name), destination.get(name), base.get(name)
                    found[paths.join(folder, name)] = _Rows(*rows)
        return found

    async def _known(self, found: dict[str, _Rows]) -> tuple[list[KnownEntry], list[KnownEntry]]:
        """What is gone from its path, and what is new at another one, with proven contents."""
        gone = [
            KnownEntry(path, base.kind, self._ident(base), base.size, base.hash)
            for path, rows in found.items()
            if (base := rows.base) and self._has_gone(path, rows)
        ]
        idents = {one.ident: found[one.path] for one in gone}
        new, unproven = [], list[tuple[str, Entry]]()
        for path, rows in found.items():
            source = rows.source
            origin = idents.get(source.ident) if source else None
            if source is None or origin is None or origin.base is None or self._is_in_place(rows):
                continue
            base = origin.base
            if source.kind != base.kind or (source.kind == FILE and source.size != base.size):
                continue
            version = base.near_version if self._upload else base.far_version
            content = base.hash if source.version == version else source.hash
            if source.kind == FILE and not content:
                unproven.append((path, source))
            else:
                new.append(KnownEntry(path, source.kind, source.ident, source.size, content))
        contents = await self._source.hashes(unproven) if unproven else []
        for (path, source), read in zip(unproven, contents, strict=True):
            if isinstance(read, str):
                new.append(KnownEntry(path, FILE, source.ident, source.size, read))
        return gone, new

    def _has_gone(self, path: str, rows: _Rows) -> bool:
        """Whether what was agreed to be at a path is not there, and may be renamed."""
        if rows.destination is None or not self._is_as_agreed(rows):
            return False
        return not self._is_in_place(rows) and paths.parent(path) not in self._missed

    def _is_in_place(self, rows: _Rows) -> bool:
        if rows.source is None or rows.base is None:
            return False
        same = rows.source.kind == rows.base.kind
        return same and rows.source.ident == self._ident(rows.base)

    def _is_as_agreed(self, rows: _Rows) -> bool:
        there, base = rows.destination, rows.base
        if there is None or base is None or there.hash == DAMAGED:
            return False
        return self._planner.view(self._direction).is_destination(base, there)

    def _ident(self, base: Agreed) -> int:
        return base.near_ident if self._upload else base.far_ident

    # -- what is planned then ----------------------------------------------------------------------

    async def _held(self, run: str) -> AsyncIterator[list[Action]]:
        mark = 0
        planned, offload = self._memory.planned, self._world.offload
        while (page := await offload(planned.page, run, mark, PAGE, self._direction)) and (
            page.actions
        ):
            mark = page.actions[-1].number
            yield [one.action for one in page.actions]

    async def _again(self, held: str) -> AsyncIterator[list[FolderState]]:
        """What was held back, and what is below it; then what renames left at their sources."""
        async for actions in self._held(held):
            async for page in self._names([action.path for action in actions]):
                yield page
            for action in actions:
                if action.source is not None and action.source.kind == FOLDER:
                    async for page in self._below(action.path):
                        yield page
        left, self._left = self._left, set()
        rows = await self._world.offload(self._rows, left)
        async for page in self._names([path for path, one in rows.items() if not one.source]):
            yield page

    async def _names(self, some: Sequence[str]) -> AsyncIterator[list[FolderState]]:
        for folder, names in parents(some).items():
            states = await self._world.offload(_parts, self._memory.folders, folder, names)
            self._planner.only = {folder: names}
            yield states
        self._planner.only = None

    async def _below(self, top: str) -> AsyncIterator[list[FolderState]]:
        below = self._memory.folders.below(top)
        while page := await self._world.offload(_next, below):
            if known := [one for one in page if one.path not in self._missed]:
                yield known

    async def _gone(self) -> AsyncIterator[list[FolderState]]:
        """The folders that are gone at the source, as they are now."""
        self._planner.plain = True
        after: bytes | None = None
        folders, near = self._memory.folders, self._upload
        while page := await self._world.offload(_gone_page, folders, after, near):
            after = page[-1].key
            if known := [one for one in page if one.path not in self._missed]:
                yield known
        self._planner.plain = False

    # -- a preview ---------------------------------------------------------------------------------

    async def previewed(self, moves: list[Action]) -> AsyncIterator[list[FolderState]]:
        """The folders of a preview that must be planned after the survey.

        Args:
            moves: gets the MOVE steps; what is below moved folders is not planned.
        """
        if not self._planner.held and not self._planner.gone:
            return
        held, sources, targets = self._planner.next_round(), Subtrees(), Subtrees()
        self._planner.plain = True
        async for actions in self._held(held):
            planned = await self.plan(actions)
            for rename in planned.renames:
                moves.append(planned.action(rename))
                sources.add(rename.moved)
                targets.add(rename.path)
            left = [one for one in actions if one.path not in targets and one.path not in sources]
            async for page in self._names([one.path for one in left]):
                yield page
            for action in left:
                if action.source is not None and action.source.kind == FOLDER:
                    async for page in self._below(action.path):
                        yield page
        async for page in self._gone():
            if known := [one for one in page if one.path not in sources]:
                yield known


def _parts(folders: Folders, folder: str, names: set[str]) -> list[FolderState]:
    return list(folders.parts(folder, names))


def _next(below: Iterator[FolderState]) -> list[FolderState]:
    return list(islice(below, FOLDERS))


def _gone_page(folders: Folders, after: bytes | None, near: bool) -> list[FolderState]:
    return folders.gone(after, FOLDERS, near=near)
