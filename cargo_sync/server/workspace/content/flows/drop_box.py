"""The commit of a flow into a drop box: only what is new is wanted, and it gets a receipt."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from cargo_sync.catalogue.contract import Catalogued
from cargo_sync.model.entries import EntryColumns
from cargo_sync.model.history import ChangeCause
from cargo_sync.model.problems import Code
from cargo_sync.model.transfers import Offer, Receipt, Want
from cargo_sync.server.workspace.content.flows.commit import ContentCommit
from cargo_sync.server.workspace.content.tree import ContentTree
from cargo_sync.server.workspace.incoming import Additions


class BoxCommit(ContentCommit):
    """The decisions about one flow into a drop box. One lane's thread uses it."""

    joins = False

    def __init__(
        self,
        tree: ContentTree,
        run: str,
        permitted: Callable[[], None],
        cause: ChangeCause,
        additions: Additions,
    ) -> None:
        super().__init__(tree, run, permitted, cause)
        self._additions = additions

    def _judged(self, offer: Offer, held: Catalogued | None) -> Want | None:
        if held is None:
            return super()._judged(offer, held)
        # Nobody else is told that the content is there already.
        if self._has_come(offer, held):
            return Want("none")
        return Want(Code.OCCUPIED, message=str(self._additions.occupied(offer.path)))

    def _has_come(self, offer: Offer, held: Catalogued) -> bool:
        """Whether an entry is what came from this sender just before a kill."""
        if not self._additions.has_come(offer, held.entry):
            return False
        return bool(offer.target) or offer.hash in ("", held.entry.hash)

    def ended(self, batch: int) -> None:
        super().ended(batch)
        self._additions.ended()

    def _turn(self) -> AbstractContextManager[None]:
        return self._tree.turn(alone=True)  # its receipts are in a workspace of their own

    def _coming(self, offers: Sequence[Offer]) -> None:
        self._additions.intend(offers)
        self._additions.coming()

    def _arrived(
        self, offers: Sequence[Offer], there: EntryColumns, receipts: dict[int, Receipt]
    ) -> dict[int, Receipt]:
        noted = self._additions.arrived(offers, list(there))
        return {
            index: receipt._replace(version=held.entry.version, ident=held.entry.ident)
            for (index, receipt), held in zip(receipts.items(), noted, strict=True)
        }

    def _there(self, offer: Offer) -> Receipt:
        held = self._tree.look(offer.path)
        if held is None or not self._has_come(offer, held):
            problem = self._additions.occupied(offer.path)
            return Receipt(problem.code_text, message=str(problem))
        entry = held.entry
        [noted] = self._additions.arrived([offer], [entry])
        version, ident = noted.entry.version, noted.entry.ident
        return Receipt("done", version, ident, entry.mtime_ns, entry.mode, entry.hash)
