"""Replies to earlier commands, so that a repeated command is not executed again.

A command that changes something is executed once per id.
"""

from collections.abc import Callable
from typing import Protocol


class Deduplicate(Protocol):
    """Replies to commands that change something, kept for a day.

    A reply is durable when `put` returns; only then it is sent.
    """

    def get(self, id: str) -> bytes | None:
        """The stored reply for `id`, as it was sent; None if there is none."""

    def put(self, id: str, reply: bytes) -> None:
        """Stores `reply` in place of an older one for this id."""


class MemoryDeduplicate:
    """Replies in memory, for tests and for daemons without a state.

    now  gives seconds of any clock
    """

    def __init__(
        self, now: Callable[[], float], *, keep: float = 86_400.0, most: int = 10_000
    ) -> None:
        self._now = now
        self._keep = keep
        self._most = most
        self._replies: dict[str, tuple[float, bytes]] = {}

    def get(self, id: str) -> bytes | None:
        self._forget_old()
        kept = self._replies.get(id)
        return kept[1] if kept else None

    def put(self, id: str, reply: bytes) -> None:
        self._replies.pop(id, None)
        self._replies[id] = (self._now(), reply)
        self._forget_old()

    def _forget_old(self) -> None:
        horizon = self._now() - self._keep
        while self._replies:
            oldest = next(iter(self._replies))
            if self._replies[oldest][0] > horizon and len(self._replies) <= self._most:
                return
            del self._replies[oldest]
