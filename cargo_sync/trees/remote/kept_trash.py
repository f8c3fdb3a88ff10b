"""The trash of a remote as a person sees it: listed, brought back, freed.

Nobody keeps records there: what lies in `.cargo_sync/trash/<run>/` is found by listing it, each
time. So a folder that was deleted is shown as the files in it. The number of a version is made of
its run's time and of a hash of its place: it stays the same, and newer runs have higher ones.
"""

import datetime
import heapq
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from hashlib import blake2b
from itertools import groupby
from typing import Final, NamedTuple

from cargo_sync.local.ages import AgeStore
from cargo_sync.local.trash import is_run
from cargo_sync.model import paths
from cargo_sync.model.abilities import Trashing
from cargo_sync.model.displaced import (
    DisplacedVersion,
    FreedVersions,
    Restored,
    TrashCause,
    TrashFilter,
    TrashRow,
    TrashTotals,
    not_kept,
)
from cargo_sync.model.entries import BY_UMASK, FOLDER, Entry
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.world import Offload
from cargo_sync.trees.remote.contract import RemoteFolder
from cargo_sync.trees.remote.together import is_whole
from cargo_sync.trees.remote.trash import TRASH, remove_folder
from cargo_sync.trees.trash import FarTrashPage

MOST: Final = 20_000
"""Versions that one `free_older` removes."""
_STAMP: Final = "%Y%m%dT%H%M%SZ"
_STAMP_LENGTH: Final = len("20260102T030405Z")
_EPOCH: Final = 1_577_836_800
"""2020, in unix seconds."""
_BITS: Final = 29
"""Of a number, for the place; with those of the time it has at most 18 digits."""


class _Lying(NamedTuple):
    """A file, a link or an empty folder in the trash: its number, its run, its path there."""

    id: int
    run: str
    path: str
    entry: Entry

    @property
    def place(self) -> str:
        return f"{TRASH}/{self.run}/{self.path}"


class KeptTrash:
    """See FarTrash. Each call has a remote of its own from `make`, which it closes."""

    def __init__(self, make: Callable[[], RemoteFolder], ages: AgeStore, offload: Offload) -> None:
        self._make = make
        self._ages = ages
        self._offload = offload
        self._totals = TrashTotals(0, 0)

    async def page(self, wanted: TrashFilter, before: int | None, limit: int) -> FarTrashPage:
        """Like FarTrash.page. The first page counts all; memory does not grow with the trash."""
        async with self._opened() as (remote, _):
            runs = sorted(await _runs(remote), key=_seconds, reverse=True)
            files = size = 0
            rows: list[_Lying] = []
            for _, group in groupby(runs, _seconds):
                if before is not None and len(rows) > limit:
                    break
                some = list(group)
                if before is not None and _first(some[0]) >= before:
                    continue
                best: list[_Lying] = []
                async for one in _lying(remote, some):
                    files, size = files + 1, size + one.entry.size
                    if (before is None or one.id < before) and _is_wanted(one, wanted):
                        best.append(one)
                        if len(best) > 4 * (limit + 1):
                            best = heapq.nlargest(limit + 1, best, key=_number)
                if len(rows) <= limit:
                    rows += heapq.nlargest(limit + 1 - len(rows), best, key=_number)
        if before is None:
            self._totals = TrashTotals(files, size)
        page, more = rows[:limit], len(rows) > limit
        return FarTrashPage(list(map(_row, page)), page[-1].id if more else None, self._totals)

    async def restore(
        self, ids: Sequence[int], to: str, run: str, inside: str = ""
    ) -> list[Restored | Problem]:
        """Like FarTrash.restore, but never over something: what stands there stays."""
        async with self._opened() as (remote, _):
            found = await _find(remote, ids)
            results: list[Restored | Problem] = []
            for id in ids:
                one = found.get(id, not_kept(id))
                if inside and isinstance(one, _Lying):
                    one = not_kept(id)  # a version here is never a folder with something in it
                if isinstance(one, Problem):
                    results.append(one)
                else:
                    results.append(await _back(remote, one, paths.join(to, one.path)))
            return results

    async def free(self, ids: Sequence[int]) -> FreedVersions:
        async with self._opened() as (remote, _):
            found = await _find(remote, ids)
            return await _free(remote, [one for one in found.values() if isinstance(one, _Lying)])

    async def free_older(self, seconds: int) -> FreedVersions:
        async with self._opened() as (remote, root):
            runs = await _runs(remote)
            ages = await self._offload(self._ages.ages, f"{root} {TRASH}", sorted(runs))
            some: list[_Lying] = []
            more = False
            async for one in _lying(remote, [run for run in runs if ages[run] >= seconds]):
                if more := len(some) == MOST:
                    break
                some.append(one)
            return (await _free(remote, some))._replace(more=more)

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[tuple[RemoteFolder, str]]:
        remote = self._make()
        try:
            root = await remote.open(make=False)
            if remote.abilities.trashing not in (Trashing.RENAME, Trashing.COPY):
                message = "this server has no trash that can be listed"
                hint = "look at the older versions that the server keeps itself, if it does"
                raise ProblemError(Problem(Code.UNSUPPORTED, message, hint=hint, retry=False))
            yield remote, root
        finally:
            await remote.close()


