"""Long polls: requests that wait until something changes.

Each costs a dictionary entry and a socket. A change is announced by the thread that made it, with
its paths. Those who wait for a folder wake up when a path at or below it changes.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from cargo_sync.model.problems import Code, LaterError, Problem
from cargo_sync.model.subtrees import Subtrees

PER_USER: Final = 500

_Waiting = dict[str, set[asyncio.Event]]


class Polls:
    """The waiting requests of all workspaces. Only `changed` may be called from any thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: dict[int, _Waiting] = {}
        self._of_user: Counter[str] = Counter()
        self._closed = False

    @contextmanager
    def waiting(self, workspace: int, under: str, user: str) -> Iterator[asyncio.Event]:
        """An event that is set by every change at or below `under`, from now on.

        Raises:
            LaterError: `busy`, when the user already has 500 of them.
        """
        if self._of_user[user] >= PER_USER:
            raise LaterError(
                Problem(Code.BUSY, f"you already have {PER_USER} requests that wait for changes"), 5
            )
        event = asyncio.Event()
        if self._closed:
            event.set()
        folders = self._waiting.setdefault(workspace, {})
        folders.setdefault(under, set()).add(event)
        self._of_user[user] += 1
        try:
            yield event
        finally:
            self._of_user -= Counter([user])
            folders[under].discard(event)
            if not folders[under]:
                del folders[under]
            if not folders and self._waiting.get(workspace) is folders:
                del self._waiting[workspace]

    def is_waiting(self, workspace: int) -> bool:
        """Whether a request waits for changes of a workspace."""
        return bool(self._waiting.get(workspace))

    def changed(self, workspace: int, changed: Iterable[str]) -> None:
        """Wakes the requests that wait for any of the paths."""
        if self._waiting.get(workspace):
            self._loop.call_soon_threadsafe(self._wake, workspace, Subtrees(changed))

    def close(self) -> None:
        """Answers all waiting requests now; later ones do not wait."""
        self._closed = True
        for folders in self._waiting.values():
            for events in folders.values():
                for event in events:
                    event.set()

    @property
    def closed(self) -> bool:
        return self._closed

    def __len__(self) -> int:
        return self._of_user.total()

    def _wake(self, workspace: int, changed: Subtrees) -> None:
        for under, events in self._waiting.get(workspace, {}).items():
            if changed.meets(under):  # when a folder is gone, everything below it is gone too
                for event in events:
                    event.set()
