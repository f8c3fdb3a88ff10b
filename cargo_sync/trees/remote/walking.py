"""Walks a tree of folders, by listing one after the other, several at the same time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Final

from cargo_sync.model import paths
from cargo_sync.model.entries import FOLDER
from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.trees.contract import Missed
from cargo_sync.trees.remote.contract import RemoteListing

AT_ONCE: Final = 16
_OF_ONE_FOLDER: Final = frozenset(
    {Code.UNREADABLE, Code.BAD_PATH, Code.BAD_NAME, Code.OS_ERROR, Code.REFUSED, Code.TOO_LARGE}
)
"""Problems because of which one folder is missed; others are problems of the whole."""


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
    waiting, under_way = [""], dict[asyncio.Task[RemoteListing], str]()
    try:
        while waiting or under_way:
            while waiting and len(under_way) < at_once:
                # The last one first: so what waits is little more than one way down is wide.
                folder = waiting.pop()
                under_way[asyncio.create_task(_listed(listing, folder))] = folder
            done, _ = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
            told = list[RemoteListing | Missed]()
            for task in done:
                one = _told(task, under_way.pop(task))
                told.append(one)
                if isinstance(one, RemoteListing):
                    waiting += [
                        paths.join(one.path, entry.name)
                        for entry in one.entries
                        if entry.kind == FOLDER
                    ]
            yield told
    finally:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


async def _listed(listing: Callable[[str], Awaitable[RemoteListing]], folder: str) -> RemoteListing:
    return await listing(folder)


def _told(task: asyncio.Task[RemoteListing], folder: str) -> RemoteListing | Missed:
    try:
        return task.result()
    except ProblemError as error:
        code = error.problem.code
        if not folder or code not in {*_OF_ONE_FOLDER, Code.VANISHED, Code.NOT_A_FOLDER}:
            raise
        return Missed(folder, error.problem)
