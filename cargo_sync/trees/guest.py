"""A local folder that a get or a put uses as a guest: it may have an owner (a job) or none.

A guest takes no lock and leaves no marker. Files are staged in `.cargo_sync/staging` of the folder
itself, or of a root above it that belongs to a job or a server, so that no job sees an incomplete
file. When the last guest leaves, `.cargo_sync` is removed, unless it is not empty or has an owner.
"""

import os
import threading
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from operator import attrgetter
from typing import Final

from cargo_sync.lanes.ports import Sink, Source
from cargo_sync.local import staging, trash
from cargo_sync.local.ages import AgeStore
from cargo_sync.local.parts import CheckpointStore
from cargo_sync.local.read import (
    FileReader,
    FolderSource,
    hash_reader,
    match_reader,
    open_file,
)
from cargo_sync.local.root import Root, above, may_keep_ours
from cargo_sync.local.sink import FolderSink
from cargo_sync.local.space import SpaceLedger
from cargo_sync.local.staging import Staging
from cargo_sync.model import paths
from cargo_sync.model.abilities import CARGO, Abilities
from cargo_sync.model.entries import FOLDER, Entry, Listing
from cargo_sync.model.known_hashes import KnownHash, Matched
from cargo_sync.model.paths import RESERVED
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.world import T, Ts, World
from cargo_sync.trees.landing import Landing
from cargo_sync.trees.placed import PlacedSink, PlacedSource, below
from cargo_sync.trees.visit import VisitPage

_OWNED: Final = frozenset({"marker", "lock"})
"""Files of an owner below `.cargo_sync`."""


class Guests:
    """Counts the guests per folder, so that the last one cleans up. Several threads may use it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count: Counter[str] = Counter()

    def enter(self, root: Root) -> None:
        with self._lock:
            self._count[root.identity] += 1

    def leave(self, root: Root) -> None:
        """Cleans up if there is no other guest."""
        with self._lock:
            self._count[root.identity] -= 1
            if self._count[root.identity] <= 0:
                del self._count[root.identity]
                tidy(root)


class GuestFolder:
    """One folder, for one get or put.

    path   absolute
    alone  for one file: its name here, which may differ from the other side; None for a folder
    """

    def __init__(
        self,
        path: str,
        world: World,
        checkpoints: CheckpointStore,
        space: SpaceLedger,
        ages: AgeStore,
        guests: Guests,
        alone: str | None = None,
    ) -> None:
        self.path = path
        self._alone = alone
        self._world = world
        self._checkpoints = checkpoints
        self._space = space
        self._ages = ages
        self._guests = guests
        self._place = below("")
        self._root: Root | None = None
        self._staging: Staging | None = None
        self._listed: tuple[str, Listing, tuple[Problem, ...]] | None = None
        self._lock = threading.Lock()
        """Held in threads, so that the folder is not closed during a call that was cancelled."""

    @property
    def root(self) -> str:
        """The folder that has the staging; "" if nothing is staged."""
        return self._opened.path if self._staging is not None else ""

    @property
    def abilities(self) -> Abilities:
        return CARGO

    async def open(self) -> None:
        """Opens it for reading. Raises ProblemError if it does not exist."""
        await self._do(self._open)

    async def open_for_arrivals(self, owned: Sequence[str]) -> None:
        """Opens it for writing; missing folders are made.

        Args:
            owned: the roots of jobs.

        Raises:
            ProblemError: it cannot be made or opened.
        """
        await self._do(self._open_for_arrivals, owned)

    async def close(self) -> None:
        await self._do(self._close)

    def source(self) -> Source:
        return PlacedSource(FolderSource(self._opened), self._place)

    def sink(self, run: str) -> Sink:
        assert self._staging is not None, "it was opened for reading"
        return PlacedSink(FolderSink(self._staging, Landing(self._opened), run), self._place)

    def whole(self, path: str) -> str:
        """The absolute path here of the other side's `path`."""
        return os.path.join(self._opened.path, self._place(path))

    # -- Visited -----------------------------------------------------------------------------------

    async def page(self, folder: str, after: str, limit: int) -> VisitPage:
        return await self._do(self._page, folder, after, limit)

    async def stand(self, folder: str, names: Sequence[str]) -> dict[str, Entry | Problem]:
        return await self._do(self._stand, folder, names)

    async def make(
        self, folders: Sequence[tuple[str, int | None]], run: str
    ) -> list[Problem | None]:
        return await self._do(self._make, folders)

    async def hashes(self, items: Sequence[tuple[str, Entry]]) -> list[str | Problem]:
        return [await self._world.offload(self._hash, path, entry) for path, entry in items]

    async def matches(
        self, items: Sequence[tuple[str, Entry, KnownHash]]
    ) -> list[Matched | Problem]:
        return [await self._world.offload(self._match, *item) for item in items]

    async def _do(self, work: Callable[[*Ts], T], *args: *Ts) -> T:
        return await self._world.offload(self._locked, work, *args)

    # -- in a thread -------------------------------------------------------------------------------

    def _locked(self, work: Callable[[*Ts], T], *args: *Ts) -> T:
        with self._lock:
            return work(*args)

    @property
    def _opened(self) -> Root:
        if self._root is None:
            raise ProblemError(Problem(Code.NOT_OPEN, f"the folder {self.path!r} is not open"))
        return self._root

    def _open(self) -> None:
        self._root = Root.open(os.path.realpath(self.path))
        if self._alone is not None:
            alone = self._alone
            self._place = lambda path: alone

    def _open_for_arrivals(self, owned: Sequence[str]) -> None:
        made_folder(self.path)
        real = os.path.realpath(self.path)
        root = self._root = Root.open(keeper(real, owned))
        try:
            self._guests.enter(root)
            guest = self._world.token()[:8]
            self._staging = Staging(root, self._checkpoints, self._space, guest)
            self._staging.sweep(self._ages, 0.0)  # files of guests of earlier days
        except BaseException:
            self._close()
            raise
        prefix = "" if root.path == real else os.path.relpath(real, root.path)
        self._place = below(prefix)
        if self._alone is not None:
            alone = paths.join(prefix, self._alone)
            self._place = lambda path: alone

    def _close(self) -> None:
        root, self._root = self._root, None
        if root is None:
            return
        if self._staging is not None:
            self._staging.close()
            self._guests.leave(root)
        root.close()

    def _page(self, folder: str, after: str, limit: int) -> VisitPage:
        listed = self._listed
        if not after or listed is None or listed[0] != folder:
            listed = self._listed = (
                folder,
                *self._opened.listing(self._place(folder) if folder else ""),
            )
        _, listing, problems = listed
        start = bisect_right(listing, after, key=attrgetter("name"))
        shown = listing[start : start + limit]
        further = shown[-1].name if start + limit < len(listing) else None
        if further is None:
            self._listed = None
        return VisitPage(shown, further, () if after else problems)

    def _stand(self, folder: str, names: Sequence[str]) -> dict[str, Entry | Problem]:
        standing: dict[str, Entry | Problem] = {}
        for name in names:
            try:
                found = self._opened.entry(self._place(paths.join(folder, name)))
            except ProblemError as error:
                standing[name] = error.problem
            else:
                if found is not None:
                    standing[name] = found._replace(name=name)
        return standing

    def _make(self, folders: Sequence[tuple[str, int | None]]) -> list[Problem | None]:
        touched: set[str] = set()
        results = [self._make_one(path, mode, touched) for path, mode in folders]
        self._opened.sync(touched, whole=len(touched) > len(folders))
        return results

    def _make_one(self, path: str, mode: int | None, touched: set[str]) -> Problem | None:
        place = self._place(path)
        try:
            paths.check(place)
            found = self._opened.entry(place)
            if found is not None and found.kind != FOLDER:
                message = f"{self.whole(path)!r} is a file where a folder is needed"
                return Problem(Code.NOT_A_FOLDER, message, path, retry=False)
            if found is None:
                made = self._opened.make_folder(place, mode)
                touched.update((*made, *above(made)))
        except ProblemError as error:
            return error.problem
        return None

    def _hash(self, path: str, entry: Entry) -> str | Problem:
        try:
            return hash_reader(self._reader(path, entry), path, entry.size, self._goes_on)
        except ProblemError as error:
            return error.problem

    def _match(self, path: str, entry: Entry, known: KnownHash) -> Matched | Problem:
        try:
            reader = self._reader(path, entry)
            return match_reader(reader, path, entry.size, known, self._goes_on)
        except ProblemError as error:
            return error.problem

    def _reader(self, path: str, entry: Entry) -> FileReader:
        with self._lock:
            return open_file(self._opened, self._place(path), entry)

    def _goes_on(self) -> bool:
        return self._root is not None


