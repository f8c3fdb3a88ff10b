"""The near tree: a folder on this machine.

A source is only read. Nothing is written to it unless delivered files are retired there, so
read-only mounts and camera cards work too. A destination has our marker, staging and trash below
`.cargo_sync/`.
"""

import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Final

from cargo_sync.lanes.ports import Sink, Source
from cargo_sync.local import trash
from cargo_sync.local.ages import AgeStore
from cargo_sync.local.ledger import TrashLedger
from cargo_sync.local.listing import Excluded
from cargo_sync.local.lock import RootLock, lock_root, marker, read_marker
from cargo_sync.local.metadata import set_metadata
from cargo_sync.local.new_folders import NewFolders
from cargo_sync.local.parts import CheckpointStore
from cargo_sync.local.read import FolderSource, beginning, hash_file, is_blank, match_file
from cargo_sync.local.renames import exchange, rename
from cargo_sync.local.restoration import restore_all
from cargo_sync.local.root import Root
from cargo_sync.local.scan import Absent, Seen, Unseen, look, walk
from cargo_sync.local.sink import FolderSink
from cargo_sync.local.space import SpaceLedger
from cargo_sync.local.staging import Staging
from cargo_sync.local.trash_freeing import free_all, free_some
from cargo_sync.local.trash_upkeep import keep_up, remover
from cargo_sync.local.xattrs import are_kept, read_all
from cargo_sync.machines.trash_limits import TrashLimits
from cargo_sync.model import paths
from cargo_sync.model.actions import Action, Op, Outcome
from cargo_sync.model.displaced import FreedVersions, Restored, TrashFilter
from cargo_sync.model.entries import BY_UMASK, FOLDER, Entry
from cargo_sync.model.jobs import Identity, Rules
from cargo_sync.model.known_hashes import KnownHash, Matched
from cargo_sync.model.problems import Code, Problem, ProblemError, changed
from cargo_sync.model.slices import path_cost
from cargo_sync.model.world import T, Ts, World
from cargo_sync.model.xattrs import Xattrs, no_room
from cargo_sync.plan.filters import Filters
from cargo_sync.plan.folder_chain import FolderChain
from cargo_sync.trees.calls import Calls
from cargo_sync.trees.contract import Missed, NoFolder, Observation, Whole
from cargo_sync.trees.cut_short import to_their_end
from cargo_sync.trees.landing import Landing
from cargo_sync.trees.retiring import retire

GROUP: Final = 2_000
"""So many entries are scanned before they are planned and sent."""
TOGETHER: Final = 8 * 2**20
"""Bytes of files that are hashed in one go."""
PURGE_SECONDS: Final = 3600.0
PURGE_LIMITED: Final = 60.0
"""Seconds between two upkeeps of the trash; the second, if its size is limited."""
DAY: Final = 86_400.0
STALE: Final = 7 * DAY
"""Seconds after which a staged part without a checkpoint is removed."""


