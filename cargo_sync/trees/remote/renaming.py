"""Steps of servers that rename, and overwrite nothing: what remotes of such servers share."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Protocol

from cargo_sync.model import paths
from cargo_sync.model.entries import FOLDER, Entry
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.trees.remote.contract import RemoteListing
from cargo_sync.trees.remote.problems import is_no_folder
from cargo_sync.trees.remote.staging import check_empty

Move = Callable[[str, str], Awaitable[None]]
"""Renames; nothing may be at the new path."""
OfPath = Callable[[str], Awaitable[None]]


class MakesFolders(Protocol):
    """The calls that make a folder."""

    async def entry(self, path: str) -> Entry | None: ...

    async def there(self, path: str) -> Entry: ...

    async def make(self, path: str) -> None:
        """Makes one folder in a folder that is there."""


def check_top(found: Entry | None, shown: object) -> None:
    """Checks the folder of a remote, which people call `shown`.

    Raises:
        ProblemError: ROOT_GONE, NOT_A_FOLDER.
    """
    if found is None:
        raise ProblemError(Problem(Code.ROOT_GONE, f"there is no folder {shown}"))
    if found.kind != FOLDER:
        raise ProblemError(Problem(Code.NOT_A_FOLDER, f"{shown} is not a folder"))


async def make_folders(calls: MakesFolders, path: str) -> Entry:
    """Makes a folder, and those above it that are not there."""
    for above in reversed(list(paths.upwards(path))):
        found = await calls.entry(above)
        if found is None:
            await calls.make(above)
        elif found.kind != FOLDER:
            raise is_no_folder(above)
    return await calls.there(path)


async def put_instead(place: str, path: str, move: Move, check: OfPath, remove: OfPath) -> None:
    """Puts a staged file in the place of another one, which comes back if that fails.

    Args:
        place: of the staged file; the other one is beside it meanwhile.
        path: where the other one is.
        move: renames.
        check: raises if what was taken away, at the path that it gets, is not what was seen.
        remove: a staged file, for good.
    """
    old = f"{place}-old"
    await move(path, old)
    try:
        await check(old)
        await move(place, path)
    except ProblemError:
        with suppress(ProblemError):
            await move(old, path)
        raise
    await remove(old)


async def remove_folder_aside(
    path: str,
    place: str,
    move: Move,
    listing: Callable[[str], Awaitable[RemoteListing]],
    delete: OfPath,
) -> None:
    """Removes an empty folder of a server that deletes folders with all that is in them.

    It is moved to `place` first: where nobody else writes, it can be seen that nothing has come
    since the look.

    Raises:
        ProblemError: NOT_EMPTY; then it is where it was.
    """
    await move(path, place)
    try:
        check_empty(await listing(place), path)
    except ProblemError:
        await move(place, path)
        raise
    await delete(place)