def made_folder(path: str) -> None:
    """Makes a folder and the missing folders above it, durably. Raises ProblemError."""
    there = path
    while not os.path.lexists(there):
        there = os.path.dirname(there)
    if there != path or not os.path.isdir(path):
        root = Root.open(there)
        try:
            root.sync(above(root.make_folder(os.path.relpath(path, there))))
        finally:
            root.close()


def keeper(folder: str, owned: Iterable[str]) -> str:
    """The folder that has the staging for `folder`: an owner's root at or above it, else itself.

    Args:
        folder: a real path.
        owned: the roots of jobs; they may have no marker.
    """
    roots = {os.path.realpath(root) for root in owned}
    device = os.stat(folder).st_dev
    at = folder
    while True:
        with suppress(OSError):
            if os.stat(at).st_dev != device:
                return folder
            if at in roots or (
                os.path.lexists(os.path.join(at, RESERVED, "marker")) and _is_safe(at)
            ):
                return at
        if at == os.path.dirname(at):
            return folder
        at = os.path.dirname(at)


def abandon(folder: str, transfer: str) -> None:
    """Removes the staged part of a transfer that is not resumed any more, then cleans up."""
    with suppress(ProblemError):
        root = Root.open(folder)
        try:
            with suppress(OSError, ProblemError), root.folder(staging.PLACE) as place:
                root.system.unlink(place.fd, staging.part_name(transfer, guest=True))
            tidy(root)
        finally:
            root.close()


def tidy(root: Root) -> None:
    """Removes `.cargo_sync` as far as it is empty, unless it has an owner."""
    with suppress(OSError, ProblemError):
        with root.folder(RESERVED) as own:
            if not _OWNED.isdisjoint(os.listdir(own.fd)):
                return
            for place in (staging.PLACE, trash.PLACE):
                with suppress(OSError):
                    root.system.rmdir(own.fd, paths.name(place))
        root.system.rmdir(root.fd, RESERVED)


def _is_safe(folder: str) -> bool:
    owner = os.lstat(os.path.join(folder, RESERVED)).st_uid
    return may_keep_ours(owner, os.stat(folder).st_uid)