class FolderTree:
    """The local folder of one job.

    bound  returns this side's name when base was last agreed on (Identity.root), or None before the
           first run
    delivers  returns whether the base has files
    """

    def __init__(
        self,
        path: str,
        rules: Rules,
        world: World,
        checkpoints: CheckpointStore,
        space: SpaceLedger,
        ages: AgeStore,
        ledger: TrashLedger,
        bound: Callable[[], str | None],
        delivers: Callable[[], bool] = lambda: False,
    ) -> None:
        self._path = path
        self._rules = rules
        self._world = world
        self._checkpoints = checkpoints
        self._space = space
        self._ages = ages
        self._ledger = ledger
        self._bound = bound
        self._delivers = delivers
        self._filters = Filters(rules.include, rules.exclude)
        self._receives = rules.mode.receives
        self._root: Root | None = None
        self._lock: RootLock | None = None
        self._staging: Staging | None = None
        self._purged_at = float("-inf")
        self._used: set[str] = set()
        """Runs that may have displaced something since the last upkeep of the trash."""
        self._calls = Calls()
        self._opening = threading.Lock()

    async def open(self) -> Identity:
        return await self._do(self._open)

    async def close(self) -> None:
        await self._world.offload(self._end)

    async def _do(self, work: Callable[[*Ts], T], *args: *Ts) -> T:
        """Does `work` in a thread; the folder is not closed meanwhile."""
        return await self._world.offload(self._calls, work, *args)

    async def observe(self, cursor: int) -> AsyncIterator[Observation]:
        folders = walk(self._opened(), self._filters.among)
        while group := await self._do(_group, folders):
            yield [one for one in group if not isinstance(one, NoFolder)]

    async def observe_some(
        self, some: Sequence[str], *, unfiltered: bool = False
    ) -> AsyncIterator[Sequence[Whole | Missed | NoFolder]]:
        if unfiltered:
            folders = look(self._opened(), some)
        else:
            excluded = self._filters.excluded
            outside = FolderChain(False, lambda above, folder: above or excluded(folder, True))
            wanted = [path for path in some if not outside(path)]
            folders = look(self._opened(), wanted, self._filters.among)
        while group := await self._do(_group, folders):
            yield group

    async def hashes(
        self, items: Sequence[tuple[str, Entry]], *, reread: bool = False
    ) -> list[str | Problem]:
        found: list[str | Problem] = []
        for some in _read_together([entry.size for _, entry in items]):
            found += await self._do(self._hashes, items[some])
        return found

    async def matches(
        self, items: Sequence[tuple[str, Entry, KnownHash]]
    ) -> list[Matched | Problem]:
        found: list[Matched | Problem] = []
        for some in _read_together([entry.size for _, entry, _ in items]):
            found += await self._do(self._matches, items[some])
        return found

    async def xattrs(self, items: Sequence[tuple[str, Entry]]) -> list[Xattrs | Problem]:
        return await self._do(self._xattrs, items)

    async def entries(self, some: Sequence[str]) -> list[Entry | Problem | None]:
        return await self._do(self._entries, some)

    async def blank(self, items: Sequence[tuple[str, Entry]]) -> list[bool | Problem]:
        return [await self._do(self._is_blank, path, entry) for path, entry in items]

    async def beginnings(
        self, items: Sequence[tuple[str, Entry]], length: int
    ) -> list[bytes | Problem]:
        return await self._do(self._beginnings, items, length)

    async def apply(self, actions: Sequence[Action], run: str) -> list[Outcome]:
        self._used.add(run)
        return await to_their_end(self._do(self._apply, actions, run))

    def renamed(self, outcomes: Sequence[Outcome]) -> None:
        return None

    async def retire(
        self, path: str, entry: Entry, content: str, move_to: str, run: str
    ) -> str | Problem:
        self._used.add(run)
        going, opened = self._calls.go_on, self._opened()
        return await self._do(retire, opened, path, entry, content, move_to, run, going)

    async def restore(
        self, ids: Sequence[int], to: str, run: str, inside: str = ""
    ) -> list[Restored | Problem]:
        """Restores versions of the trash; see `local.restoration.restore_all`.

        If the folder is not open, it is opened for that: `root_in_use`, and others of `open`.
        """
        return await self._do(self._opened_for, partial(self._restore, ids, to, run, inside))

    async def free(self, ids: Sequence[int]) -> FreedVersions:
        """Removes versions from the trash; like `restore`, it opens the folder if it must."""
        return await self._do(self._opened_for, partial(self._free, ids))

    async def free_all(self, wanted: TrashFilter) -> FreedVersions:
        """As `free`, for all that the filter wants; see `trash_freeing.free_all`."""
        return await self._do(self._opened_for, partial(self._free_all, wanted))

    def source(self) -> Source:
        return FolderSource(self._opened())

    def sink(self, run: str) -> Sink:
        self._used.add(run)
        root = self._opened()
        assert self._staging is not None, "only a destination has staging"
        return FolderSink(self._staging, Landing(root), run)

    # -- in a thread -------------------------------------------------------------------------------

    def _opened(self) -> Root:
        if self._root is None:
            raise ProblemError(Problem(Code.NOT_OPEN, f"the folder {self._path!r} is not open"))
        return self._root

    def _open(self) -> Identity:
        ends = self._calls.ends
        try:
            return self._ready()
        finally:
            if self._calls.ends != ends:  # it took so long that it was not waited for
                self._close()

    def _ready(self) -> Identity:
        with self._opening:
            return self._make_ready()

    def _make_ready(self) -> Identity:
        if self._root is not None and not self._root.still_there():
            self._close()
        if fresh := self._root is None:
            self._take()
        root = self._opened()
        self._check_marker(root)
        self._purge(root)
        if not self._receives:
            return Identity(root.identity, fresh=fresh, xattrs=are_kept(root))
        named = _named(marker(root, self._world.token()), self._path)
        if self._staging is None:
            self._staging = Staging(root, self._checkpoints, self._space)
            self._staging.sweep(self._ages, 0.0)  # files of a process that was killed
        folds, xattrs = root.folds_names(), are_kept(root)
        return Identity(named, fresh=fresh, folds=folds, xattrs=xattrs)

    def _opened_for(self, work: Callable[[], T]) -> T:
        """Does `work` with the folder open; it is closed again if it was not."""
        with self._opening:
            fresh = self._root is None
            if fresh:
                self._take()
            try:
                return work()
            finally:
                if fresh:
                    self._close()

    def _restore(
        self, ids: Sequence[int], to: str, run: str, inside: str
    ) -> list[Restored | Problem]:
        self._used.add(run)
        return restore_all(self._opened(), self._ledger, ids, to, run, inside)

    def _free(self, ids: Sequence[int]) -> FreedVersions:
        return free_some(self._ledger, ids, remover(self._opened(), self._ledger))

    def _free_all(self, wanted: TrashFilter) -> FreedVersions:
        return free_all(self._ledger, wanted, remover(self._opened(), self._ledger))

    def _take(self) -> None:
        """Opens and locks the folder. A destination is made if it never existed before."""
        try:
            root = Root.open(self._path)
        except ProblemError as error:
            if not self._receives or error.problem.code != Code.VANISHED or self._was_here():
                raise
            root = self._make()
        try:
            self._check_marker(root)
            self._check_source(root)
            self._lock = lock_root(root, f"the job {self._rules.name!r}", leave_name=self._receives)
        except ProblemError:
            root.close()
            raise
        self._root = root

    def _make(self) -> Root:
        above, _, name = self._path.rstrip("/").rpartition("/")
        parent = Root.open(above or "/")
        try:
            parent.make_folder(name)
            parent.sync([""])
        finally:
            parent.close()
        return Root.open(self._path)

    def _check_marker(self, root: Root) -> None:
        """Refuses a known destination without its marker.

        Without this check, the mount point of an unmounted disk would look like an empty folder.
        """
        if self._receives and read_marker(root) is None and self._was_here():
            raise ProblemError(
                Problem(
                    Code.MARKER_LOST,
                    f"{self._path!r} is not the folder to which this job delivered files: "
                    "its marker is missing",
                    hint="mount the disk or restore the folder; "
                    "for a new start give the job a new name",
                )
            )

    def _check_source(self, root: Root) -> None:
        """Refuses another folder in the place of a known source, if it is empty.

        That is what the mount point of a disk looks like that is not mounted.
        """
        if not self._receives and self._delivers():
            check_source(root, self._bound(), self._filters.among)

    def _was_here(self) -> bool:
        return was_here(self._bound(), self._path)

    def _purge(self, root: Root) -> None:
        now = self._world.steady()
        limits = TrashLimits(self._rules.trash_days * DAY, self._rules.trash_max)
        if now - self._purged_at >= (PURGE_SECONDS if limits.most is None else PURGE_LIMITED):
            self._purged_at = now
            used, self._used = self._used, set()
            keep_up(root, self._ledger, limits, used)
            if self._staging is not None:
                self._staging.sweep(self._ages, STALE)

    def _end(self) -> None:
        with self._calls.ended():
            self._close()

    def _close(self) -> None:
        staging, lock, root = self._staging, self._lock, self._root
        self._lock = self._root = self._staging = None
        if staging is not None:
            staging.close()
        if lock is not None:
            lock.release()
        if root is not None:
            root.close()

    def _hashes(self, items: Sequence[tuple[str, Entry]]) -> list[str | Problem]:
        return [self._hash(path, entry) for path, entry in items]

    def _hash(self, path: str, entry: Entry) -> str | Problem:
        try:
            return hash_file(self._opened(), path, entry, self._calls.go_on)
        except ProblemError as error:
            return error.problem

    def _matches(self, items: Sequence[tuple[str, Entry, KnownHash]]) -> list[Matched | Problem]:
        return [self._match(*item) for item in items]

    def _match(self, path: str, entry: Entry, known: KnownHash) -> Matched | Problem:
        try:
            return match_file(self._opened(), path, entry, known, self._calls.go_on)
        except ProblemError as error:
            return error.problem

    def _xattrs(self, items: Sequence[tuple[str, Entry]]) -> list[Xattrs | Problem]:
        return read_all(self._opened(), items)

    def _entries(self, some: Sequence[str]) -> list[Entry | Problem | None]:
        return self._opened().entries(some)

    def _is_blank(self, path: str, entry: Entry) -> bool | Problem:
        try:
            return is_blank(self._opened(), path, entry, self._calls.go_on)
        except ProblemError as error:
            return error.problem

    def _beginnings(self, items: Sequence[tuple[str, Entry]], length: int) -> list[bytes | Problem]:
        root = self._opened()
        return [_beginning(root, path, entry, length) for path, entry in items]

    def _apply(self, actions: Sequence[Action], run: str) -> list[Outcome]:
        root = self._opened()
        touched: set[str] = set()
        with NewFolders(root) as new:
            outcomes = [_applied(root, action, run, touched, new) for action in actions]
        if self._staging is not None:
            self._staging.fresh.note(new.made)
        meta = [one.action.path for one in outcomes if one.action.op is Op.META and one.result]
        root.sync(touched, files=meta, whole=len(touched) > len(actions))
        return outcomes


