"""The port through which trash and staging learn how old something is (`state.ages`)."""

from collections.abc import Callable, Collection, Mapping
from typing import Protocol


class AgeStore(Protocol):
    """Knows when names in a folder were first seen. It survives restarts and clocks that jump."""

    def ages(self, place: str, names: Collection[str]) -> Mapping[str, float]:
        """The age of each name in the folder `place`, in seconds; 0 for one that is new.

        Other names in this folder are forgotten.
        """


class MemoryAges:
    """Ages in memory: lost when the process ends."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._since: dict[str, dict[str, float]] = {}

    def ages(self, place: str, names: Collection[str]) -> Mapping[str, float]:
        now, known = self._now(), self._since.get(place, {})
        since = self._since[place] = {name: known.get(name, now) for name in names}
        return {name: now - at for name, at in since.items()}
