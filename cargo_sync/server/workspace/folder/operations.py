"""Changing a folder without content: folders are made, entries deleted (to the trash) and renamed.

Times and modes are set here too.
Each operation can fail alone. Many operations are synced and recorded together, because a sync or a
transaction costs as much as hundreds of renames. Nothing is locked while the disk is synced; what
was done is looked at again before it is recorded.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from cargo_sync.catalogue.contract import (
    CatalogueExchange,
    CatalogueMove,
    Change,
    Gone,
    Put,
    Recorded,
)
from cargo_sync.local.metadata import set_metadata
from cargo_sync.local.new_folders import NewFolders
from cargo_sync.local.renames import exchange, rename
from cargo_sync.local.root import Root, above
from cargo_sync.model import paths
from cargo_sync.model.displaced import DisplacedVersion, TrashCause
from cargo_sync.model.entries import DAMAGED, FOLDER, LINK, Entry
from cargo_sync.model.history import ChangeCause
from cargo_sync.model.problems import Code, Problem, ProblemError, damaged_there
from cargo_sync.model.slices import path_cost, slices
from cargo_sync.model.subtrees import Subtrees
from cargo_sync.server.workspace.folder.catalogued_folder import CataloguedFolder
from cargo_sync.server.workspace.folder.comparison import put
from cargo_sync.server.workspace.operations import (
    Delete,
    Done,
    Exchange,
    Meta,
    Mkdir,
    Move,
    Operation,
    OperationResult,
    Renaming,
)
from cargo_sync.server.workspace.refusals import (
    changed,
    exists,
    into_itself,
    no_file_or_folder,
    not_empty,
    one_in_the_other,
    vanished,
)
from cargo_sync.server.workspace.rows.offers import expect

TOGETHER: Final = 200
"""Operations that are synced and recorded together."""
ACTS: Final = 50
"""Operations that are done while the folder is locked; fewer of those deep down."""
PAGE: Final = 2_000
"""Changes that are looked through at a time."""


@dataclass(frozen=True, slots=True)
class _Act:
    """What an operation has done to the folder, and what to record.

    changes    the last one is the operation's own path; none if there was nothing to do
    touched    folders to sync
    files      files to sync
    new        its own path is a folder in which nothing is recorded
    unseen     it moved something that the client does not know
    displaced  what it moved to the trash
    """

    done: Done
    changes: Sequence[Change] = ()
    touched: Sequence[str] = ()
    files: Sequence[str] = ()
    new: bool = False
    unseen: bool = False
    displaced: DisplacedVersion | None = None


class OperationBatch:
    """Executes the operations of one request, for a user.

    `permitted` is called before each of them, and raises ProblemError if it may not be done.
    """

    def __init__(
        self, folder: CataloguedFolder, run: str, permitted: Callable[[], None], cause: ChangeCause
    ) -> None:
        self._folder = folder
        self._run = run
        self._cause = cause
        self._permitted = permitted
        self._made: set[str] = set()
        """Folders that are made and not recorded yet."""
        self._fresh: dict[str, int] = {}
        """The inodes of folders that were made, and not told to the staging yet."""
        self._known: dict[Delete, int | Problem] = {}
        """What `_look_through` found in the folders of a group."""
        self._untold = False
        """The last rename moved something that the client does not know."""

    def __call__(self, operations: Sequence[Operation]) -> list[OperationResult]:
        """One result per operation, in order; each is durable."""
        results: list[OperationResult] = []
        for some in slices(operations, lambda one: path_cost(one.path), TOGETHER):
            for group in _groups(some):
                results += self._together(group)
                self._note_fresh()
                self._finish(group[-1], results)
        return results

    def _finish(self, last: Operation, results: list[OperationResult]) -> None:
        """Writes the rows of large folders; those of a move are told to who asked for it.

        All of them are told or none: of a move without its numbers the client reads everything.
        """
        done = results[-1]
        numbers = self._folder.finish(last.to if isinstance(last, Move) else "")
        if numbers and isinstance(done, Done) and not self._untold:
            results[-1] = done._replace(changed=(*done.changed, *numbers))

    def _together(self, operations: Sequence[Operation]) -> list[OperationResult]:
        """Does some operations, then records them; if that fails, none is reported as done."""
        folder = self._folder
        self._made.clear()
        self._untold = False
        self._known = {
            one: self._look_through(one)
            for one in operations
            if isinstance(one, Delete) and one.seen is not None
        }
        if isinstance(operations[0], Renaming):
            # A scan that came in between would see a deletion, and new files elsewhere.
            with folder.lock:
                acts = [self._act_alone(one) for one in operations]
                return self._recorded(acts, self._synced(acts))
        acts = []
        for some in slices(operations, lambda one: path_cost(one.path), ACTS):
            with folder.lock:
                acts += self._acts(some)
        problem = self._synced(acts)
        with folder.lock:
            return self._recorded(acts if problem else self._still_true(acts), problem)

    def _acts(self, operations: Sequence[Operation]) -> list[_Act | Problem]:
        """Does some operations, while the folder is locked."""
        free = self._free(operations)
        with NewFolders(self._folder.store.root) as new:
            acts = [
                self._make(one, new)
                if isinstance(one, Mkdir) and one.path in free
                else self._act_alone(one)
                for one in operations
            ]
        self._fresh |= new.made
        return acts

    def _free(self, operations: Sequence[Operation]) -> set[str]:
        """Paths of folders to make where nothing is recorded, below folders that are.

        They need no look before: if something is there all the same, the system makes no folder.
        """
        wanted = [one.path for one in operations if isinstance(one, Mkdir) and not one.expected]
        if not paths.are_usable(wanted):
            return set()
        folder, free = self._folder, set[str]()
        above = {paths.parent(path) for path in wanted} - {"", *self._made, *wanted}
        try:
            folder.must_be_there()
            held = folder.catalogue.entries(folder.id, [*wanted, *above])
        except ProblemError:
            return set()  # each operation will say why
        recorded = {"", *self._made}
        for path, one in zip(above, held[len(wanted) :], strict=True):
            if one is not None and one.entry.kind == FOLDER:
                recorded.add(path)
        for path, one in zip(wanted, held, strict=False):
            if one is None and paths.parent(path) in recorded:
                free.add(path)
                recorded.add(path)
        return free

    def _make(self, operation: Mkdir, new: NewFolders) -> _Act | Problem:
        """Makes a folder at a free path."""
        path = operation.path
        try:
            self._permitted()
            seen = new.make(path, operation.mode)
        except ProblemError as error:
            if error.problem.code != Code.VANISHED:
                return error.problem
            seen = None
        if seen is None:
            return self._act_alone(operation)  # it is there, or the folder above is not
        self._made.add(path)
        return _Act(Done(0, 0), [put(path, seen)], [paths.parent(path)], new=True)

    def _note_fresh(self) -> None:
        """The new folders are recorded, and files may come for them."""
        self._folder.store.staging.fresh.note(self._fresh)
        self._fresh.clear()

    def _act_alone(self, operation: Operation) -> _Act | Problem:
        try:
            return self._act(operation)
        except ProblemError as error:
            return error.problem

    def _synced(self, acts: Sequence[_Act | Problem]) -> Problem | None:
        """Makes what was done durable; why it is not known to be, or None."""
        done = [act for act in acts if isinstance(act, _Act)]
        touched = {one for act in done for one in act.touched}
        files = [one for act in done for one in act.files]
        try:
            self._folder.store.root.sync(touched, files=files)
        except ProblemError as error:
            return error.problem
        return None

    def _still_true(self, acts: Sequence[_Act | Problem]) -> Sequence[_Act | Problem]:
        """The acts as they are now: others may have come while the disk was synced."""
        root = self._folder.store.root
        changes = [change for act in acts if isinstance(act, _Act) for change in act.changes]
        doubtful = [one.path for one in changes if not _is_there(root, one)]
        seen = dict(zip(doubtful, root.entries(doubtful), strict=True))
        now: list[_Act | Problem] = []
        for act in acts:
            if isinstance(act, _Act):
                lost = [
                    one.path
                    for one in act.changes
                    if one.path in seen and not _holds(one, seen[one.path])
                ]
                now.append(changed(lost[-1]).problem if lost else act)
            else:
                now.append(act)
        return now

    def _recorded(
        self, acts: Sequence[_Act | Problem], problem: Problem | None
    ) -> list[OperationResult]:
        """The results; `problem` is why nothing may be recorded."""
        changes = [change for act in acts if isinstance(act, _Act) for change in act.changes]
        recorded = Recorded([])
        if changes and problem is None:
            new = [one.changes[-1].path for one in acts if isinstance(one, _Act) and one.new]
            self._folder.recorded.making(new)
            displaced = [one.displaced for one in acts if isinstance(one, _Act) and one.displaced]
            try:
                recorded = self._folder.record(changes, displaced, self._cause)
            except ProblemError as error:
                problem = error.problem
        if problem is not None and changes:
            return [act if isinstance(act, Problem) else problem for act in acts]
        results: list[OperationResult] = []
        versions = iter(recorded.versions)
        for act in acts:
            if isinstance(act, Problem):
                results.append(act)
                continue
            version = 0
            for _ in act.changes:
                version = next(versions)
            done = act.done
            if act.unseen:
                self._untold = True
            changed = () if act.unseen else tuple(recorded.moved)
            results.append(
                done._replace(version=version, ident=done.ident or version, changed=changed)
                if act.changes
                else done
            )
        return results

    def _act(self, operation: Operation) -> _Act:
        self._permitted()
        paths.check(operation.path)
        match operation:
            case Mkdir():
                return self._mkdir(operation)
            case Delete():
                return self._delete(operation)
            case Move():
                return self._move(operation)
            case Exchange():
                return self._exchange(operation)
            case Meta():
                return self._meta(operation)

    def _mkdir(self, operation: Mkdir) -> _Act:
        path, folder = operation.path, self._folder
        held = folder.look(path)
        if held is not None and held.entry.kind == FOLDER:
            return _Act(Done(held.entry.version, held.entry.ident))
        expect(held, operation.expected, path)
        root, displaced, touched, version = folder.store.root, "", tuple[str, ...](), None
        if held is not None:
            displaced, touched = folder.store.displace(path, self._run)
            cause = TrashCause.OVERWRITTEN
            version = DisplacedVersion.of(held.entry, path, displaced, cause, self._cause.user)
        made = root.make_folder(path, operation.mode)
        # Folders that were there but are not recorded yet come before those that were made.
        changes = folder.folders_above([path], self._made)
        seen = root.entry(path)
        if seen is None or seen.kind != FOLDER:
            raise changed(path)
        changes.append(put(path, seen))
        self._made.update(change.path for change in changes)
        touched = (*touched, *above(made))
        return _Act(Done(0, 0, displaced), changes, touched, displaced=version)

    def _delete(self, operation: Delete) -> _Act:
        path, folder = operation.path, self._folder
        held = folder.look(path)
        if held is None:
            return _Act(Done(0, 0))  # it is gone already
        expect(held, operation.expected, path)
        if held.entry.kind == FOLDER:
            self._may_go(operation)
        displaced, touched = folder.store.displace(path, self._run)
        cause, user = TrashCause.DELETED, self._cause.user
        version = DisplacedVersion.of(held.entry, path, displaced, cause, user)
        done = Done(0, held.entry.ident, displaced)
        return _Act(done, [Gone(path)], touched, displaced=version)

    def _look_through(self, operation: Delete) -> int | Problem:
        """Compares a folder that is to be deleted with all below it, without locking it for long.

        Returns:
            The version up to which nothing in it is new.
        """
        try:
            held = self._folder.look(operation.path)
            if held is None or held.entry.version != operation.expected:
                return 0  # it is not deleted
            pending = [operation.path] if held.entry.kind == FOLDER else []
            while pending:
                pending += self._folder.compare(pending.pop(), lambda path, entry: True).below
            return self._unchanged(operation.path, operation.seen or 0)
        except ProblemError as error:
            return error.problem

    def _unchanged(self, path: str, since: int) -> int:
        """The version up to which there are only deletions below `path`. Raises `changed`."""
        more = True
        while more:
            page = self._folder.catalogue.changes(self._folder.id, since, path, PAGE)
            if any(entry is not None for _, entry in page.rows):
                raise changed(path)
            since, more = page.next, page.more
        return since

    def _may_go(self, operation: Delete) -> None:
        """Checks that a folder's content allows its deletion."""
        path = operation.path
        if operation.seen is None:
            if not self._folder.store.root.is_empty(path):
                raise not_empty(path)
            return
        since = self._known[operation]
        if isinstance(since, Problem):
            raise ProblemError(since)
        self._unchanged(path, since)

    def _move(self, operation: Move) -> _Act:
        path, to, folder = operation.path, paths.check(operation.to), self._folder
        held = folder.look(path)
        if held is None:
            raise vanished(path)
        expect(held, operation.expected, path)
        if paths.is_below(to, path):
            raise into_itself(path, to)
        if folder.look(to) is not None:
            raise exists(path, to)
        root = folder.store.root
        made = root.make_folder(paths.parent(to)) if paths.parent(to) else ()
        rename(root, path, to)
        seen = root.entry(to)
        if seen is None:
            raise changed(to)
        touched = [paths.parent(path), paths.parent(to), *above(made)]
        moved = CatalogueMove(path, to, seen.version)
        changes: list[Change] = [*folder.folders_above([to]), moved]
        unseen = self._has_unseen(operation, path)
        return _Act(Done(0, held.entry.ident), changes, touched, unseen=unseen)

    def _exchange(self, operation: Exchange) -> _Act:
        path, to, folder = operation.path, paths.check(operation.to), self._folder
        held, other = folder.look(path), folder.look(to)
        expect(held, operation.expected, path)
        expect(other, operation.expected_to, to)
        if held is None or other is None:
            raise vanished(path)
        if paths.is_below(to, path) or paths.is_below(path, to):
            raise one_in_the_other(path, to)
        root = folder.store.root
        exchange(root, path, to)
        seen, displaced = root.entry(to), root.entry(path)
        if seen is None or displaced is None:
            raise changed(to)
        swapped = CatalogueExchange(path, to, seen.version, displaced.version)
        touched = [paths.parent(path), paths.parent(to)]
        unseen = self._has_unseen(operation, path) or self._has_unseen(operation, to)
        return _Act(Done(0, held.entry.ident), [swapped], touched, unseen=unseen)

    def _has_unseen(self, operation: Renaming, path: str) -> bool:
        """Whether something at or below this path is newer than what the client knows."""
        folder, seen = self._folder, operation.seen
        return seen is not None and bool(folder.catalogue.changes(folder.id, seen, path, 1).rows)

    def _meta(self, operation: Meta) -> _Act:
        path, folder = operation.path, self._folder
        held, seen = folder.look_closely(path)
        expect(held, operation.expected, path)
        if held is None or seen is None or seen.kind == LINK:
            raise no_file_or_folder(path)
        if held.entry.hash == DAMAGED:
            raise ProblemError(damaged_there(path))
        mtime_ns = seen.mtime_ns if operation.mtime_ns is None else operation.mtime_ns
        wanted = seen._replace(mode=operation.mode, mtime_ns=mtime_ns)
        now, lacks = set_metadata(folder.store.root, path, seen, wanted, operation.xattrs)
        change = put(path, now._replace(hash=held.entry.hash))
        changes = [change._replace(anew=operation.xattrs is not None)]
        done = Done(0, held.entry.ident, lacks_xattrs=lacks)
        if now.kind == FOLDER:
            return _Act(done, changes, [path])
        return _Act(done, changes, files=[path])


def _groups(operations: Sequence[Operation]) -> Iterator[Sequence[Operation]]:
    """Operations that can be done before one of them is recorded. A rename is its own group."""
    group: list[Operation] = []
    taken = Subtrees()
    for operation in operations:
        # Something at or above the path may be removed, and is not recorded then.
        if group and (isinstance(operation, Renaming) or operation.path in taken):
            yield group
            group, taken = [], Subtrees()
        group.append(operation)
        if isinstance(operation, Renaming):
            yield group
            group = []
        elif isinstance(operation, Delete) or (isinstance(operation, Mkdir) and operation.expected):
            taken.add(operation.path)
    if group:
        yield group


def _is_there(root: Root, change: Change) -> bool:
    """Whether a folder is still at its path, at the first look."""
    if not isinstance(change, Put) or change.entry.kind != FOLDER:
        return False
    return root.leads_to(change.path, change.inode)


def _holds(change: Change, seen: Entry | Problem | None) -> bool:
    """Whether what is at the path of a change is what the change says."""
    if not isinstance(change, Put):
        return seen is None
    if not isinstance(seen, Entry):
        return False
    if change.entry.kind == FOLDER:
        return (seen.kind, seen.ident) == (FOLDER, change.inode)
    return seen.same_state(change.entry)