def check_source(root: Root, bound: str | None, excluded: Excluded) -> None:
    """Checks that a source with which a base was agreed is not another folder, and empty.

    Args:
        root: the folder that is at its path now.
        bound: its name when the base was last agreed; None before first contact.
        excluded: what the job leaves out.

    Raises:
        ProblemError: `root_replaced`; it cannot be read.
    """
    if bound in (None, root.identity):
        return
    if not any(part.listing or part.problems for part in root.parts("", excluded)):
        raise ProblemError(
            Problem(
                Code.ROOT_REPLACED,
                f"{root.path!r} is not the folder of the last run, and it is empty; "
                "nothing is deleted",
                hint="mount the disk or restore the folder; "
                "if this is the right folder, the job goes on as soon as something is in it",
            )
        )


def was_here(bound: str | None, path: str) -> bool:
    """Whether a base with the name `bound` was agreed on with the destination at `path`."""
    return bound is not None and bound == _named(bound.partition(" ")[0], path)


def _named(mark: str, path: str) -> str:
    return f"{mark} {path}"


def _read_together(sizes: Sequence[int]) -> Iterator[slice]:
    """Files that are hashed in one go: a call for each small one would cost more than its hash."""
    start = together = 0
    for end, size in enumerate(sizes, 1):
        together += size
        if together >= TOGETHER or end == len(sizes):
            yield slice(start, end)
            start, together = end, 0


