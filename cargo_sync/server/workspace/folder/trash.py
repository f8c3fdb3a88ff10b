"""The way back of a workspace: versions of its trash are restored.

A restored version is ordinary new content: it is recorded in the catalogue with a new version, and
clients see it in the feed. What stood at its place is looked at first, so that the catalogue and
the ledger say what it was, and goes to the trash in turn.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import chain
from typing import Final

from cargo_sync.catalogue.contract import Change
from cargo_sync.local.restoration import Restoration, record, restore
from cargo_sync.local.trash_upkeep import contents_of
from cargo_sync.machines.quota import NOTHING_USED, Use
from cargo_sync.model import paths
from cargo_sync.model.displaced import (
    DisplacedVersion,
    Restored,
    not_kept,
)
from cargo_sync.model.entries import FOLDER
from cargo_sync.model.history import ChangeCause
from cargo_sync.model.problems import Problem, ProblemError
from cargo_sync.server.workspace.folder.catalogued_folder import CataloguedFolder
from cargo_sync.server.workspace.folder.comparison import put
from cargo_sync.server.workspace.rows.way_back import promise_restored, restored_path

TOGETHER: Final = 50
"""Versions that are restored, synced and recorded while the folder is locked."""


class TrashRestorer:
    """Restores versions for a user, of what was in the folder `within`.

    `permitted` is called before each of them, and raises ProblemError if it may not be done.
    """

    def __init__(
        self,
        folder: CataloguedFolder,
        run: str,
        permitted: Callable[[], None],
        cause: ChangeCause,
        within: str = "",
    ) -> None:
        self._folder = folder
        self._run = folder.store.run(run)
        self._permitted = permitted
        self._cause = cause
        self._within = within
        self._sizes: dict[int, Use] = {}
        """How much each version is, if it must fit a quota."""
        self._promised = NOTHING_USED

    def __call__(
        self, ids: Sequence[int], to: str, under: str, inside: str
    ) -> list[Restored | Problem]:
        """One result per id, in order; each is durable.

        Args:
            ids: of the versions.
            to: a folder below which they go; "" for their own places.
            under: their paths in this folder are those below `to`.
            inside: only what has this path in the folders that the versions are; "" for all.

        Raises:
            ProblemError: `root_gone`; the disk cannot be synced, or the state not be written.
        """
        results: list[Restored | Problem] = []
        for start in range(0, len(ids), TOGETHER):
            some = ids[start : start + TOGETHER]
            folders: list[str] = []
            self._measure(some, inside)
            try:
                with self._folder.lock:
                    done = self._together(some, (to, under), inside, folders)
                results += [done.get(id) or not_kept(id) for id in some]
                while folders:  # what came with a folder is found as another program's would be
                    folder = folders.pop()
                    found = self._folder.compare(folder, lambda path, entry: True, self._cause)
                    folders += found.below
            finally:
                self._folder.quotas.end(self._promised)
                self._promised = NOTHING_USED
            self._folder.finish()
        return results

    def _measure(self, ids: Sequence[int], inside: str) -> None:
        """Measures versions that must fit a quota; without the lock, for a folder may be large."""
        self._sizes.clear()
        if not self._folder.quotas.of(self._cause.user):
            return
        root = self._folder.store.root
        for id, version in self._folder.ledger.kept(ids):
            place = paths.join(version.place, inside) if inside else version.place
            with suppress(ProblemError):  # restoring it will say why
                found = root.entry(place)
                if found is not None and found.kind == FOLDER:
                    self._sizes[id] = contents_of(root, place)
                elif found is not None:
                    self._sizes[id] = Use(found.size, 1)

    def _together(
        self, ids: Sequence[int], where: tuple[str, str], inside: str, folders: list[str]
    ) -> dict[int, Restored | Problem]:
        """Restores some; adds the folders that came with content to `folders`."""
        folder = self._folder
        folder.must_be_there()
        done: dict[int, Restoration] = {}
        problems: dict[int, Problem] = {}
        changes: dict[int, list[Change]] = {}
        for id, version in folder.ledger.kept(ids):
            if not paths.is_inside(version.path, self._within):
                continue
            try:
                self._permitted()
                target = restored_path(version.path, *where, self._within)
                done[id] = self._restore(id, version, target, inside)
            except ProblemError as error:
                problems[id] = error.problem
        folder.store.root.sync(chain.from_iterable(one.touched for one in done.values()))
        for id, one in done.items():
            seen = folder.store.root.entry(one.path)
            if seen is not None:
                changes[id] = [*folder.folders_above([one.path]), put(one.path, seen)]
                if seen.kind == FOLDER:
                    folders.append(one.path)
        with folder.ledger.together():
            recorded = {
                id: folder.catalogue.record(folder.id, some, self._cause)
                for id, some in changes.items()
            }
            record(folder.ledger, done, problems)
        for id, some in changes.items():
            folder.announce(some, recorded[id])
        versions = {id: one.versions[-1] for id, one in recorded.items()}
        restored = {
            id: Restored(id, one.path, len(one.displaced), versions.get(id, 0))
            for id, one in done.items()
        }
        return {**restored, **problems}

    def _restore(self, id: int, version: DisplacedVersion, path: str, inside: str) -> Restoration:
        held = self._folder.look(paths.join(path, inside) if inside else path)
        root = self._folder.store.root
        if id in self._sizes:
            self._promised += promise_restored(
                self._folder.quotas, self._cause.user, self._sizes[id], path, held
            )
        done = restore(root, version.place, path, self._run, self._cause.user, inside)
        if held is not None:
            # The catalogue may know the hash of what stood there.
            content = held.entry.hash
            done.displaced = [
                one._replace(hash=content) if one.path == done.path and content else one
                for one in done.displaced
            ]
        return done