async def _runs(remote: RemoteFolder) -> list[str]:
    names = [one.name for one in await _entries(remote, TRASH) if one.kind == FOLDER]
    return list(filter(is_run, names))


async def _entries(remote: RemoteFolder, folder: str) -> Sequence[Entry]:
    try:
        return (await remote.list(folder)).entries
    except ProblemError as error:
        if error.problem.code not in (Code.VANISHED, Code.NOT_A_FOLDER):
            raise
        return ()


async def _lying(remote: RemoteFolder, runs: Iterable[str]) -> AsyncIterator[_Lying]:
    """What lies in these runs."""
    for run in runs:
        waiting = [""]
        while waiting:
            folder = waiting.pop()
            entries = await _entries(remote, paths.join(f"{TRASH}/{run}", folder).rstrip("/"))
            if not entries and folder:
                yield _lies(run, folder, _folder(folder))
            for entry in entries:
                path = paths.join(folder, entry.name)
                if entry.kind == FOLDER:
                    waiting.append(path)
                else:
                    yield _lies(run, path, entry)


async def _find(remote: RemoteFolder, ids: Sequence[int]) -> dict[int, _Lying | Problem]:
    """Versions by their numbers; those that are not there are missing."""
    wanted, times = set(ids), {id >> _BITS for id in ids}
    runs = [run for run in await _runs(remote) if _first(run) >> _BITS in times]
    found: dict[int, _Lying | Problem] = {}
    async for one in _lying(remote, runs):
        if one.id in found:
            message = f"two versions in the trash have the number {one.id}"
            hint = f"move the right one yourself: they are in {TRASH} there"
            found[one.id] = Problem(Code.UNSUPPORTED, message, one.path, hint, retry=False)
        elif one.id in wanted:
            found[one.id] = one
    return found


async def _back(remote: RemoteFolder, one: _Lying, target: str) -> Restored | Problem:
    try:
        above = paths.parent(target)
        if above and remote.abilities.folders:
            await remote.make(above, BY_UMASK)
        if one.entry.kind == FOLDER:
            await remote.make(target, BY_UMASK)
            await remove_folder(remote, one.place, one.entry)
        else:
            await remote.move(one.place, target, one.entry)
    except ProblemError as error:
        if is_whole(error):
            raise
        problem = replace(error.problem, path=target)
        if problem.code is Code.OCCUPIED:
            return replace(problem, hint="move it away first, or restore to another folder")
        return problem
    await _prune(remote, one)
    return Restored(one.id, target)


async def _free(remote: RemoteFolder, some: Sequence[_Lying]) -> FreedVersions:
    files = size = 0
    for one in some:
        try:
            await remote.remove(one.place, one.entry)
        except ProblemError as error:
            if is_whole(error):
                raise
            if error.problem.code is not Code.VANISHED:
                continue
        files, size = files + 1, size + one.entry.size
        await _prune(remote, one)
    return FreedVersions(files, size)


async def _prune(remote: RemoteFolder, one: _Lying) -> None:
    """Removes the folders of the trash that are empty now."""
    for folder in paths.upwards(paths.parent(one.place)):
        if folder == TRASH:
            return
        try:
            await remove_folder(remote, folder, _folder(folder))
        except ProblemError as error:
            if is_whole(error):
                raise
            return


def _folder(path: str) -> Entry:
    return Entry(paths.name(path), FOLDER, mode=BY_UMASK, version=1)


def _lies(run: str, path: str, entry: Entry) -> _Lying:
    digest = int.from_bytes(blake2b(f"{run}/{path}".encode(), digest_size=4).digest())
    return _Lying(_first(run) + (digest & ((1 << _BITS) - 1) or 1), run, path, entry)


def _first(run: str) -> int:
    """The lowest number that a version of a run can have."""
    return max(0, _seconds(run) - _EPOCH) << _BITS


def _seconds(run: str) -> int:
    """The time in the name of a run, unix seconds; 0 for one that is none."""
    with suppress(ValueError):
        read = datetime.datetime.strptime(run[:_STAMP_LENGTH], _STAMP)
        return int(read.replace(tzinfo=datetime.UTC).timestamp())
    return 0


def _number(one: _Lying) -> int:
    return one.id


def _is_wanted(one: _Lying, wanted: TrashFilter) -> bool:
    in_time = _seconds(one.run) >= wanted.since
    return in_time and wanted.run in ("", one.run) and wanted.matches(one.path)


def _row(one: _Lying) -> TrashRow:
    version = DisplacedVersion.of(one.entry, one.path, one.place, TrashCause.FOUND)
    return TrashRow(one.id, version, float(_seconds(one.run)))
