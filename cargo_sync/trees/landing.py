"""Landing: what a download's sink asks of the local folder before and after it stages files
there."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

from cargo_sync.local.publish import Published
from cargo_sync.local.root import Root
from cargo_sync.local.space import room_for
from cargo_sync.model import paths
from cargo_sync.model.entries import FOLDER, Entry
from cargo_sync.model.problems import Code, Problem, ProblemError, changed
from cargo_sync.model.transfers import Offer, Receipt, Want


class Landing:
    """The judge of a `FolderSink` at the near side: the folder itself is asked, there is no
    catalogue."""

    def __init__(self, root: Root) -> None:
        self._root = root

    def judge(self, offers: Sequence[Offer]) -> list[Want | None]:
        """A refusal for what cannot land; None for what may come."""
        full = room_for(self._root, sum(offer.size for offer in offers))
        return [self._refusal(offer, full) for offer in offers]

    def expected(self, offers: Sequence[Offer]) -> list[Entry | Problem | None]:
        """What stands at each offer's place now; a problem when it is not what was planned for."""
        return [self._expected(offer) for offer in offers]

    def _expected(self, offer: Offer) -> Entry | Problem | None:
        try:
            found = self._root.entry(offer.path)
        except ProblemError as error:
            return error.problem
        return found if _is(found, offer) else changed(offer.path)

    def record(
        self, offers: Sequence[Offer], published: Sequence[Published | None]
    ) -> list[Receipt]:
        """Nothing is recorded here: the engine agrees on what the receipts say."""
        return [_receipt(one or Published()) for one in published]

    def lock(self) -> AbstractContextManager[object]:
        return nullcontext()

    def _refusal(self, offer: Offer, full: Problem | None) -> Want | None:
        try:
            paths.check(offer.path)
            found = self._root.entry(offer.path)
        except ProblemError as error:
            return Want(error.problem.code_text, message=str(error.problem))
        if full is not None:
            return Want(full.code_text, message=str(full))
        if not _is(found, offer):
            return Want(Code.CHANGED, message=changed(offer.path).message)
        return None


def _is(found: Entry | None, offer: Offer) -> bool:
    if found is None:
        return not offer.occupant
    return found.ident == offer.occupant and (
        found.kind == FOLDER or found.version == offer.expected
    )


def _receipt(one: Published) -> Receipt:
    if one.problem is not None or one.entry is None:
        problem = one.problem or Problem(
            Code.VANISHED, "it was taken away as soon as it was published"
        )
        return Receipt(
            problem.code_text, displaced=one.displaced, message=problem.message, retry=problem.retry
        )
    entry = one.entry
    return Receipt(
        "done", entry.version, entry.ident, entry.mtime_ns, entry.mode, entry.hash, one.displaced
    )
