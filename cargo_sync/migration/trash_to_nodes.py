"""The trash of a folder into a store: its files become contents, its folders get manifests.

Only the rows say then what a version is: its hash, and its mode and target if they are unusual.
A version that somebody has removed from the folder's trash is noted as freed.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from cargo_sync.local.read import open_file
from cargo_sync.local.root import Root
from cargo_sync.migration.sending import EMPTY, Advance, ContentSender, SendTarget
from cargo_sync.model import paths
from cargo_sync.model.displaced import DisplacedVersion, TrashState
from cargo_sync.model.entries import FILE, FOLDER, Entry
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.server.workspace.content.manifests import ManifestRows, encoded
from cargo_sync.server.workspace.content.tree import usual_mode
from cargo_sync.state.displaced import DisplacedRows

PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class TrashRows:
    """What the state has of the trash of one workspace."""

    ledger: DisplacedRows
    manifests: ManifestRows


def kept(ledger: DisplacedRows) -> Iterator[tuple[int, DisplacedVersion]]:
    """All versions in a trash, the oldest first."""
    after = None
    while page := ledger.oldest(after, PAGE):
        after = page[-1]
        yield from ledger.kept([one.id for one in page])


class SentTrash:
    """Sends the trash below a root. It may be done again: what is there already is not read."""

    def __init__(self, root: Root, rows: TrashRows, target: SendTarget) -> None:
        self._root = root
        self._rows = rows
        self._target = target

    def __call__(
        self, sender: ContentSender, advance: Advance, go_on: Callable[[], None]
    ) -> list[Problem]:
        """Sends all versions; `go_on` raises when it is to end.

        Returns:
            Why some cannot be sent.

        Raises:
            ProblemError: as `ContentSender.send`; the state cannot be written.
        """
        bad: list[Problem] = []
        for id, version in kept(self._rows.ledger):
            go_on()
            try:
                seen = self._root.entry(version.place)
                if seen is None or seen.kind != version.kind:
                    self._rows.ledger.ended([id], TrashState.FREED)
                elif seen.kind == FOLDER:
                    self._folder(sender, advance, id, version, seen)
                else:
                    self._one(sender, advance, id, version, seen)
            except ProblemError as error:
                if error.problem.code not in _ONE:
                    raise
                bad.append(error.problem)
        return bad

    def _one(
        self,
        sender: ContentSender,
        advance: Advance,
        id: int,
        version: DisplacedVersion,
        seen: Entry,
    ) -> None:
        self._keep_top(version.place, seen)
        if seen.kind != FILE:
            advance(1, 0)
            return
        hash = self._content(sender, advance, version.place, seen._replace(hash=version.hash))
        if (version.size, version.hash) != (seen.size, hash):
            self._rows.ledger.hashed(id, seen.size, hash)

    def _content(self, sender: ContentSender, advance: Advance, place: str, seen: Entry) -> str:
        """The hash of a file, whose content is sent if it is not there yet."""
        if not seen.size or (seen.hash and self._target.has([seen.hash])):
            advance(1, seen.size)
            return seen.hash or EMPTY
        return sender.send(place, seen, open_file(self._root, place, seen))

    def _folder(
        self,
        sender: ContentSender,
        advance: Advance,
        id: int,
        version: DisplacedVersion,
        seen: Entry,
    ) -> None:
        """A folder: a manifest that is there already is from an earlier try, and complete."""
        ledger, manifests = self._rows.ledger, self._rows.manifests
        if next(manifests.of(version.place), None) is not None:
            advance(1, max(0, version.size))
            return
        found = list(self._below(sender, version.place))
        sender.flush()
        with ledger.together():
            manifests.drop([version.place])
            manifests.keep(version.place, encoded(found))
            self._keep_top(version.place, seen)
            ledger.measured([(id, sum(entry.size for _, entry in found))])

    def _below(self, sender: ContentSender, place: str) -> Iterator[tuple[str, Entry]]:
        """What is in a folder, with paths in it; a folder comes before what is in it."""
        pending = [""]
        while pending:
            above = pending.pop()
            listing, _ = self._root.listing(paths.join(place, above) if above else place)
            for seen in listing:
                path = paths.join(above, seen.name)
                hash = ""
                if seen.kind == FILE:
                    where = paths.join(place, path)
                    hash = self._content(sender, lambda files, size: None, where, seen)
                elif seen.kind == FOLDER:
                    pending.append(path)
                size = seen.size if seen.kind == FILE else 0
                yield path, seen._replace(size=size, version=0, ident=0, hash=hash)

    def _keep_top(self, place: str, seen: Entry) -> None:
        if seen.target or seen.mode != usual_mode(seen.kind):
            self._rows.manifests.keep_tops([(place, seen.mode, seen.target)])


_ONE: Final = frozenset(
    {
        Code.DAMAGED,
        Code.UNREADABLE,
        Code.DISK_ERROR,
        Code.SPECIAL,
        Code.CHANGED,
    }
)
"""Codes of problems of one version."""
