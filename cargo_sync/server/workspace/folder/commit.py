"""Offers of a flow, checked and recorded: the folder's side of a FolderSink and a FolderSource.

An offer names the version that its sender saw at the path, 0 for none. It is compared with the
folder twice: before anything is sent, and when the file is replaced.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Final

from cargo_sync.catalogue.contract import Catalogued, CataloguedFile, Put, PutColumns
from cargo_sync.local.listing import inode
from cargo_sync.local.publish import Aside, Published
from cargo_sync.local.read import FileState
from cargo_sync.local.space import Shortage
from cargo_sync.local.staging_sink import LOOKED_AT
from cargo_sync.model import paths
from cargo_sync.model.displaced import DisplacedVersion, TrashCause
from cargo_sync.model.entries import DAMAGED, FOLDER, Entry
from cargo_sync.model.history import ChangeCause
from cargo_sync.model.problems import Code, Problem, ProblemError, damaged_there
from cargo_sync.model.problems import changed as changed_since
from cargo_sync.model.slices import path_cost, slices
from cargo_sync.model.transfers import Offer, Receipt, Want, rows
from cargo_sync.server.workspace.folder.catalogued_folder import (
    NOTHING,
    CataloguedFolder,
    PathLook,
)
from cargo_sync.server.workspace.folder.comparison import put
from cargo_sync.server.workspace.promises import Promises
from cargo_sync.server.workspace.refusals import changed, no_room
from cargo_sync.server.workspace.rows.offers import is_offered, version_of

LOOKS: Final = 500
"""Paths that are looked at while the folder is locked, fewer of those deep down."""


class WorkspaceCommit:
    """The Judge of one flow of a user (local.sink). One lane's thread uses it.

    `permitted` is called before a batch is published; it raises ProblemError when the flow's user
    may not write any more. How long a batch took is counted from the one before.
    """

    def __init__(
        self, folder: CataloguedFolder, permitted: Callable[[], None], cause: ChangeCause
    ) -> None:
        self._folder = folder
        self._permitted = permitted
        self._cause = cause
        self._recorded_at = folder.steady()
        self._stood: dict[str, Catalogued | None] = {}
        """What `expected` found at the paths of the batch that is being committed."""
        self._placing: list[str] = []
        """The files of this batch that are being moved into place."""
        self._moved: dict[str, Put] = {}
        """Folders of this batch that have another inode now, by path."""
        self._promises = Promises(folder.quotas, cause.user, folder.lock)

    def judge(self, batch: int, offers: Sequence[Offer]) -> list[Want | None]:
        wants, stands = self._judge(offers)
        self._promises.make(batch, offers, wants, stands)
        return wants

    def _judge(
        self, offers: Sequence[Offer]
    ) -> tuple[list[Want | None], Sequence[Catalogued | None]]:
        """The verdicts without the quota, and what stands at the places; () for nothing."""
        self._stood.clear()  # of files that failed
        self._moved.clear()
        if _are_unlooked(offers):
            folder = self._folder
            folder.must_be_there()
            if not any(folder.catalogue.entries(folder.id, [offer.path for offer in offers])):
                return [None] * len(offers), ()
        looks: list[PathLook | Problem] = []
        unlooked = _unlooked(offers)
        for some in slices([offer.path for offer in offers], path_cost, LOOKS):
            with self._folder.looking(*some):
                looks += self._folder.look_at_all(some, unlooked)
        wants = [
            None if look is NOTHING and not offer.expected else self._judged(offer, look)
            for offer, look in zip(offers, looks, strict=True)
        ]
        return wants, [None if isinstance(look, Problem) else look.held for look in looks]

    def _judged(self, offer: Offer, look: PathLook | Problem) -> Want | None:
        if isinstance(look, Problem):
            return Want(look.code_text, message=str(look))
        if look.held is not None and is_offered(look.held.entry, offer):
            return Want("none")
        if version_of(look.held) != offer.expected:
            return Want(Code.CHANGED, message=str(changed(offer.path)))
        return None

    def no_room(self, offer: Offer, shortage: Shortage) -> Problem:
        return no_room(offer)

    def expected(self, offers: Sequence[Offer]) -> list[Entry | Problem | None]:
        try:
            self._permitted()
        except ProblemError as error:
            return [error.problem] * len(offers)
        some = [offer.path for offer in offers]
        self._placing += some
        self._folder.arriving.add(*some)
        if _are_unlooked(offers):
            self._folder.must_be_there()
            return [None] * len(offers)
        looked = [offer.path for offer in offers if not _is_unlooked(offer)]
        looks = iter(self._folder.look_at_all(looked))
        return [
            None if _is_unlooked(offer) else self._expected(offer, next(looks)) for offer in offers
        ]

    def _expected(self, offer: Offer, look: PathLook | Problem) -> Entry | Problem | None:
        if isinstance(look, Problem):
            return look
        if version_of(look.held) != offer.expected:
            return changed(offer.path).problem
        self._stood[offer.path] = look.held
        return look.seen

    def moving(self, folder: str, place: str) -> None:
        here = self._folder
        here.arriving.add(folder)
        if here.arrivals is None or here.catalogue.stats(here.id, folder, limit=1):
            return  # what is recorded in the empty folder is gone: it must be looked through
        here.arrivals.comes(folder, place)

    def came(self, folder: str) -> None:
        self._folder.arriving.end(folder)

    def stayed(self, folder: str) -> None:
        self._folder.arriving.end(folder)
        if (arrivals := self._folder.arrivals) is not None:
            arrivals.look_at(folder)

    def ended(self, batch: int) -> None:
        self._promises.end(batch)
        self._folder.arriving.end(*self._placing)
        self._placing.clear()

    def moved(self, folder: str, found: os.stat_result) -> None:
        entry = Entry(paths.name(folder), FOLDER, mode=found.st_mode & 0o7777, ident=inode(found))
        self._moved[folder] = put(folder, entry)

    def record(self, batch: int, offers: Sequence[Offer], published: Published) -> list[Receipt]:
        folder, count = self._folder, len(offers)
        some = [offer.path for offer in offers]
        entries, displaced = published
        fresh = list(map(_is_unlooked, offers))
        puts = PutColumns(some, entries, entries.versions, entries.idents, fresh)
        above = self._folders(some)
        gone = self._displaced(some, displaced) if displaced else ()
        before, self._recorded_at = self._recorded_at, folder.steady()
        cause = self._cause._replace(seconds=self._recorded_at - before)
        recorded = folder.record([*above, puts], gone, cause)
        versions = recorded.versions[len(above) :]
        self._promises.came([batch], recorded.grown)
        idents, places = versions, [""] * count
        if self._stood:
            idents = list(map(self._ident, some, entries.kinds, versions))
        if displaced:
            places = [displaced[path].place if path in displaced else "" for path in some]
        columns = (
            ["done"] * count, versions, idents, entries.times, entries.modes, entries.hashes,
            places, [""] * count, [True] * count,
        )  # fmt: skip
        return rows(Receipt, columns)

    def _displaced(
        self, some: Sequence[str], displaced: Mapping[str, Aside]
    ) -> list[DisplacedVersion]:
        """The versions that published files have displaced.

        One that changed just before that is what lies in the trash, not what was recorded.
        """
        versions = []
        for path in some:
            if (aside := displaced.get(path)) is None:
                continue
            held = None if aside.drifted else self._stood.get(path)
            entry = held.entry if held else self._folder.store.root.entry(aside.place)
            if entry is not None:
                cause = TrashCause.OVERWRITTEN
                user = self._cause.user
                versions.append(DisplacedVersion.of(entry, path, aside.place, cause, user))
        return versions

    def _folders(self, some: Sequence[str]) -> Sequence[Put]:
        """The folders above these paths that must be recorded with them.

        One that was moved is recorded with its first file: without one it may be gone again.
        """
        if not self._moved:
            return self._folder.folders_above(some)
        places = self._moved.keys() & {path.rpartition("/")[0] for path in some}
        moved = [self._moved.pop(path) for path in places]
        above = self._folder.folders_above([*places, *some], places)
        # A folder comes before those in it.
        return sorted([*above, *moved], key=lambda change: change.path)

    def _ident(self, path: str, kind: str, version: int) -> int:
        """The id of a published entry: that of what it replaced, if it was of its kind."""
        held = self._stood.pop(path, None)
        return held.entry.ident if held and held.entry.kind == kind else version

    def occupied(self, offers: Sequence[Offer]) -> list[Problem]:
        # What other programs put there becomes a version, which the client's next look shows.
        looks = self._folder.look_at_all([offer.path for offer in offers])
        return [
            look if isinstance(look, Problem) else changed(offer.path).problem
            for offer, look in zip(offers, looks, strict=True)
        ]

    def lock(self) -> AbstractContextManager[object]:
        return self._folder.lock

    def there(self, offers: Sequence[Offer]) -> list[Receipt]:
        return list(map(self._there, offers))

    def _there(self, offer: Offer) -> Receipt:
        """The receipt of content that did not have to be sent, if it is still there."""
        try:
            held = self._folder.look(offer.path)
            if held is None or not is_offered(held.entry, offer):
                raise changed(offer.path)
        except ProblemError as error:
            problem = error.problem
            return Receipt(problem.code_text, message=str(problem), retry=problem.retry)
        entry = held.entry
        return Receipt("done", entry.version, entry.ident, entry.mtime_ns, entry.mode, entry.hash)


def _unlooked(offers: Sequence[Offer]) -> set[str]:
    return {offer.path for offer in offers if _is_unlooked(offer)}


def _are_unlooked(offers: Sequence[Offer]) -> bool:
    """Whether the place of none of them needs a look."""
    if not offers:
        return True
    _, sizes, _, _, _, _, _, expected, *_ = zip(*offers, strict=True)
    return not any(expected) and max(sizes) < LOOKED_AT


def _is_unlooked(offer: Offer) -> bool:
    """Whether its place needs no look: nothing is expected there, and little is sent in vain."""
    return not offer.expected and offer.size < LOOKED_AT


def expect(folder: CataloguedFolder, offers: Sequence[Offer]) -> list[FileState | Problem]:
    """The folder's files of the versions in the offers.

    Returns:
        For each offer, the file; or `changed` if there is another version by now, `bad_path`,
        `damaged`.
    """
    some = [offer.path for offer in offers]
    refused = [None] * len(some) if paths.are_usable(some) else list(map(paths.refusal, some))
    asked = [path for path, problem in zip(some, refused, strict=True) if problem is None]
    held = iter(folder.catalogue.files(folder.id, asked))
    return [
        problem or _held_file(offer, next(held))
        for offer, problem in zip(offers, refused, strict=True)
    ]


def _held_file(offer: Offer, held: CataloguedFile | None) -> FileState | Problem:
    if held is None or held.version != offer.version or held.ident != offer.ident:
        return changed_since(offer.path)
    if held.hash == DAMAGED:
        return damaged_there(offer.path)
    return held[3:]
