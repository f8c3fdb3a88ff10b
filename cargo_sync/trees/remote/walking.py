"""Walks a tree of folders, by listing one after the other, several at the same time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from typing import Final

from cargo_sync.model import paths
from cargo_sync.model.entries import FOLDER
from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.model.subtrees import Subtrees
from cargo_sync.trees.contract import Missed
from cargo_sync.trees.remote.contract import RemoteListing

AT_ONCE: Final = 16
_OF_ONE_FOLDER: Final = frozenset(
    {Code.UNREADABLE, Code.BAD_PATH, Code.BAD_NAME, Code.OS_ERROR, Code.REFUSED, Code.TOO_LARGE}
)
"""Problems because of which one folder is missed; others are problems of the whole."""
_GONE: Final = frozenset({Code.VANISHED, Code.NOT_A_FOLDER})


async def walk(
    listing: Callable[[str], Awaitable[RemoteListing]], at_once: int = AT_ONCE
) -> AsyncIterator[Sequence[RemoteListing | Missed]]:
    """Every folder from "" on, once. See `RemoteFolder.walk`.

    A folder that goes while it is walked is told as missed: nobody knows what became of it.

    Args:
        listing: lists one folder.
        at_once: so many are listed at the same time.

    Raises:
        ProblemError: what `listing` raises of the top, or of the whole.
    """
    async for told in _walked(listing, _Way([("", True)]), at_once):
        yield told


async def walk_some(
    listing: Callable[[str], Awaitable[RemoteListing]],
    folders: Collection[str],
    below: Collection[str],
    at_once: int = AT_ONCE,
) -> AsyncIterator[Sequence[RemoteListing | Missed]]:
    """Some folders, and others with all that is below them, each once.

    Instead of one that is not there any more, the folder above it is told.

    Args:
        listing: see `walk`.
        folders: told alone.
        below: told with what is below them.
        at_once: see `walk`.

    Raises:
        ProblemError: see `walk`.
    """
    tops = Subtrees(below)
    deep = [path for path in {*below} if path == "" or paths.parent(path) not in tops]
    alone = [path for path in {*folders} if path not in tops]
    way = _Way([*((path, False) for path in alone), *((path, True) for path in deep)], climbs=True)
    async for told in _walked(listing, way, at_once):
        yield told


class _Way:
    """Which folders are to be listed.

    Args:
        starts: folders, and whether what is below them is listed, too.
        climbs: instead of one of these that is not there, the folder above it is listed.
    """

    def __init__(self, starts: Sequence[tuple[str, bool]], *, climbs: bool = False) -> None:
        self.waiting = list(starts)
        self._starts = {path for path, _ in starts} if climbs else set[str]()

    def told(
        self, task: asyncio.Task[RemoteListing], folder: str, *, deep: bool
    ) -> RemoteListing | Missed | None:
        """What a listing says; None: the folder above tells of it. Adds what is to be listed next.

        Raises:
            ProblemError: of the top, or of the whole.
        """
        try:
            one = task.result()
        except ProblemError as error:
            code = error.problem.code
            if not folder or code not in _OF_ONE_FOLDER | _GONE:
                raise
            if code in _GONE and folder in self._starts:
                above = paths.parent(folder)
                if above not in self._starts:
                    self._starts.add(above)
                    self.waiting.append((above, False))
                return None
            return Missed(folder, error.problem)
        if deep:
            self.waiting += [
                (paths.join(one.path, entry.name), True)
                for entry in one.entries
                if entry.kind == FOLDER
            ]
        return one


async def _walked(
    listing: Callable[[str], Awaitable[RemoteListing]], way: _Way, at_once: int
) -> AsyncIterator[Sequence[RemoteListing | Missed]]:
    under_way = dict[asyncio.Task[RemoteListing], tuple[str, bool]]()
    try:
        while way.waiting or under_way:
            while way.waiting and len(under_way) < at_once:
                # The last one first: so what waits is little more than one way down is wide.
                folder, deep = way.waiting.pop()
                under_way[asyncio.create_task(_listed(listing, folder))] = folder, deep
            done, _ = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
            told = list[RemoteListing | Missed]()
            for task in done:
                folder, deep = under_way.pop(task)
                if (one := way.told(task, folder, deep=deep)) is not None:
                    told.append(one)
            yield told
    finally:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


async def _listed(listing: Callable[[str], Awaitable[RemoteListing]], folder: str) -> RemoteListing:
    return await listing(folder)
