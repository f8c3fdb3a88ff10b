"""What a person can do with the trash of a far side: the contract of those that can be listed."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from cargo_sync.model.displaced import FreedVersions, Restored, TrashFilter, TrashRow, TrashTotals
from cargo_sync.model.problems import Problem


class FarTrashPage(NamedTuple):
    """A part of a trash, the newest rows first; `before` is where the next page begins."""

    rows: Sequence[TrashRow]
    before: int | None
    totals: TrashTotals


class FarTrash(Protocol):
    """What was displaced on the far side; paths are relative to the job's folder there.

    All calls raise ProblemError.
    """

    async def page(self, wanted: TrashFilter, before: int | None, limit: int) -> FarTrashPage:
        """Up to `limit` rows that the filter wants, of those with ids below `before`."""

    async def restore(
        self, ids: Sequence[int], to: str, run: str, inside: str = ""
    ) -> list[Restored | Problem]:
        """Restores versions; one result per id, in order.

        Args:
            ids: of the versions.
            to: a folder below which they go; "" for their own places.
            run: names the folder of the trash for what stands there.
            inside: only what has this path in the folders that the versions are; "" for all.
        """

    async def free(self, ids: Sequence[int]) -> FreedVersions:
        """Removes versions from the trash for good; returns how much that was."""

    async def free_older(self, seconds: int) -> FreedVersions:
        """As `free`, for what has been there for so long; `more` if that is much."""
