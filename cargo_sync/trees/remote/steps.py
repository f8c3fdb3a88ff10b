"""Steps without content on a remote: MKDIR, DELETE, MOVE and META, several at the same time."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

from cargo_sync.model import paths
from cargo_sync.model.actions import Action, Op, Outcome
from cargo_sync.model.entries import BY_UMASK, FOLDER, PERMISSIONS, Entry
from cargo_sync.model.problems import Code, Problem, ProblemError, changed
from cargo_sync.trees.cut_short import GRACE, told
from cargo_sync.trees.remote.contract import RemoteFolder
from cargo_sync.trees.remote.together import as_far_as, is_whole, together
from cargo_sync.trees.remote.trash import RemoteTrash, SetAside, remove_folder


class RemoteSteps:
    """Does the steps of runs; each fails alone."""

    def __init__(self, remote: RemoteFolder, trash: RemoteTrash) -> None:
        self._remote = remote
        self._trash = trash

    async def apply(self, actions: Sequence[Action], run: str) -> list[Outcome]:
        """Like Tree.apply."""
        deleted = {one.path for one in actions if one.op is Op.DELETE}
        outcomes: list[Outcome] = []
        with told(outcomes):
            for group in independent(actions):
                if not self._remote.abilities.folders:
                    await self._keep_folders(group, deleted)
                await as_far_as(partial(self._one, run=run), group, outcomes, GRACE)
        return outcomes

    async def _one(self, action: Action, run: str) -> Outcome:
        does = {
            Op.MKDIR: self._make,
            Op.DELETE: self._delete,
            Op.MOVE: self._move,
            Op.META: self._set_metadata,
        }
        try:
            return await does[action.op](action, run)
        except ProblemError as error:
            if is_whole(error):
                raise
            return Outcome(action, problem=replace(error.problem, path=action.path))

    async def _make(self, action: Action, run: str) -> Outcome:
        mode = BY_UMASK if action.source is None else _folder_mode(action.source)
        displaced = SetAside()
        if action.expected is not None and action.expected.kind != FOLDER:
            displaced = await self._trash.before(action.path, action.expected, run)
            if displaced.replaced is not None:
                await self._remote.remove(action.path, displaced.replaced)
        try:
            made = await self._remote.make(action.path, mode)
        except BaseException:
            await self._trash.back(action.path, displaced)
            raise
        return Outcome(action, action.source, made, displaced=displaced.place)

    async def _delete(self, action: Action, run: str) -> Outcome:
        if action.expected is None:
            raise ProblemError(changed(action.path))
        if action.expected.kind == FOLDER:
            await remove_folder(self._remote, action.path, action.expected)
            return Outcome(action)
        place = await self._trash.away(action.path, action.expected, run)
        return Outcome(action, displaced=place)

    async def _move(self, action: Action, run: str) -> Outcome:
        here, to, entry = action.moved_from, action.path, action.expected
        if entry is None:
            raise ProblemError(changed(here))
        if action.occupant is not None:
            return await self._exchange(action, entry, action.occupant, run)
        above = paths.parent(to)
        if above != paths.parent(here) and self._remote.abilities.folders:
            await self._remote.make(above, BY_UMASK)
        return Outcome(action, action.source, await self._trash.relocate(here, to, entry))

    async def _exchange(self, action: Action, one: Entry, other: Entry, run: str) -> Outcome:
        """Two entries change places, by way of the trash: after a crash one of them lies there."""
        here, there = action.moved_from, action.path
        if paths.is_below(there, here) or paths.is_below(here, there):
            words = f"{here!r} and {there!r} cannot change places: one is in the other"
            raise ProblemError(Problem(Code.BAD_PATH, words, here))
        if not _same(await self._remote.entry(here), one):
            raise ProblemError(changed(here))
        place, aside = await self._trash.aside(there, other, run)
        try:
            now = await self._trash.relocate(here, there, one)
        except BaseException:
            with suppress(ProblemError):
                await self._trash.relocate(place, there, aside)
            raise
        exchanged = await self._trash.relocate(place, here, aside)
        return Outcome(action, action.source, now, exchanged=exchanged)

    async def _set_metadata(self, action: Action, run: str) -> Outcome:
        source, there = action.source, action.expected
        if source is None or there is None:
            raise ProblemError(changed(action.path))
        mode = _folder_mode(source) if source.kind == FOLDER else source.mode & PERMISSIONS
        now = await self._remote.set_metadata(action.path, there, source.mtime_ns, mode)
        return Outcome(action, source, now, action.hash)

    async def _keep_folders(self, group: Sequence[Action], deleted: set[str]) -> None:
        """Makes folders stay from which these steps take everything, unless they go too."""
        going: dict[str, set[str]] = {}
        for one in group:
            path = one.moved_from if one.op is Op.MOVE else one.path
            if one.op in (Op.DELETE, Op.MOVE) and (above := paths.parent(path)):
                going.setdefault(above, set()).add(paths.name(path))

        async def keep(folder: str) -> None:
            with suppress(ProblemError):  # then the step itself fails, or leaves something there
                listing = await self._remote.list(folder)
                if {one.name for one in listing.entries} <= going[folder]:
                    await self._remote.make(folder, BY_UMASK)

        await together(keep, [folder for folder in going if folder not in deleted])


def independent(actions: Sequence[Action]) -> Iterator[list[Action]]:
    """Yields the actions in their order, as many together as do not touch each other's paths."""
    group: list[Action] = []
    touched: set[str] = set()
    above: set[str] = set()
    for action in actions:
        its = {action.path, *([action.moved_from] if action.moved_from else ())}
        over = {one for path in its for one in paths.upwards(paths.parent(path))}
        if group and (its & (touched | above) or over & touched):
            yield group
            group, touched, above = [], set(), set()
        group.append(action)
        touched |= its
        above |= over
    if group:
        yield group


def _folder_mode(source: Entry) -> int:
    """The mode of a folder; its owner can always use it."""
    return BY_UMASK if source.mode == BY_UMASK else source.mode & PERMISSIONS | 0o700


def _same(found: Entry | None, expected: Entry) -> bool:
    if found is None or found.kind != expected.kind:
        return False
    return found.kind == FOLDER or found.version == expected.version
