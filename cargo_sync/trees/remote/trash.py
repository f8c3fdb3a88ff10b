"""What a step replaces or deletes on a remote goes to its trash first, as far as it has one.

A run's trash is `.cargo_sync/trash/<run>/`; a version lies there at its old path. If that is taken,
it lies below `<run>.1/`, `<run>.2/`, … instead. How it gets there is `abilities.trashing`. Nothing
else decides whether an old version is kept.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

from cargo_sync.model import paths
from cargo_sync.model.abilities import Publishing, Trashing
from cargo_sync.model.entries import BY_UMASK, FOLDER, Entry
from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.trees.remote.contract import RemoteFolder
from cargo_sync.trees.remote.together import together

TRASH: Final = f"{paths.RESERVED}/trash"
NUMBERS: Final = 20
"""How many places in the trash are tried for one version."""
MADE: Final = 1_000
"""Folders of the trash that are known to be there."""


@dataclass(frozen=True, slots=True)
class SetAside:
    """What became of an entry that is about to be replaced.

    place     where its version is in the trash, or ""
    replaced  what is still at its path, to be given to the call that replaces it
    moved     what lies at `place` is the entry itself, and not a copy
    """

    place: str = ""
    replaced: Entry | None = None
    moved: Entry | None = None


@dataclass(frozen=True, slots=True)
class _Below:
    """What is in a folder: paths with their entries; a folder comes before what is in it."""

    folders: list[tuple[str, Entry]]
    files: list[tuple[str, Entry]]


class RemoteTrash:
    """The trash of one remote."""

    def __init__(self, remote: RemoteFolder) -> None:
        self._remote = remote
        self._made: set[str] = set()

    @property
    def _renames(self) -> bool:
        """Whether a folder goes elsewhere in one step."""
        can = self._remote.abilities
        return can.trashing is Trashing.RENAME or can.publishing is Publishing.RENAME

    async def before(self, path: str, entry: Entry, run: str) -> SetAside:
        """Keeps the version at `path` that something is about to replace.

        A folder goes with all that is in it.

        Raises:
            ProblemError: it is not `entry` any more, or cannot be kept; then it is where it was.
        """
        trashing = self._remote.abilities.trashing
        if trashing is Trashing.RENAME:
            place, moved = await self._into(partial(self._moved, path, entry), path, run)
            return SetAside(place, None, moved)
        if entry.kind == FOLDER:
            return SetAside(await self.away(path, entry, run))
        if trashing is Trashing.COPY:
            place, _ = await self._into(partial(self._copied, path, entry), path, run)
            return SetAside(place, entry)
        return SetAside(replaced=entry)

    async def back(self, path: str, displaced: SetAside) -> None:
        """What should replace it failed: it gets its place back, unless that is taken now."""
        if displaced.moved is not None:
            with suppress(ProblemError):
                await self.relocate(displaced.place, path, displaced.moved)

    async def away(self, path: str, entry: Entry, run: str) -> str:
        """Takes an entry away, a folder with all that is in it.

        Returns:
            Where it is in the trash now, or "" if it is not there.

        Raises:
            ProblemError: it is not `entry` any more, or cannot be kept.
        """
        if self._remote.abilities.trashing is Trashing.RENAME:
            return (await self.before(path, entry, run)).place
        if entry.kind != FOLDER:
            return await self._file_away(path, entry, run)
        below = await self._below(path)

        async def one(file: tuple[str, Entry]) -> str:
            return await self._file_away(*file, run)

        places = await together(one, below.files)
        await self._remove_folders([(path, entry), *below.folders])
        first = places[0] if places else ""
        return first[: len(first) - len(below.files[0][0]) + len(path)] if first else ""

    async def aside(self, path: str, entry: Entry, run: str) -> tuple[str, Entry]:
        """Moves an entry to the trash for a moment; returns where it is, and what it is there.

        After a crash it stays there, whatever else this server does with old versions.
        """
        return await self._into(partial(self._relocated, path, entry), path, run)

    async def relocate(self, path: str, to: str, entry: Entry) -> Entry:
        """Gives an entry another path, a folder with all that is in it; nothing may be there.

        Without renames a folder goes file by file: after a cut, both places have some.
        """
        if entry.kind != FOLDER or self._renames:
            return await self._remote.move(path, to, entry)
        below = await self._below(path)
        await self._remote.make(to, entry.mode)
        for folder, kept in below.folders:
            await self._remote.make(to + folder[len(path) :], kept.mode)

        async def one(file: tuple[str, Entry]) -> Entry:
            here, kept = file
            return await self._remote.move(here, to + here[len(path) :], kept)

        await together(one, below.files)
        await self._remove_folders([(path, entry), *below.folders])
        return await self._remote.make(to, entry.mode)

    # -- within ------------------------------------------------------------------------------------

    async def _file_away(self, path: str, entry: Entry, run: str) -> str:
        place = ""
        if self._remote.abilities.trashing is Trashing.COPY:
            place, _ = await self._into(partial(self._copied, path, entry), path, run)
        await self._remote.remove(path, entry)
        return place

    async def _moved(self, path: str, entry: Entry, place: str) -> Entry:
        return await self._remote.move(path, place, entry)

    async def _copied(self, path: str, entry: Entry, place: str) -> Entry:
        return await self._remote.copy(path, place, entry)

    async def _relocated(self, path: str, entry: Entry, place: str) -> Entry:
        return await self.relocate(path, place, entry)

    async def _into(
        self, act: Callable[[str], Awaitable[Entry]], path: str, run: str
    ) -> tuple[str, Entry]:
        """Does this with the first free place in the trash of `run`; returns the place too."""
        number = 0
        while True:
            place = f"{TRASH}/{run}{f'.{number}' if number else ''}/{path}"
            try:
                await self._make_above(place)
                return place, await act(place)
            except ProblemError as error:
                code = error.problem.code
                if code is Code.VANISHED:
                    self._made.clear()  # somebody may have emptied the trash
                number += 1
                if code not in (Code.OCCUPIED, Code.NOT_A_FOLDER) or number == NUMBERS:
                    raise

    async def _make_above(self, place: str) -> None:
        folder = paths.parent(place)
        if folder in self._made or not self._remote.abilities.folders:
            return
        await self._remote.make(folder, BY_UMASK)
        if len(self._made) >= MADE:
            self._made.clear()
        self._made.add(folder)

    async def _below(self, top: str) -> _Below:
        """All that is in a folder.

        Raises:
            ProblemError: some of it cannot be read, or has a name that cannot be used.
        """
        found, pending = _Below([], []), [top]
        while pending:
            folder = pending.pop()
            listing = await self._remote.list(folder)
            for problem in listing.problems:
                raise ProblemError(problem)
            for entry in listing.entries:
                path = paths.join(folder, entry.name)
                if entry.kind == FOLDER:
                    found.folders.append((path, entry))
                    pending.append(path)
                else:
                    found.files.append((path, entry))
        return found

    async def _remove_folders(self, folders: list[tuple[str, Entry]]) -> None:
        """Removes folders that are empty now; those further down come first."""
        for path, entry in sorted(folders, key=lambda one: paths.key(one[0]), reverse=True):
            await remove_folder(self._remote, path, entry)


async def remove_folder(remote: RemoteFolder, path: str, entry: Entry) -> None:
    """Removes an empty folder. One that only exists with something in it may be gone already."""
    try:
        await remote.remove(path, entry)
    except ProblemError as error:
        if remote.abilities.folders or error.problem.code is not Code.VANISHED:
            raise
