"""What other servers have recorded wakes those who wait here for changes.

A server says which workspaces it has changed, at most every 50 ms, and hears what others say. What
has changed there comes from the catalogue. A word may be lost, so each server also looks at all
sequences once a second.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final, Protocol

from cargo_sync.model.problems import ProblemError
from cargo_sync.model.world import Offload
from cargo_sync.process.wakeup import Wakeup

TICK: Final = 1.0
TOGETHER: Final = 0.05
"""Seconds in which changes are collected, before others are told of them."""
MOST: Final = 1_000
"""Changes that are read to know where they are; of more, everybody is told."""
_AT_ONCE: Final = 300
"""Workspaces in one text, which may have 8,000 bytes."""

_log = logging.getLogger(__name__)


class ServerWords(Protocol):
    """How servers tell each other (`state.database.Signals`)."""

    def open(self) -> int: ...

    def taken(self) -> list[str] | None: ...

    def send(self, text: str) -> None: ...


class NewestChanges(Protocol):
    """Where the changes are (the catalogue). It blocks, and raises ProblemError."""

    def sequences(self) -> dict[int, int]:
        """The newest number of each workspace."""

    def paths(self, workspace: int, since: int, most: int) -> tuple[Sequence[str], int]:
        """What changed since then, or "" for what is too much; and the newest number."""


class ChangeListeners(Protocol):
    """Who waits here."""

    def is_waiting(self, workspace: int) -> bool:
        """Whether a request waits for changes there."""

    def changed(self, workspace: int, paths: Collection[str]) -> None:
        """Wakes those who wait for any of these."""


class OthersChanges:
    """For the event loop; only `told` may be called from any thread.

    Args:
        words: to and from other servers; None if there are none.
        me: names this server in them.
        changes: of all workspaces.
        listeners: who waits.
        heard: called in a thread with workspaces that have changed; it raises ProblemError.
        offload: for what blocks.
        steady: seconds.
    """

    def __init__(
        self,
        words: ServerWords | None,
        me: str,
        changes: NewestChanges,
        listeners: ChangeListeners,
        heard: Callable[[Collection[int]], None],
        offload: Offload,
        steady: Callable[[], float],
    ) -> None:
        self._words = words
        self._me = me
        self._changes = changes
        self._listeners = listeners
        self._heard = heard
        self._offload = offload
        self._steady = steady
        self._known: dict[int, int] | None = None
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._own: set[int] = set()
        self._has_own = Wakeup()

    def told(self, workspace: int) -> None:
        """This server has recorded something there: others are told."""
        if self._words is None:
            return
        with self._lock:
            if workspace in self._own:
                return
            self._own.add(workspace)
        with suppress(RuntimeError):  # the event loop has ended already
            self._loop.call_soon_threadsafe(self._has_own.set)

    async def run(self) -> None:
        """Tells and hears until cancelled."""
        if self._words is None:
            await Wakeup().wait()
            return
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._tell(self._words))
            tasks.create_task(self._hear(self._words))

    async def _tell(self, words: ServerWords) -> None:
        while True:
            await self._has_own.wait()
            with suppress(ProblemError):  # they look once a second
                await self.tell(words)
            await Wakeup().wait(TOGETHER)

    async def tell(self, words: ServerWords) -> None:
        """Tells others what was recorded since the last call. Raises ProblemError."""
        with self._lock:
            some, self._own = sorted(self._own), set()
        for start in range(0, len(some), _AT_ONCE):
            part = " ".join(map(str, some[start : start + _AT_ONCE]))
            await self._offload(words.send, f"{self._me} {part}")

    async def _hear(self, words: ServerWords) -> None:
        news, failed = Wakeup(), False
        while True:
            until = self._steady() + TICK
            try:
                descriptor = await self._offload(words.open)
                with _readable(self._loop, descriptor, news):
                    await self.look()
                    failed = False
                    while (left := until - self._steady()) > 0 and await news.wait(left):
                        if (texts := words.taken()) is None:
                            break
                        await self.hear(texts)
            except ProblemError as error:
                if not failed:
                    _log.error("changes of other servers cannot be heard: %s", error)
                failed = True
                await Wakeup().wait(TICK)

    async def hear(self, texts: Sequence[str]) -> None:
        """Others have said this. Raises ProblemError."""
        some = set[int]()
        for text in texts:
            who, _, numbers = text.partition(" ")
            if who != self._me:
                some.update(int(one) for one in numbers.split() if one.isdecimal())
        await self._wake(some)

    async def look(self) -> None:
        """Looks at all sequences. Raises ProblemError."""
        found = await self._offload(self._changes.sequences)
        if self._known is None:
            self._known = found
            return
        changed = {id for id, number in found.items() if number != self._known.get(id)}
        read = await self._wake(changed)
        self._known |= {id: found[id] for id in changed - read}

    async def _wake(self, some: Collection[int]) -> set[int]:
        """Wakes those who wait there; returns the workspaces of which the changes were read."""
        known, read = self._known, set[int]()
        if not some or known is None:
            return read
        for id in some:
            if self._listeners.is_waiting(id):
                since = known.get(id, 0)
                paths, known[id] = await self._offload(self._changes.paths, id, since, MOST)
                read.add(id)
                self._listeners.changed(id, paths)
        await self._offload(self._heard, some)
        return read


@contextmanager
def _readable(loop: asyncio.AbstractEventLoop, descriptor: int, news: Wakeup) -> Iterator[None]:
    loop.add_reader(descriptor, news.set)
    try:
        yield
    finally:
        loop.remove_reader(descriptor)
