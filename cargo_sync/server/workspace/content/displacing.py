"""What changes of one request or batch displace, until they are recorded."""

from itertools import count

from cargo_sync.catalogue.contract import Catalogued
from cargo_sync.local.trash import PLACE
from cargo_sync.model import paths
from cargo_sync.model.displaced import DisplacedVersion, TrashCause
from cargo_sync.server.workspace.content.tree import ContentTree, Leaving


class Displacing:
    """Collects versions for the trash of a run. Nothing is moved: only rows name them.

    leaving  until it is recorded
    """

    def __init__(self, tree: ContentTree, run: str, user: str) -> None:
        self._tree = tree
        self._run = tree.runs.named(run)
        self._user = user
        self.leaving: list[Leaving] = []

    def add(self, path: str, held: Catalogued, cause: TrashCause) -> str:
        """What is at `path` goes to the trash; returns its place there."""
        place = self._free(paths.join(f"{PLACE}/{self._run}", path))
        version = DisplacedVersion.of(held.entry, path, place, cause, self._user)
        self.leaving.append(Leaving(version, held.entry.mode, held.entry.target))
        return place

    def taken(self) -> list[Leaving]:
        """All of it, which is about to be recorded, or given up."""
        leaving, self.leaving = self.leaving, []
        return leaving

    def _free(self, place: str) -> str:
        """A place that no version has; a run may displace a path twice."""
        own = {one.version.place for one in self.leaving}
        for number in count(2):
            if place not in own and not self._tree.ledger.known([place]):
                return place
            place = f"{place.removesuffix(f' ({number - 1})')} ({number})"
        raise AssertionError("numbers never end")
