"""The owner of a folder, as a receiver sees it: a server asks its catalogue, a client looks."""

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from cargo_sync.local.publish import Published
from cargo_sync.local.space import Shortage
from cargo_sync.model.entries import Entry
from cargo_sync.model.problems import Problem
from cargo_sync.model.transfers import Offer, Receipt, Want


class OfferJudge(Protocol):
    """The decisions of an owner about what is offered."""

    def judge(self, batch: int, offers: Sequence[Offer]) -> list[Want | None]:
        """For each offer: a refusal, "none" (this content is already here), or None: needed.

        `batch` is the number of a batch that begins; `ended` is called for it, in any case.
        """

    def no_room(self, offer: Offer, shortage: Shortage) -> Problem:
        """The problem, in the owner's words, of a file for which the disk has no room."""

    def ended(self, batch: int) -> None:
        """A batch has ended: what is not recorded of it never will be. Not called under `lock`."""


class Judge(OfferJudge, Protocol):
    """The decisions of a folder's owner, who also publishes in it."""

    def expected(self, offers: Sequence[Offer]) -> list[Entry | Problem | None]:
        """For each offer, the local entry that should be at its target; None: unoccupied.

        A problem if the offer expects another entry than the owner knows. Called under `lock`.
        """

    def moving(self, folder: str, place: str) -> None:
        """A new folder is about to be replaced by one with its files, which is at `place` now.

        Called under `lock`. Then comes `moved`, and `came` at the end of the batch, or `stayed`.
        """

    def came(self, folder: str) -> None:
        """A new folder was replaced, and all of its files are recorded."""

    def stayed(self, folder: str) -> None:
        """A new folder was not replaced, or not all of its files could be recorded."""

    def moved(self, folder: str, found: os.stat_result) -> None:
        """A new folder was replaced by one with its files, which are recorded later.

        Called under `lock`.

        Args:
            folder: its path.
            found: what is there now, with a ctime of before.
        """

    def record(self, batch: int, offers: Sequence[Offer], published: Published) -> list[Receipt]:
        """Records what was published of these offers in one transaction; called under `lock`."""

    def there(self, offers: Sequence[Offer]) -> list[Receipt]:
        """The receipts of offers that were "none", if they still are; called under `lock`."""

    def occupied(self, offers: Sequence[Offer]) -> list[Problem]:
        """The problems of offers at whose places, against expectation, something is.

        Called under `lock`.
        """

    def lock(self) -> AbstractContextManager[object]:
        """Held from the check of the targets until they are replaced.

        It is held again from the check of what was published until that is recorded.
        """
