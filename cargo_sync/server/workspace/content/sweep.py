"""The sweep: contents that nothing refers to are condemned, and forgotten a day later.

Nobody counts references as they come and go. Instead all of them are looked through: the rows of
the catalogue, then what the trash keeps. Meanwhile others write, and three rules keep it true:

- Rows are looked through in the order of the feed. One that changes or moves comes again, at the
  end; what is deleted goes to the trash, which is looked through after all rows.
- What is recorded or restored meanwhile counts as referred to (`ContentTree.referred`). Other
  servers do that, too: before anything is condemned, what is new is looked through as well, in the
  turn that condemns.
- To condemn a content deletes nothing. Whoever refers to it again makes it live in the same
  transaction. It is forgotten only if it was condemned for a day, and if this sweep, too, has found
  nothing that refers to it. Then the store deletes it, unless somebody is using it.

Another server may refer to a content while this one looks, which is not in this one's `referred`:
then it is condemned although something refers to it. The next sweep sees that, and makes it live
again. So it would have to be overlooked twice, a day apart; and a store in buckets keeps it for
two weeks more.

A crash at any point leaves rows that are condemned, which the next sweep sees again, or copies
without a row, which are the store's to find.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple, Protocol

from cargo_sync.local.read import Going
from cargo_sync.machines.seen_hashes import SeenHashes
from cargo_sync.model.displaced import TrashFilter
from cargo_sync.model.entries import FILE
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.server.workspace.content.manifests import decoded
from cargo_sync.server.workspace.content.tree import ContentTree

GRACE: Final = 86_400.0
"""Seconds for which a condemned content stays."""
PAGE: Final = 1_000


class OwnedContents(Protocol):
    """The rows of contents, for a sweep (`state.blob_owners`). Any thread may call it."""

    def count(self, workspace: int) -> int:
        """How many contents a workspace has."""

    def live(self, workspace: int, after: str, limit: int) -> list[str]:
        """Up to `limit` hashes, greater than `after`, of contents that are not condemned."""

    def condemned(self, workspace: int, before: float, after: str, limit: int) -> list[str]:
        """The same of contents that were condemned by then, and nothing refers to since."""


class Swept(NamedTuple):
    """What a sweep has found: contents that were condemned, and those that the store was told of.

    One that somebody is using just then stays condemned, and is told of again.
    """

    condemned: int
    forgotten: int


class Sweep:
    """The sweeps of one workspace; one at a time. It blocks, for long if there are many files."""

    def __init__(self, tree: ContentTree, owned: OwnedContents) -> None:
        self._tree = tree
        self._owned = owned
        self._turn = 0
        self._since = 0
        """The number of the feed up to which rows were looked through."""
        self._newest = 0
        """The newest version of the trash that was looked at; older ones were, too."""
        self._manifest = 0
        """The manifest up to which all were looked at."""

    def __call__(self, going: Going) -> Swept:
        """Looks through all of it.

        Args:
            going: when it gives False, this ends; what was found so far holds.

        Raises:
            ProblemError: `stopped`; the state cannot be read or written.
        """
        tree = self._tree
        self._turn += 1
        self._since = self._newest = self._manifest = 0
        with tree.lock:
            tree.referred = set()
        seen = SeenHashes(self._owned.count(tree.id), self._turn)
        try:
            for hash in self._references(going):
                seen.add(hash)
            return Swept(self._condemn(seen, going), self._forget(seen, going))
        finally:
            with tree.lock:
                tree.referred = None

    def _references(self, going: Going) -> Iterator[str]:
        """The hashes of all that is there, and of all that the trash keeps."""
        yield from self._of_rows(going)
        yield from self._of_trash(going)

    def _of_rows(self, going: Going) -> Iterator[str]:
        tree = self._tree
        while True:
            _check(going)
            page = tree.catalogue.changes(tree.id, self._since, "", PAGE)
            for _, entry in page.rows:
                if entry is not None and entry.kind == FILE and entry.size:
                    yield entry.hash
            self._since = page.next
            if page.torn:
                tree.finish()  # rows that are not written yet come after all others
            elif not page.more:
                return

    def _of_trash(self, going: Going) -> Iterator[str]:
        tree = self._tree
        before: int | None = None
        known = newest = self._newest
        while True:
            _check(going)
            versions = tree.ledger.page(TrashFilter(), before, PAGE)
            for row in versions.rows:
                newest = max(newest, row.id)
                if row.id > known and row.version.kind == FILE and row.version.size:
                    yield row.version.hash
            before = versions.before
            if before is None or before <= known:
                break
        self._newest = newest
        while parts := tree.manifests.after(self._manifest, 1):
            _check(going)
            [(self._manifest, columns)] = parts
            for _, entry in decoded(columns):
                if entry.kind == FILE and entry.size:
                    yield entry.hash

    def _condemn(self, seen: SeenHashes, going: Going) -> int:
        tree, after, condemned = self._tree, "", 0
        while page := self._owned.live(tree.id, after, PAGE):
            _check(going)
            after = page[-1]
            if all(hash in seen for hash in page):
                continue
            for hash in self._references(going):
                seen.add(hash)
            with tree.turn():  # only what came just now is left
                for hash in self._references(going):
                    seen.add(hash)
                referred = tree.referred or ()
                lost = [hash for hash in page if hash not in seen and hash not in referred]
                if lost:
                    tree.contents.condemn(tree.id, lost, tree.lived())
            condemned += len(lost)
        return condemned

    def _forget(self, seen: SeenHashes, going: Going) -> int:
        tree, after, forgotten = self._tree, "", 0
        while True:
            _check(going)
            with tree.lock:  # nobody refers to one of them between the look and the deletion
                before = tree.lived() - GRACE
                page = self._owned.condemned(tree.id, before, after, PAGE)
                old = [hash for hash in page if hash not in seen]
                if old:
                    tree.store.forget(tree.id, old)
                if len(old) < len(page):
                    tree.contents.revive(tree.id, [hash for hash in page if hash in seen])
            if not page:
                return forgotten
            after, forgotten = page[-1], forgotten + len(old)


def _check(going: Going) -> None:
    if not going():
        raise ProblemError(Problem(Code.STOPPED, "looking for unused contents was stopped"))
