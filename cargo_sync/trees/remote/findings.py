"""What was found out about a server, while it is to be believed: so it is not asked each time."""

from collections.abc import Callable
from typing import Final, Protocol

from cargo_sync.model.jobs import DAY
from cargo_sync.model.world import Offload
from cargo_sync.state.findings import Finding

BELIEVED: Final = 7 * DAY
"""Seconds after which a server is asked again: it may have another release or other settings."""


class FindingStore(Protocol):
    """As `Findings` of the state. All calls raise ProblemError."""

    def get(self, place: str) -> Finding | None: ...

    def put(self, finding: Finding) -> None:
        """Keeps what was found out now, in place of what was known; its age begins."""


class MemoryFindings:
    """Findings in memory: lost when the process ends."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._found: dict[str, tuple[Finding, float]] = {}

    def get(self, place: str) -> Finding | None:
        found = self._found.get(place)
        return found and found[0]._replace(age=self._now() - found[1])

    def put(self, finding: Finding) -> None:
        self._found[finding.place] = (finding, self._now())


class AskedAnew:
    """Believes nothing, and keeps what is found out for others: for a check that people order."""

    def __init__(self, store: FindingStore) -> None:
        self._store = store

    def get(self, place: str) -> Finding | None:
        return None

    def put(self, finding: Finding) -> None:
        self._store.put(finding)


class PlaceFindings:
    """What is known of one place. All calls raise ProblemError."""

    def __init__(self, store: FindingStore, place: str, offload: Offload) -> None:
        self._store = store
        self._place = place
        self._offload = offload

    async def believed(self, server: str) -> str:
        """What was found out about this server lately; "" if it must be asked."""
        found = await self._offload(self._store.get, self._place)
        if found is None or found.server != server or found.age >= BELIEVED:
            return ""
        return found.found

    async def keep(self, server: str, found: str) -> None:
        """This was found out now."""
        await self._offload(self._store.put, Finding(self._place, server, found))
