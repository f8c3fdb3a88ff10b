"""A job's local folder: hints of changes in it, and when it is let go.

The hints are brought from the watcher's threads to the event loop.
"""

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from cargo_sync.local.watch import Watch, native
from cargo_sync.local.watched import ChangedFolders
from cargo_sync.model.world import World
from cargo_sync.trees.contract import NearTree

MOST: Final = 2_000 if sys.platform == "linux" else 64
"""Folders that a daemon watches at most; the others are scanned at intervals. On systems other than
Linux each watched folder costs a thread."""
LET_GO: Final = 5.0
"""Seconds that the answer to a pause waits for its folder at most."""


class FolderHints(Protocol):
    """Hints of changes in a local folder, until `close`.

    note      what a person should know, such as that the folder is not watched; "" if all is well
    complete  each change is hinted
    ended     the folder is not at its path any more: another one there is not watched
    """

    note: str

    @property
    def complete(self) -> bool: ...

    @property
    def ended(self) -> bool: ...

    async def close(self) -> None: ...


OnHint = Callable[[frozenset[str] | None], None]
"""Gets the folders in which something changed; None: it is not known where."""
WatchFolder = Callable[[OnHint], Awaitable[FolderHints | None]]
"""Begins to watch a folder, and calls back on the event loop for every hint. Gives None if that is
not possible now."""


class NearHints:
    """The hints of an upload's folder, which is watched as soon as that is possible.

    While a look finds that the folder is away, nothing is watched: what is at its path then is not
    the folder that will come back.
    """

    def __init__(self, watch: WatchFolder, hint: OnHint) -> None:
        self._begin = watch
        self._hint = hint
        self._watch: FolderHints | None = None
        self._was_away = False

    @property
    def note(self) -> str:
        """What a person should know; "" if all is well."""
        return self._watch.note if self._watch else ""

    @property
    def complete(self) -> bool:
        """Each change since the watch began is hinted."""
        return self._watch is not None and self._watch.complete

    async def follow(self, *, away: bool) -> None:
        """Begins or ends to watch, after each look; `away`: it found that the folder is away."""
        if self._watch is not None and (away or self._watch.ended):
            await self.close()
        if self._watch is None and not away:
            self._watch = await self._begin(self._hint)
            if self._was_away:
                self._hint(None)  # something may have changed before the watch began
        self._was_away = away

    async def close(self) -> None:
        """Ends the watch, if there is one."""
        watch, self._watch = self._watch, None
        if watch is not None:
            await watch.close()


class NearFolder:
    """A job's local folder: open and watched while the job may move files, else let go.

    Then nothing of it is open, locked or watched: its disk can be unmounted, and another process
    may use it.
    """

    def __init__(self, near: NearTree, hints: NearHints | None) -> None:
        """`hints` is None if the folder is not watched."""
        self._near = near
        self._hints = hints
        self._free = asyncio.Event()
        self._free.set()

    @property
    def note(self) -> str:
        """What a person should know; "" if all is well."""
        return self._hints.note if self._hints else ""

    @property
    def hints_all(self) -> bool:
        """Each change is hinted."""
        return self._hints is not None and self._hints.complete

    def use(self) -> None:
        """Something opens the folder from now on."""
        self._free.clear()

    async def watch(self, *, away: bool) -> None:
        """Begins or ends to watch, after each look; `away`: it found that the folder is away."""
        if self._hints is not None:
            self.use()
            await self._hints.follow(away=away)

    async def let_go(self) -> None:
        """Closes all of it, if it is open."""
        if not self._free.is_set():
            await self.close()

    async def close(self) -> None:
        """Closes all of it."""
        if self._hints is not None:
            await self._hints.close()
        await self._near.close()
        self._free.set()

    async def wait_free(self) -> None:
        """Waits until it is let go, or has not been for `LET_GO`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LET_GO):
                await self._free.wait()


class Watching:
    """One folder that is watched, or the reason why it is not (`note`)."""

    def __init__(
        self, watch: Watch | None, note: str, world: World, ended: Callable[[], None]
    ) -> None:
        self.note = note
        self._watch = watch
        self._world = world
        self._ended = ended

    @property
    def complete(self) -> bool:
        """Each change in the folder is hinted."""
        return self._watch is not None and self._watch.complete

    @property
    def ended(self) -> bool:
        """The folder was moved, deleted or unmounted."""
        return self._watch is not None and self._watch.ended

    async def close(self) -> None:
        watch, self._watch = self._watch, None
        if watch is not None:
            self._ended()
            await self._world.offload(watch.stop)


class Watchers:
    """All watched folders of a daemon."""

    def __init__(self, world: World, most: int = MOST) -> None:
        self._world = world
        self._most = most
        self._count = 0
        self._native = native()

    async def watch(self, folder: str, hint: OnHint) -> Watching | None:
        """Begins to watch `folder`. Returns None if it does not exist now.

        Args:
            folder: absolute path.
            hint: called on the event loop with the folders in which something may have changed,
                once for many changes.
        """
        if not await self._world.offload(os.path.isdir, folder):
            return None
        if self._count >= self._most:
            note = f"{folder!r} is scanned at intervals only: {self._most} folders are watched"
            return Watching(None, note, self._world, self._ended)
        self._count += 1
        watch = Watch(folder, _LoopHints(asyncio.get_running_loop(), hint), self._native)
        problem = await self._world.offload(watch.start)
        note = "" if problem is None else str(problem)
        if not watch.watching:
            self._ended()
            return Watching(None, note, self._world, self._ended)
        return Watching(watch, note, self._world, self._ended)

    def _ended(self) -> None:
        self._count -= 1


class _LoopHints:
    """Brings hints from other threads to the loop; while one waits there, others join it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, hint: OnHint) -> None:
        self._loop = loop
        self._hint = hint
        self._lock = threading.Lock()
        self._waiting: set[str] = set()
        self._somewhere = False
        self._under_way = False

    def __call__(self, folders: ChangedFolders) -> None:
        with self._lock:
            self._waiting.update(folders or ())
            self._somewhere |= folders is None
            under_way, self._under_way = self._under_way, True
        if not under_way:
            self._loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        with self._lock:
            folders = None if self._somewhere else frozenset(self._waiting)
            self._waiting.clear()
            self._somewhere = self._under_way = False
        self._hint(folders)
