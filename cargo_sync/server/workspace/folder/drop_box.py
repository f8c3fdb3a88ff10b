"""The judge of a flow into a drop box: only what is new is wanted, and it gets a receipt."""

from collections.abc import Sequence

from cargo_sync.local.publish import Published
from cargo_sync.local.read import hash_reader, open_file
from cargo_sync.model.entries import Entry
from cargo_sync.model.history import ChangeCause
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.transfers import Offer, Receipt, Want
from cargo_sync.server.workspace.contract import Permitted
from cargo_sync.server.workspace.folder.catalogued_folder import CataloguedFolder, PathLook
from cargo_sync.server.workspace.folder.commit import WorkspaceCommit
from cargo_sync.server.workspace.incoming import Additions


class DropBoxCommit(WorkspaceCommit):
    """The judge of one flow into a drop box. One lane's thread uses it."""

    def __init__(
        self,
        folder: CataloguedFolder,
        permitted: Permitted,
        cause: ChangeCause,
        additions: Additions,
    ) -> None:
        super().__init__(folder, permitted, cause)
        self._additions = additions
        self._found: dict[str, str] = {}
        """Hashes of what had come before a kill."""

    def _judged(self, offer: Offer, look: PathLook | Problem) -> Want | None:
        if isinstance(look, Problem) or look.held is None:
            return super()._judged(offer, look)
        # Nobody else is told that the content is there already.
        if self._additions.has_come(offer, look.held.entry) and self._is_whole(offer, look):
            return Want("none")
        return Want(Code.OCCUPIED, message=str(self._additions.occupied(offer.path)))

    def _is_whole(self, offer: Offer, look: PathLook) -> bool:
        """Reads what has come. Of its content nothing may be known, and a kill may have cut it."""
        if look.seen is None or offer.target:
            return bool(offer.target)
        root, path = self._folder.store.root, offer.path
        try:
            reader = open_file(root, path, look.seen)
            found = hash_reader(reader, path, offer.size, lambda: not self._folder.closing)
        except ProblemError:
            return False
        self._found[path] = found
        return offer.hash in ("", found)

    def expected(self, offers: Sequence[Offer]) -> list[Entry | Problem | None]:
        found = super().expected(offers)
        come = [offer for offer, entry in zip(offers, found, strict=True) if entry is None]
        if come:
            self._additions.intend(come)
        return found

    def record(self, batch: int, offers: Sequence[Offer], published: Published) -> list[Receipt]:
        self._additions.coming()
        receipts = super().record(batch, offers, published)
        noted = self._additions.arrived(offers, list(published.entries))
        return [
            one._replace(version=held.entry.version, ident=held.entry.ident)
            for one, held in zip(receipts, noted, strict=True)
        ]

    def _there(self, offer: Offer) -> Receipt:
        held = self._folder.look(offer.path)
        if held is None or not self._additions.has_come(offer, held.entry):
            problem = self._additions.occupied(offer.path)
            return Receipt(problem.code_text, message=str(problem))
        entry = held.entry._replace(hash=self._found.pop(offer.path, ""))
        [noted] = self._additions.arrived([offer], [entry])
        version, ident = noted.entry.version, noted.entry.ident
        return Receipt("done", version, ident, entry.mtime_ns, entry.mode, entry.hash)

    def ended(self, batch: int) -> None:
        super().ended(batch)
        self._additions.ended()
