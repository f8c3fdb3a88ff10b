"""The memory of answered commands: what changes something is done once an id, however often it is
sent."""

from collections.abc import Callable
from typing import Protocol


class Deduplicate(Protocol):
    """Answers to changing commands, kept for a day.

    `put` is durable when it returns, for the answer is spoken after it.
    """

    def get(self, id: str) -> bytes | None:
        """The reply that was kept for `id`, as it was sent; None if there is none."""

    def put(self, id: str, reply: bytes) -> None:
        """Keep `reply`; one that was kept for this id before is replaced."""


class MemoryDeduplicate:
    """In memory: for tests, and for daemons that keep no state. `now` gives seconds of any
    clock."""

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
