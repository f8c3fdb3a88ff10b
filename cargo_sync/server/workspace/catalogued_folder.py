"""A folder and its catalogue, kept in agreement.

The folder is the truth. Whatever depends on what stands at a path looks at the folder first; what
differs from the catalogue is taken in as a new version, so that whoever acts on an older one is
refused. One lock a workspace is held from that look until what was done is recorded.

Everything here blocks and is called from threads; what others name by path is checked here once
more.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

from cargo_sync.catalogue.contract import Catalogue, Catalogued, Change, Gone, Put
from cargo_sync.local.folders import Folder
from cargo_sync.model import paths
from cargo_sync.model.entries import FILE, FOLDER, LINK, Entry
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.stores.folder import FolderStore

OpenStore = Callable[[str], FolderStore]
"""Opens the folder of a workspace that is known by a marker ("" for never served); raises
ProblemError."""

Changed = Callable[[int, Sequence[str]], None]
"""Told the workspace and the paths once a change is recorded, in the thread that made it. Must not
block."""

Still = Callable[[str, Entry], bool]
"""Whether a file that another program wrote has been still for long enough."""


class Compared(NamedTuple):
    """What a look at one folder came to.

    below      the folders in it
    fresh      those of them that were not known, or are others than were known: nobody has looked
               into them
    unsettled  something in it is still being written, and was left as it was known
    """

    below: list[str]
    fresh: list[str]
    unsettled: bool


class PathLook(NamedTuple):
    """What stands at a path: as the catalogue knows it, and as the folder has it (ctime and
    inode)."""

    held: Catalogued | None
    seen: Entry | None


class CataloguedFolder:
    """One served folder. `attach` comes first; while the folder is away, what needs it raises
    "root_gone"."""

    def __init__(
        self,
        path: str,
        catalogue: Catalogue,
        open_store: OpenStore,
        token: Callable[[], str],
        changed: Changed,
    ) -> None:
        """Args:
        path: the folder's real path, which also names it in the catalogue.
        token: 32 hex digits, for a new epoch and for the lineage that begins now.
        """
        known = catalogue.workspace(path, token)
        catalogue.begin(known.id, token())
        self.path = path
        self.id = known.id
        self.epoch = known.epoch
        self.catalogue = catalogue
        self.lock = threading.RLock()
        self._marker = known.marker
        self._open_store = open_store
        self._changed = changed
        self._store: FolderStore | None = None

    def __repr__(self) -> str:
        return f"TrackedFolder({self.path!r})"

    # -- its folder --------------------------------------------------------------------------------

    def attach(self) -> bool:
        """Opens the folder when it is not open, or not the one any more that stands there; whether
        it did.

        Raises:
            ProblemError: it is away, another one, or somebody else's.
        """
        with self.lock:
            if self._store is not None:
                if self._store.still_there():
                    return False
                self._store.let_go()
                self._store = None
            store = self._open_store(self._marker)
            if not self._marker:
                self.catalogue.set_marker(self.id, store.marker)
                self._marker = store.marker
            self._store = store
            return True

    @property
    def attached(self) -> bool:
        """Whether the folder was there when it was last asked for."""
        return self._store is not None

    @property
    def store(self) -> FolderStore:
        """Raises ProblemError "root_gone" while it is away."""
        if self._store is None:
            message, hint = (
                f"the folder {self.path!r} is not there",
                "whoever runs the server can bring it back",
            )
            raise ProblemError(Problem(Code.ROOT_GONE, message, hint=hint))
        return self._store

    def close(self) -> None:
        """Lets the folder go."""
        with self.lock:
            if self._store is not None:
                self._store.close()
                self._store = None

    # -- looking, and taking in --------------------------------------------------------------------

    def look(self, path: str) -> Catalogued | None:
        """What stands at `path` in the folder now, as the catalogue knows it from this look on.

        Raises:
            ProblemError: "bad_path"; it cannot be told, or a parent is a link.
        """
        with self.lock:
            return self.look_closely(path)[0]

    def look_closely(self, path: str) -> tuple[Catalogued | None, Entry | None]:
        """As `look`, with the entry as the folder itself has it (ctime and inode). The lock is
        held."""
        paths.check(path)
        self.store.must_be_there()
        seen = self.store.root.entry(path)
        held = self.catalogue.entry(self.id, path)
        if _agree(held, seen):
            return held, seen
        self.take_in(path, seen)
        return self.catalogue.entry(self.id, path), seen

    def look_at_all(self, some: Sequence[str]) -> list[PathLook | Problem]:
        """As `look_closely`, of many paths at once, each failing alone. The lock is held."""
        self.store.must_be_there()
        looks: list[PathLook | Problem] = []
        for path, held, seen in zip(
            some, self.catalogue.entries(self.id, some), self._see(some), strict=True
        ):
            if isinstance(seen, Problem) or _agree(held, seen):
                looks.append(seen if isinstance(seen, Problem) else PathLook(held, seen))
                continue
            try:
                looks.append(PathLook(*self.look_closely(path)))
            except ProblemError as error:
                looks.append(error.problem)
        return looks

    def _see(self, some: Sequence[str]) -> list[Entry | Problem | None]:
        """What stands at each path in the folder itself; paths that stand together share one
        lease."""
        seen: list[Entry | Problem | None] = []
        for parent, group in groupby(some, paths.parent):
            together = list(group)
            try:
                with self.store.root.folder(parent) as folder:
                    seen += [self._see_one(folder, path) for path in together]
            except ProblemError as error:
                missing = error.problem.code in (Code.VANISHED, Code.NOT_A_FOLDER)
                seen += [None if missing else error.problem] * len(together)
        return seen

    def _see_one(self, folder: Folder, path: str) -> Entry | Problem | None:
        try:
            return self.store.root.look(folder, paths.name(path))
        except ProblemError as error:
            return error.problem

    def take_in(self, path: str, seen: Entry | None) -> None:
        """Records that this, and not what the catalogue had, stands at `path`. The lock is held."""
        if seen is None:
            self.store.must_be_there()  # still: it may have gone since
            self.record([Gone(path)])
        else:
            self.record([*self.folders_above([path]), put(path, seen)])

    def folders_above(self, some: Iterable[str]) -> list[Change]:
        """What must be recorded before something can stand at these paths: folders the catalogue
        lacks."""
        missing: dict[str, Change] = {}
        known: set[str] = set()
        for path in some:
            above = []
            folder = paths.parent(path)
            while folder and folder not in known:
                known.add(folder)
                above.append(folder)
                folder = paths.parent(folder)
            for folder in reversed(above):
                held = self.catalogue.entry(self.id, folder)
                if held is None or held.entry.kind != FOLDER:
                    seen = self.store.root.entry(folder)
                    if seen is not None:
                        missing[folder] = put(folder, seen)
        return list(missing.values())

    def record(self, changes: Sequence[Change]) -> list[int]:
        """Records changes in one transaction, and wakes who waits for them. The lock is held."""
        versions = self.catalogue.record(self.id, changes)
        self._changed(self.id, [change.path for change in changes])
        return versions

    def compare(self, folder: str, still: Still) -> Compared:
        """Looks at one folder, and takes in what other programs did there.

        What is not `still` keeps the row it had. Nothing is concluded from a folder that cannot be
        read, nor from one that is away.

        Raises:
            ProblemError: "root_gone"; the folder cannot be read whole.
        """
        with self.lock:
            self.store.must_be_there()
            if folder and not self._is_folder(folder):
                return Compared([], [], False)
            listing, _ = self.store.root.listing(folder)
            known = {held.entry.name: held for held in self.catalogue.listing(self.id, folder)}
            changes: list[Change] = []
            found = Compared([], [], False)
            for seen in listing:
                path, held = paths.join(folder, seen.name), known.pop(seen.name, None)
                if seen.kind == FOLDER:
                    found.below.append(path)
                    if held is None or held.entry.kind != FOLDER or held.inode != seen.ident:
                        found.fresh.append(path)
                        changes.append(put(path, seen))
                        continue
                if _agree(held, seen):
                    continue
                if seen.kind == FILE and not still(path, seen):
                    found = found._replace(unsettled=True)
                    continue
                changes.append(put(path, seen))
            if known:
                self.store.must_be_there()
                changes += [Gone(paths.join(folder, name)) for name in known]
            if changes:
                self.record(changes)
            return found

    def _is_folder(self, path: str) -> bool:
        """Whether a folder is there, which is known then. Of anything else the look at its parent
        tells."""
        seen = self.store.root.entry(path)
        if seen is None or seen.kind != FOLDER:
            return False
        held = self.catalogue.entry(self.id, path)
        if held is None or held.entry.kind != FOLDER:
            self.take_in(path, seen)
        return True


def put(path: str, seen: Entry) -> Put:
    """The change that says: this stands there. `seen` is the folder's own entry."""
    return Put(path, seen, seen.version, seen.ident)


def changed(path: str) -> ProblemError:
    message = f"{path!r} is not what was expected: somebody else changed it"
    return ProblemError(Problem(Code.CHANGED, message, path, hint="look again, then decide"))


def _agree(held: Catalogued | None, seen: Entry | None) -> bool:
    """Whether the catalogue's row and the folder's entry speak of the same thing."""
    if held is None or seen is None:
        return held is None and seen is None
    entry = held.entry
    if entry.kind != seen.kind or entry.mode != seen.mode:
        return False
    if seen.kind == FOLDER:
        return True
    if seen.kind == LINK:
        return entry.target == seen.target and entry.mtime_ns == seen.mtime_ns
    known = (entry.size, entry.mtime_ns, held.ctime_ns, held.inode)
    return known == (seen.size, seen.mtime_ns, seen.version, seen.ident)
