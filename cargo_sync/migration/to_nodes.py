"""From a folder into a store: what the folder holds, round by round, until nothing is left to send.

The folder stays the truth until the end. So each round first looks what other programs have changed
in it, then sends what is not safe in the store. A round that had nothing to send is the last one:
then each content that the catalogue and the trash name is there. No row gets another version.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from cargo_sync.catalogue.contract import Catalogued
from cargo_sync.local.read import Going, open_file
from cargo_sync.migration.progress import MoveProgress, Phase
from cargo_sync.migration.sending import EMPTY, ContentSender, SendTarget, stopped
from cargo_sync.migration.trash_to_nodes import SentTrash, TrashRows
from cargo_sync.model import paths
from cargo_sync.model.entries import DAMAGED, FILE, FOLDER
from cargo_sync.model.problems import Code, Problem, ProblemError, damaged_there
from cargo_sync.server.workspace.folder.catalogued_folder import CataloguedFolder
from cargo_sync.server.workspace.folder.workspace import FolderWorkspace

PAGE: Final = 2_000
ROUNDS: Final = 10
"""If other programs still change files after so many, they must be stopped."""
_AGAIN: Final = frozenset({Code.CHANGED, Code.VANISHED, Code.NOT_A_FOLDER, Code.SYMLINK})
"""Codes of a file that the next round finds as it is then."""


@dataclass(frozen=True, slots=True)
class MovingFolder:
    """The workspace that moves. Nobody else serves it.

    trash  what is written of its trash
    """

    folder: CataloguedFolder
    workspace: FolderWorkspace
    trash: TrashRows


class MoveToNodes:
    """Sends all contents of a folder. It blocks; it may be done again at any time."""

    def __init__(
        self, source: MovingFolder, target: SendTarget, going: Going, progress: MoveProgress
    ) -> None:
        self._source = source
        self._target = target
        self._going = going
        self._progress = progress
        self._bad: list[Problem] = []

    def __call__(self) -> None:
        """Sends until nothing is left to send.

        Raises:
            ProblemError: `stopped`; files are damaged or cannot be read (all of them are named);
                other programs do not stop to change files.
        """
        for number in range(ROUNDS):
            self._progress.phase(Phase.LOOKING)
            self._scan()
            self._progress.phase(Phase.CHECKING if number else Phase.SENDING, self._all())
            again = self._send()
            if self._bad:
                raise ProblemError(not_sent(self._bad))
            if not again:
                return
        message = "other programs change files in the folder all the time"
        hint = "stop them, then give the same command: it goes on where it was"
        raise ProblemError(Problem(Code.CHANGED, message, hint=hint))

    def _all(self) -> tuple[int, int]:
        """Files and bytes of the workspace, with its trash."""
        folder = self._source.folder
        use, trash = folder.catalogue.use(folder.id), self._source.trash.ledger.totals()
        return use.files + trash.files, use.bytes + trash.bytes

    def _scan(self) -> None:
        """Records what other programs have changed."""
        workspace, pending = self._source.workspace, [""]
        while pending:
            self._must_go_on()
            pending += workspace.compare(pending.pop(), lambda path, entry: True).below
            workspace.finish()
        workspace.verify()

    def _send(self) -> bool:
        """Sends what is missing; whether there was something, or something has changed."""
        again = False
        sender = ContentSender(self._target, self._going, self._progress.advance)
        try:
            for some in self._pages():
                again = self._send_page(sender, some) or again
            trash = SentTrash(self._source.folder.store.root, self._source.trash, self._target)
            self._bad += trash(sender, self._progress.advance, self._must_go_on)
            sender.flush()
            return again or sender.sent > 0
        finally:
            sender.close()

    def _send_page(self, sender: ContentSender, some: Sequence[tuple[str, Catalogued]]) -> bool:
        """Sends some files; whether one of them has changed."""
        folder, again = self._source.folder, False
        there = self._target.has([one.entry.hash for _, one in some if _is_hash(one.entry.hash)])
        for path, held in some:
            self._must_go_on()
            entry = held.entry
            if not entry.size or entry.hash in there:
                if not entry.hash:
                    folder.catalogue.set_hash(folder.id, path, entry.version, EMPTY)
                self._progress.advance(1, entry.size)
                continue
            try:
                self._send_file(sender, path, held)
            except ProblemError as error:
                if error.problem.code not in _ONE:
                    raise
                if error.problem.code in _AGAIN:
                    again = True
                else:
                    self._bad.append(error.problem)
        return again

    def _send_file(self, sender: ContentSender, path: str, held: Catalogued) -> None:
        folder, entry = self._source.folder, held.entry
        if entry.hash == DAMAGED:
            raise ProblemError(damaged_there(path))
        seen = entry._replace(version=held.ctime_ns, ident=held.inode)
        hash = sender.send(path, seen, open_file(folder.store.root, path, seen))
        if not entry.hash:
            folder.catalogue.set_hash(folder.id, path, entry.version, hash)

    def _pages(self) -> Iterator[list[tuple[str, Catalogued]]]:
        """All files of the catalogue, some at a time."""
        return pages(self._source.folder.catalogue.listing, self._source.folder.id)

    def _must_go_on(self) -> None:
        if not self._going():
            raise stopped()


Listing = Callable[[int, str, str, str, int], list[Catalogued]]
"""Lists a folder of a workspace, as the catalogue does."""


def pages(listing: Listing, workspace: int) -> Iterator[list[tuple[str, Catalogued]]]:
    """All files of a workspace by path, up to `PAGE` at a time; folders are gone through."""
    pending = [""]
    while pending:
        folder, after = pending.pop(), ""
        while found := listing(workspace, folder, after, "", PAGE):
            after = found[-1].entry.name
            some = [(paths.join(folder, one.entry.name), one) for one in found]
            pending += [path for path, one in some if one.entry.kind == FOLDER]
            yield [(path, one) for path, one in some if one.entry.kind == FILE]


_ONE: Final = _AGAIN | {
    Code.DAMAGED,
    Code.UNREADABLE,
    Code.DISK_ERROR,
    Code.SPECIAL,
}
"""Codes of problems of one file: the others are looked at, too, so that all are told at once."""


def not_sent(bad: Sequence[Problem]) -> Problem:
    """Files that cannot be moved, named."""
    if len(bad) == 1:
        return bad[0]
    named = "; ".join(str(one) for one in bad[:20])
    more = f"; and {len(bad) - 20:,} more" if len(bad) > 20 else ""
    message = f"{len(bad):,} files cannot be moved: {named}{more}"
    return Problem(bad[0].code, message, hint="everything else is there; then give it again")


def _is_hash(text: str) -> bool:
    return bool(text) and text != DAMAGED
