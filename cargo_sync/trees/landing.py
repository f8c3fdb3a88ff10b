"""Landing: the checks in the local folder before and after a download's files are published."""

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import repeat

from cargo_sync.local.publish import Published
from cargo_sync.local.root import Root
from cargo_sync.local.space import Shortage
from cargo_sync.local.staging_sink import LOOKED_AT
from cargo_sync.model.entries import FOLDER, Entry
from cargo_sync.model.problems import Code, Problem, changed
from cargo_sync.model.transfers import Offer, Receipt, Want


class Landing:
    """The judge of a `FolderSink` on the near side: it asks the folder, there is no catalogue."""

    def __init__(self, root: Root) -> None:
        self._root = root

    def judge(self, batch: int, offers: Sequence[Offer]) -> list[Want | None]:
        """A refusal for each file that cannot be put there; None for the others."""
        return [_refusal(offer, at) for offer, at in zip(offers, self._found(offers), strict=True)]

    def no_room(self, offer: Offer, shortage: Shortage) -> Problem:
        message = (
            f"{offer.path!r} needs {shortage.needed:,} bytes, but the disk of {self._root.path!r}"
            f" has room for {shortage.left:,}"
        )
        return Problem(Code.DISK_FULL, message, offer.path, "free some space; it is tried again")

    def expected(self, offers: Sequence[Offer]) -> list[Entry | Problem | None]:
        """The entry at each offer's place now; a problem if it is not the one in the plan."""
        return [_expected(offer, at) for offer, at in zip(offers, self._found(offers), strict=True)]

    def moving(self, folder: str, place: str) -> None:
        """A job's watch sees the folder that comes, and looks at it."""

    def came(self, folder: str) -> None:
        """Nothing was prepared."""

    def stayed(self, folder: str) -> None:
        """Nothing was prepared."""

    def ended(self, batch: int) -> None:
        """Nothing was prepared."""

    def moved(self, folder: str, found: os.stat_result) -> None:
        """The next look shows the job its new inode."""

    def record(self, batch: int, offers: Sequence[Offer], published: Published) -> list[Receipt]:
        """Returns the receipts; nothing is recorded here, because the engine does that."""
        entries, displaced = published
        places = [displaced[one.path].place if one.path in displaced else "" for one in offers]
        columns = entries.versions, entries.idents, entries.times, entries.modes, entries.hashes
        return list(map(Receipt, repeat("done"), *columns, places))

    def there(self, offers: Sequence[Offer]) -> list[Receipt]:
        """`judge` never says that a content is already here."""
        return [Receipt(Code.CHANGED, message=changed(offer.path).message) for offer in offers]

    def occupied(self, offers: Sequence[Offer]) -> list[Problem]:
        return [changed(offer.path) for offer in offers]

    def lock(self) -> AbstractContextManager[object]:
        return nullcontext()

    def _found(self, offers: Sequence[Offer]) -> list[Entry | Problem | None]:
        """What is at the offers' places; None, without a look, where nothing is expected."""
        looked = [offer for offer in offers if offer.occupant or offer.size >= LOOKED_AT]
        found = iter(self._root.entries([offer.path for offer in looked]))
        return [
            next(found) if offer.occupant or offer.size >= LOOKED_AT else None for offer in offers
        ]


def _refusal(offer: Offer, found: Entry | Problem | None) -> Want | None:
    if isinstance(found, Problem):
        return Want(found.code_text, message=str(found))
    if not _is(found, offer):
        return Want(Code.CHANGED, message=changed(offer.path).message)
    return None


def _expected(offer: Offer, found: Entry | Problem | None) -> Entry | Problem | None:
    if isinstance(found, Problem) or _is(found, offer):
        return found
    return changed(offer.path)


def _is(found: Entry | None, offer: Offer) -> bool:
    if found is None:
        return not offer.occupant
    return found.ident == offer.occupant and (
        found.kind == FOLDER or found.version == offer.expected
    )
