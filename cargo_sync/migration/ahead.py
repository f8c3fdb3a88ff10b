"""What can be moved while the workspace is served: most of it. The last look is for the rest.

A round only reads the old place, and only adds to the new one. Of the catalogue's rows it notes
hashes, ctimes and inodes, and these only if the row is as it was read: that gives no row another
version. What changes meanwhile is found by the next round, or by the last look, for which the
server is stopped.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from cargo_sync.catalogue.contract import Catalogued
from cargo_sync.local.read import Going, open_file
from cargo_sync.local.root import Root
from cargo_sync.migration.contents import StoredRows
from cargo_sync.migration.parts import MovingState
from cargo_sync.migration.placing import ContentReads
from cargo_sync.migration.progress import MoveProgress, Phase
from cargo_sync.migration.sending import ContentSender, SendTarget, stopped
from cargo_sync.migration.to_folder import MoveToFolder, StoredSource
from cargo_sync.migration.to_nodes import pages
from cargo_sync.migration.trash_to_nodes import kept
from cargo_sync.model.entries import DAMAGED, FILE
from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.stores.contract import ContentStore
from cargo_sync.stores.folder import FolderStore

_LATER: Final = frozenset(
    {
        Code.CHANGED,
        Code.VANISHED,
        Code.NOT_A_FOLDER,
        Code.SYMLINK,
        Code.DAMAGED,
        Code.UNREADABLE,
        Code.DISK_ERROR,
        Code.SPECIAL,
    }
)
"""Codes of one file: it is found as it is then, or named, by the last look."""


class SentAhead(NamedTuple):
    """What a round has done: so many files were not there before."""

    sent: int


class MoveAhead:
    """Rounds of one move. They block, and may be done again at any time."""

    def __init__(
        self, server: MovingState, workspace: int, going: Going, progress: MoveProgress
    ) -> None:
        """`workspace` is its id."""
        self._server = server
        self._workspace = workspace
        self._going = going
        self._progress = progress

    def to_store(self, store: ContentStore, *, folder: Root, rows: StoredRows) -> SentAhead:
        """Sends what is in a folder, and files of its trash whose hashes are known.

        Raises:
            ProblemError: `stopped`; the folder cannot be read, or the store not be used.
        """
        target = SendTarget(store, rows, self._workspace)
        catalogue, ledger = self._server.catalogue, self._server.ledger(self._workspace)
        use, trash = catalogue.use(self._workspace), ledger.totals()
        self._progress.phase(Phase.SENDING, (use.files + trash.files, use.bytes + trash.bytes))
        sender = ContentSender(target, self._going, self._progress.advance)
        try:
            for some in pages(catalogue.listing, self._workspace):
                self._send_page(sender, target, folder, some)
            for _, version in kept(ledger):
                self._must_go_on()
                if version.kind != FILE or not version.hash or target.has([version.hash]):
                    continue
                try:
                    seen = folder.entry(version.place)
                    if seen is not None and seen.kind == FILE and seen.size:
                        reader = open_file(folder, version.place, seen)
                        sender.send(version.place, seen._replace(hash=version.hash), reader)
                except ProblemError as error:
                    if error.problem.code not in _LATER:
                        raise
            sender.flush()
            return SentAhead(sender.sent)
        finally:
            sender.close()

    def to_folder(self, store: ContentStore, *, into: FolderStore) -> SentAhead:
        """Writes what is in a store into a new folder.

        Raises:
            ProblemError: `stopped`; a content cannot be had, or the folder not be written.
        """
        server = self._server
        contents = ContentReads(store, self._workspace)
        turn = server.database.transaction
        trash = server.trash(self._workspace)
        source = StoredSource(server.catalogue, trash, contents, turn)
        return SentAhead(MoveToFolder(source, into, self._going, self._progress).ahead())

    def _send_page(
        self,
        sender: ContentSender,
        target: SendTarget,
        folder: Root,
        some: Sequence[tuple[str, Catalogued]],
    ) -> None:
        known = [one.entry.hash for _, one in some if one.entry.hash not in ("", DAMAGED)]
        there, found = target.has(known), list[tuple[str, int, str]]()
        for path, held in some:
            self._must_go_on()
            entry = held.entry
            if not entry.size or entry.hash in there or entry.hash == DAMAGED:
                self._progress.advance(1, entry.size)
                continue
            seen = entry._replace(version=held.ctime_ns, ident=held.inode)
            try:
                hash = sender.send(path, seen, open_file(folder, path, seen))
            except ProblemError as error:
                if error.problem.code not in _LATER:
                    raise
                continue
            if not entry.hash:
                found.append((path, entry.version, hash))
        if found:
            with self._server.database.transaction(self._workspace):
                for row in found:
                    self._server.catalogue.set_hash(self._workspace, *row)

    def _must_go_on(self) -> None:
        if not self._going():
            raise stopped()
