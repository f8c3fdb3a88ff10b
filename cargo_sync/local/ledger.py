"""The port through which a trash's versions are recorded (`state.displaced`)."""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from cargo_sync.model import paths
from cargo_sync.model.displaced import (
    DisplacedVersion,
    KeptVersion,
    TrashFilter,
    TrashPage,
    TrashRow,
    TrashState,
    TrashTotals,
)


class TrashLedger(Protocol):
    """The displaced versions of one root. Any thread may call it.

    Methods called in `together` are one transaction, also with others of the same state.
    """

    def together(self) -> AbstractContextManager[object]:
        """A transaction."""

    def add(self, versions: Sequence[DisplacedVersion]) -> None:
        """These versions are in the trash now. One at a place that is known takes its row."""

    def ended(self, ids: Sequence[int], state: TrashState, moved_to: str = "") -> None:
        """These versions are not in the trash any more."""

    def kept(self, ids: Sequence[int]) -> list[tuple[int, DisplacedVersion]]:
        """Those of these versions that are in the trash, in the order of `ids`."""

    def now(self) -> float:
        """The retention clock's reading."""

    def oldest(self, after: KeptVersion | None, limit: int) -> list[KeptVersion]:
        """Up to `limit` versions in the trash, the oldest first; those after one of them."""

    def unmeasured(self, limit: int) -> list[tuple[int, str]]:
        """Ids and places of up to `limit` folders in the trash whose size is not known."""

    def measured(self, sizes: Sequence[tuple[int, int]]) -> None:
        """The sizes of folders, by their ids."""

    def totals(self, within: str = "") -> TrashTotals:
        """How much is in the trash of what was in this folder, at any depth."""

    def page(self, wanted: TrashFilter, before: int | None, limit: int) -> TrashPage:
        """Up to `limit` rows that the filter wants, the newest first, of those below `before`.

        A page may have fewer rows, even none, although there are more: a filter that wants nearly
        nothing does not hold up others.
        """

    def runs(self) -> set[str]:
        """The runs of which something is in the trash."""

    def known(self, places: Collection[str]) -> set[str]:
        """Those of these places that have a version."""

    def is_complete(self) -> bool:
        """False if the trash may hold what has no row, after an unclean stop or an upgrade."""

    def completed(self) -> None:
        """All that is in the trash has a row."""


class MemoryLedger:
    """A ledger in memory, lost when the process ends; `clock` is the retention clock."""

    def __init__(self, clock: Callable[[], float] = lambda: 0.0) -> None:
        self._clock = clock
        self._complete = False
        self._kept: dict[int, tuple[DisplacedVersion, float]] = {}
        self.gone: list[tuple[DisplacedVersion, TrashState, str]] = []
        self._last = 0

    def together(self) -> AbstractContextManager[object]:
        return nullcontext()

    def add(self, versions: Sequence[DisplacedVersion]) -> None:
        places = {version.place: id for id, (version, _) in self._kept.items()}
        for version in versions:
            id = places.get(version.place, self._last + 1)
            self._last = max(self._last, id)
            _, since = self._kept.get(id, (version, self._clock()))
            self._kept[id] = (version, since)

    def ended(self, ids: Sequence[int], state: TrashState, moved_to: str = "") -> None:
        for id in ids:
            if id in self._kept:
                self.gone.append((self._kept.pop(id)[0], state, moved_to))

    def kept(self, ids: Sequence[int]) -> list[tuple[int, DisplacedVersion]]:
        return [(id, self._kept[id][0]) for id in dict.fromkeys(ids) if id in self._kept]

    def now(self) -> float:
        return self._clock()

    def oldest(self, after: KeptVersion | None, limit: int) -> list[KeptVersion]:
        rows = [
            KeptVersion(id, version.place, version.kind, max(0, version.size), since)
            for id, (version, since) in self._kept.items()
        ]
        rows.sort(key=lambda one: (one.since, one.id))
        if after is not None:
            rows = [one for one in rows if (one.since, one.id) > (after.since, after.id)]
        return rows[:limit]

    def unmeasured(self, limit: int) -> list[tuple[int, str]]:
        rows = [(id, one.place) for id, (one, _) in self._kept.items() if one.size < 0]
        return rows[:limit]

    def measured(self, sizes: Sequence[tuple[int, int]]) -> None:
        for id, size in sizes:
            version, since = self._kept[id]
            self._kept[id] = (version._replace(size=size), since)

    def totals(self, within: str = "") -> TrashTotals:
        versions = [one for one, _ in self._kept.values() if paths.is_inside(one.path, within)]
        sizes = [max(0, version.size) for version in versions]
        return TrashTotals(len(sizes), sum(sizes))

    def page(self, wanted: TrashFilter, before: int | None, limit: int) -> TrashPage:
        ids = sorted((id for id in self._kept if before is None or id < before), reverse=True)
        rows = [TrashRow(id, *self._kept[id]) for id in ids]
        found = [
            row
            for row in rows
            if wanted.matches(row.version.path)
            and wanted.run in ("", row.version.run)
            and row.time >= wanted.since
            and self._clock() - row.time >= wanted.older
        ]
        return TrashPage(found[:limit], found[limit - 1].id if len(found) > limit else None)

    def runs(self) -> set[str]:
        return {version.run for version, _ in self._kept.values()}

    def known(self, places: Collection[str]) -> set[str]:
        return {version.place for version, _ in self._kept.values()} & set(places)

    def is_complete(self) -> bool:
        return self._complete

    def completed(self) -> None:
        self._complete = True