def _group(folders: Iterator[Seen | Unseen | Absent]) -> list[Whole | Missed | NoFolder]:
    """The next folders of a scan, with about `GROUP` entries; an empty list at the end."""
    group: list[Whole | Missed | NoFolder] = []
    count = 0
    for folder in islice(folders, GROUP):
        if isinstance(folder, Absent):
            group.append(NoFolder(folder.path))
            continue
        if isinstance(folder, Unseen):
            group.append(Missed(folder.path, folder.problem))
            continue
        path, listing, problems, first, end = folder
        group.append(Whole(path, listing.encode(), len(listing), problems, first, end))
        count += len(listing) + path_cost(path) - 1
        if count >= GROUP:
            break
    return group


def _applied(root: Root, action: Action, run: str, touched: set[str], new: NewFolders) -> Outcome:
    """Does one MKDIR, DELETE, MOVE or META; adds the folders to sync for it to `touched`."""
    try:
        if action.op is Op.META:
            assert action.source is not None and action.expected is not None
            now, lacks = set_metadata(
                root, action.path, action.expected, action.source, action.xattrs
            )
            notice = no_room(action.path) if lacks else None
            return Outcome(action, action.source, now, action.hash, notice=notice)
        if action.op is Op.MKDIR and action.expected is None:
            made = _made(action, touched, new)
            if made is not None:
                return Outcome(action, action.source, made)
        if action.op is Op.MOVE:
            return _moved(root, action, touched)
        return _apply_one(root, action, run, touched)
    except ProblemError as error:
        return Outcome(action, problem=error.problem)


