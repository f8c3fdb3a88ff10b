"""Which steps of one direction can be renames instead."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from cargo_sync.engine.context import RunContext
from cargo_sync.engine.execution.renaming import Placed, PlannedRenames, parents
from cargo_sync.engine.planners.contract import FolderPlanner
from cargo_sync.model import paths
from cargo_sync.model.actions import Action, Op
from cargo_sync.model.agreed import GONE, Agreed
from cargo_sync.model.entries import DAMAGED, FILE, FOLDER, Entry
from cargo_sync.model.jobs import Mode
from cargo_sync.model.subtrees import Subtrees
from cargo_sync.plan.moves import KnownEntry, Relocation, is_worth_it, ordered, recognised
from cargo_sync.trees.contract import Tree


class _Rows(NamedTuple):
    """What the three trees have at a path."""

    source: Entry | None
    destination: Entry | None
    base: Agreed | None


class RenameSearch:
    """Finds what was renamed at the source, and is still at the old path of the destination."""

    def __init__(
        self,
        context: RunContext,
        planner: FolderPlanner,
        direction: Mode,
        source: Tree,
        missed: Subtrees,
    ) -> None:
        """Nothing was found yet.

        Args:
            context: of the run.
            planner: whose rules say what is as agreed.
            direction: UPLOAD or DOWNLOAD.
            source: the side where people renamed something.
            missed: what the survey could not read.
        """
        self._memory = context.memory
        self._world = context.world
        self._planner = planner
        self._direction = direction
        self._upload = direction is Mode.UPLOAD
        self._equal = context.rules.mode is Mode.BIDIRECTIONAL
        self._source = source
        self._missed = missed
        self._left: set[str] = set()
        self._heirs: frozenset[str] = frozenset()

    def still_true(self, actions: Sequence[Action]) -> list[Action]:
        """Without deletions of what was renamed since they were planned. It runs in a thread."""
        rows = self._rows([one.path for one in actions if one.op is Op.DELETE])

        def is_true(action: Action) -> bool:
            here = rows.get(action.path)
            if here is None or here.base is None or here.destination is None:
                return False
            return action.expected is not None and here.destination.same_state(action.expected)

        return [one for one in actions if one.op is not Op.DELETE or is_true(one)]

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
            if not self._may_arrive(rows):
                continue
            assert here.base is not None and here.destination is not None
            changed = not self._is_as_agreed(here)
            placed[pair.source] = Placed(here.base, here.destination, changed)
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

    def emptied(self) -> list[str]:
        """The old paths at which renames have left what the source does not have. In a thread.

        Each is named once.
        """
        left, self._left = self._left, set()
        return [path for path, one in self._rows(left).items() if not one.source]

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
        found |= self._rows(sorted(wanted, key=paths.key))
        self._heirs = self._changed_there(found) if self._equal else frozenset()
        return found

    def _changed_there(self, found: Mapping[str, _Rows]) -> frozenset[str]:
        """The paths at which the destination has another version of what was agreed on.

        What has been moved there from elsewhere is none: it is known at another path.
        """
        changed = {}
        for path, rows in found.items():
            there, base = rows.destination, rows.base
            if there is None or base is None or there.hash == DAMAGED:
                continue
            if (base.far_version if self._upload else base.near_version) == GONE:
                continue  # it came back since
            if there.kind == base.kind and there.kind in (FILE, FOLDER):
                changed[path] = there
        idents = {one.ident: None for one in changed.values()}
        known = self._memory.folders.places(list(idents), near=not self._upload) if idents else {}
        return frozenset(
            path for path, one in changed.items() if set(known.get(one.ident, ())) <= {path}
        )

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
        idents = {one.ident: found[one.path] for one in gone if one.ident}
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

    def _may_arrive(self, rows: _Rows) -> bool:
        """Whether a rename to this path takes nothing that is the destination's own from it."""
        if rows.destination is None:
            return not self._equal or rows.base is None
        return self._is_as_agreed(rows)

    def _has_gone(self, path: str, rows: _Rows) -> bool:
        """Whether what was agreed to be at a path is not there, and may be renamed."""
        follows = path in self._heirs and rows.source is None  # else the path is a conflict
        if not (follows or self._is_as_agreed(rows)):
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
