"""What a user has added to a drop box: a workspace of its own in the catalogue, without a folder.

It has the names that the user gave, and what they sent. It does not follow the folder: others may
collect, rename or replace what arrived, and the user, who may not read, learns nothing of it. So a
job that has delivered a file does not deliver it again because somebody has taken it away.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Final

from cargo_sync.catalogue.contract import Catalogued, Put
from cargo_sync.catalogue.feed import ChangeFeed
from cargo_sync.machines.newest_change import Lineage
from cargo_sync.model import paths
from cargo_sync.model.entries import FOLDER, Entry
from cargo_sync.model.history import UNTOLD
from cargo_sync.server.workspace.contract import Workspace
from cargo_sync.state.drop_boxes import DropIntent, DropIntents, drop_box_root

_FOLDER_MODE: Final = 0o775


class Receipts:
    """The receipts of one user for one folder of a workspace. Several threads may use it.

    id, epoch  of the receipts' workspace in the catalogue
    lineage    of the changes from now on
    feed       of the receipts
    """

    def __init__(self, workspace: Workspace, folder: str, user: str, intents: DropIntents) -> None:
        """Opens them. Raises ProblemError: the state cannot be written."""
        self._intents = intents
        self._catalogue = workspace.catalogue
        self._wake = workspace.wake
        root = drop_box_root(user, workspace.path, folder)
        known = self._catalogue.workspace(root, workspace.token)
        self.lineage: Lineage = self._catalogue.begin(known.id, workspace.token())
        self.id = known.id
        self.epoch = known.epoch
        self.feed = ChangeFeed(self._catalogue, known.id, known.epoch)

    def add(self, arrived: Sequence[tuple[str, Entry]]) -> list[Catalogued]:
        """Notes what has arrived, by path; returns what is noted of each."""
        if not arrived:
            return []
        some = [path for path, _ in arrived]
        puts = [Put(path, entry, 0, 0) for path, entry in arrived]
        with self._intents.together():
            self._catalogue.record(self.id, [*self._above(some), *puts], UNTOLD)
            self._intents.drop(self.id, some)
        self._wake(self.id, some)
        return [held for held in self._catalogue.entries(self.id, some) if held is not None]

    def intend(self, some: Sequence[DropIntent]) -> None:
        """Notes what is about to arrive: if a kill comes before `add`, its sender may go on."""
        self._intents.add(self.id, some)

    def intended(self, path: str) -> DropIntent | None:
        """What was about to arrive there, and may have."""
        return self._intents.of(self.id, [path]).get(path)

    def gave_up(self, some: Collection[str]) -> None:
        """These did not arrive."""
        self._intents.drop(self.id, some)

    def listing(self, folder: str, after: str, limit: int) -> list[Entry] | None:
        """The receipts directly in a folder, by name; None if nothing was added there."""
        if folder:
            above = self._catalogue.entry(self.id, folder)
            if above is None or above.entry.kind != FOLDER:
                return None
        rows = self._catalogue.listing(self.id, folder, after, limit=limit)
        return [held.entry for held in rows]

    def entries(self, some: Sequence[str]) -> list[Catalogued | None]:
        """The receipts of these paths."""
        return self._catalogue.entries(self.id, some)

    def _above(self, some: Iterable[str]) -> list[Put]:
        """The folders above these paths that have no receipt yet."""
        above = sorted({one for path in some for one in paths.upwards(paths.parent(path))})
        held = self._catalogue.entries(self.id, above) if above else []
        return [
            Put(path, Entry(paths.name(path), FOLDER, mode=_FOLDER_MODE), 0, 0)
            for path, one in zip(above, held, strict=True)
            if one is None or one.entry.kind != FOLDER
        ]