def _made(action: Action, touched: set[str], new: NewFolders) -> Entry | None:
    """Makes a folder where nothing should be; None if that needs a closer look."""
    try:
        made = new.make(action.path, _mode(action))
    except ProblemError as error:
        if error.problem.code != Code.VANISHED:
            raise
        return None
    if made is not None:
        touched.update((action.path, paths.parent(action.path)))
    return made


def _moved(root: Root, action: Action, touched: set[str]) -> Outcome:
    """Renames an entry that still is what the plan saw; nothing is overwritten.

    If it is replaced in the same moment, the new entry moves: it is not lost either, and the next
    look sees it.
    """
    path, here, expected = action.path, action.moved_from, action.expected
    if expected is None or not _as_expected(root.entry(here), expected):
        return Outcome(action, problem=changed(here))
    if action.occupant is None:
        if above := paths.parent(path):
            for made in root.make_folder(above):
                touched.update((made, paths.parent(made)))
        rename(root, here, path)
    elif not _as_expected(root.entry(path), action.occupant):
        return Outcome(action, problem=changed(path))
    else:
        exchange(root, here, path)
    touched.update((paths.parent(here), paths.parent(path)))
    result, other = root.entry(path), root.entry(here) if action.occupant else None
    if result is None or (other is None) != (action.occupant is None):
        return Outcome(action, problem=changed(path))
    return Outcome(action, action.source, result, exchanged=other)


def _apply_one(root: Root, action: Action, run: str, touched: set[str]) -> Outcome:
    path, expected = action.path, action.expected
    found = root.entry(path)
    making = action.op is Op.MKDIR
    if making and found is not None and found.kind == FOLDER:
        return Outcome(action, action.source, found)
    if not _as_expected(found, expected):
        return Outcome(
            action,
            problem=changed(path),
        )
    displaced = ""
    if expected is not None:
        if not making and expected.kind == FOLDER and root.listing(path)[0]:
            return Outcome(action, problem=Problem(Code.NOT_EMPTY, f"{path!r} is not empty", path))
        displaced, folders = trash.displace(root, path, run)
        touched.update(folders)
    if not making:
        return Outcome(action, displaced=displaced)
    for made in root.make_folder(path, _mode(action)):
        touched.update((made, paths.parent(made)))
    return Outcome(action, action.source, root.entry(path), displaced=displaced)


def _mode(action: Action) -> int | None:
    """The mode of a new folder; None: the umask decides."""
    mode = action.source.mode if action.source else BY_UMASK
    return None if mode == BY_UMASK else mode


def _as_expected(found: Entry | None, expected: Entry | None) -> bool:
    if found is None or expected is None:
        return found is expected
    # A folder's mode may have changed since the plan; it only matters that it is the same folder.
    return found.ident == expected.ident if expected.kind == FOLDER else found.same_state(expected)


def _beginning(root: Root, path: str, entry: Entry, length: int) -> bytes | Problem:
    try:
        return beginning(root, path, entry, length)
    except ProblemError as error:
        return error.problem
