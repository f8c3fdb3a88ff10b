"""Changing a folder without content: folders are made, entries deleted (to the trash) and moved.

Each operation can fail alone. Many operations are synced and recorded together, because a sync or a
transaction costs as much as hundreds of renames.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from cargo_sync.catalogue.contract import Catalogued, Change, Gone
from cargo_sync.catalogue.contract import CatalogueMove as Moved
from cargo_sync.local.root import above
from cargo_sync.model import paths
from cargo_sync.model.entries import FOLDER
from cargo_sync.model.problems import Code, Problem, ProblemError, from_os_error
from cargo_sync.model.slices import path_cost, slices
from cargo_sync.model.subtrees import Subtrees
from cargo_sync.server.workspace.catalogued_folder import CataloguedFolder, changed
from cargo_sync.server.workspace.comparison import put

TOGETHER: Final = 200
"""Operations that are recorded together; the folder is locked meanwhile."""


class Mkdir(NamedTuple):
    """Makes a folder at `path`. `expected` is the version that is replaced, 0 for nothing.

    mode  None for what the umask allows
    """

    path: str
    mode: int | None
    expected: int


class Delete(NamedTuple):
    """Moves the entry with version `expected` to the trash.

    seen  for a folder that is not empty: nothing in it may be newer than this version; None: it
          must be empty
    """

    path: str
    expected: int
    seen: int | None


class Move(NamedTuple):
    """Moves the entry with version `expected` to `to`, where nothing may be."""

    path: str
    to: str
    expected: int


Operation = Mkdir | Delete | Move


class Done(NamedTuple):
    """What is at the path now.

    version, ident  of the row at the path; after a deletion it is a tombstone
    displaced       where in the trash the earlier entry is, or ""
    """

    version: int
    ident: int
    displaced: str = ""


OperationResult = Done | Problem


@dataclass(frozen=True, slots=True)
class _Act:
    """What an operation has done to the folder, and what to record.

    changes  the last one is the operation's own path; none if there was nothing to do
    """

    done: Done
    changes: Sequence[Change] = ()
    touched: Sequence[str] = ()


class OperationBatch:
    """Executes the operations of one request.

    `permitted` is called before each of them, and raises ProblemError if it may not be done.
    """

    def __init__(self, folder: CataloguedFolder, run: str, permitted: Callable[[], None]) -> None:
        self._folder = folder
        self._run = run
        self._permitted = permitted
        self._made: set[str] = set()
        """Folders that are made and not recorded yet."""

    def __call__(self, operations: Sequence[Operation]) -> list[OperationResult]:
        """One result per operation, in order; each is durable."""
        results: list[OperationResult] = []
        for some in slices(operations, lambda one: path_cost(one.path), TOGETHER):
            results += self._together(some)
        return results

    def _together(self, operations: Sequence[Operation]) -> list[OperationResult]:
        results: list[OperationResult] = []
        acts: list[_Act | Problem] = []
        taken = Subtrees()
        with self._folder.lock:
            for operation in operations:
                # Something at or above the path was removed, and is not recorded yet.
                if isinstance(operation, Move) or operation.path in taken:
                    results += self._record(acts)
                    acts, taken = [], Subtrees()
                try:
                    acts.append(self._act(operation))
                except ProblemError as error:
                    acts.append(error.problem)
                if isinstance(operation, Move):
                    results += self._record(acts)
                    acts = []
                elif isinstance(operation, Delete) or (acts[-1:] and _displaced(acts[-1])):
                    taken.add(operation.path)
            results += self._record(acts)
        return results

    def _record(self, acts: Sequence[_Act | Problem]) -> list[OperationResult]:
        """Makes the changes durable, then records them; if that fails, none is reported as done."""
        self._made.clear()
        good = [act for act in acts if isinstance(act, _Act)]
        changes = [change for act in good for change in act.changes]
        try:
            if changes:
                self._folder.store.root.sync({folder for act in good for folder in act.touched})
            versions = iter(self._folder.record(changes) if changes else ())
        except ProblemError as error:
            return [act if isinstance(act, Problem) else error.problem for act in acts]
        results: list[OperationResult] = []
        for act in acts:
            if isinstance(act, Problem):
                results.append(act)
                continue
            version = 0
            for _ in act.changes:
                version = next(versions)
            done = act.done
            results.append(
                done._replace(version=version, ident=done.ident or version) if act.changes else done
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

    def _mkdir(self, operation: Mkdir) -> _Act:
        path, folder = operation.path, self._folder
        held = folder.look(path)
        if held is not None and held.entry.kind == FOLDER:
            return _Act(Done(held.entry.version, held.entry.ident))
        _expect(held, operation.expected, path)
        root, displaced, touched = folder.store.root, "", tuple[str, ...]()
        if held is not None:
            displaced, touched = folder.store.displace(path, self._run)
        made = root.make_folder(path, operation.mode)
        # Folders that were there but are not recorded yet come before those that were made.
        changes = folder.folders_above([path], self._made)
        seen = root.entry(path)
        if seen is None or seen.kind != FOLDER:
            raise changed(path)
        changes.append(put(path, seen))
        self._made.update(change.path for change in changes)
        return _Act(Done(0, 0, displaced), changes, [*touched, *above(made)])

    def _delete(self, operation: Delete) -> _Act:
        path, folder = operation.path, self._folder
        held = folder.look(path)
        if held is None:
            return _Act(Done(0, 0))  # it is gone already
        _expect(held, operation.expected, path)
        if held.entry.kind == FOLDER:
            self._may_go(operation)
        displaced, touched = folder.store.displace(path, self._run)
        return _Act(Done(0, held.entry.ident, displaced), [Gone(path)], touched)

    def _may_go(self, operation: Delete) -> None:
        """Checks that a folder's content, as it is now, allows its deletion."""
        path, folder = operation.path, self._folder
        if operation.seen is None:
            if any(folder.store.root.listing(path)):
                message = f"{path!r} is a folder that is not empty"
                raise ProblemError(Problem(Code.NOT_EMPTY, message, path))
            return
        pending = [path]
        while pending:
            pending += folder.compare(pending.pop(), lambda path, entry: True).below
        since, more = operation.seen, True
        while more:
            page = folder.catalogue.changes(folder.id, since, path, TOGETHER)
            if any(entry is not None for _, entry in page.rows):
                raise changed(path)
            since, more = page.next, page.more

    def _move(self, operation: Move) -> _Act:
        path, to, folder = operation.path, paths.check(operation.to), self._folder
        held = folder.look(path)
        if held is None:
            raise ProblemError(Problem(Code.VANISHED, f"{path!r} is not there any more", path))
        _expect(held, operation.expected, path)
        if paths.is_below(to, path):
            reason = f"{path!r} cannot be moved to {to!r}, into itself"
            raise ProblemError(Problem(Code.BAD_PATH, reason, path, retry=False))
        if folder.look(to) is not None:
            raise ProblemError(Problem(Code.OCCUPIED, f"{to!r} exists already", path))
        root = folder.store.root
        made = root.make_folder(paths.parent(to)) if paths.parent(to) else ()
        with root.folder(paths.parent(path)) as source, root.folder(paths.parent(to)) as target:
            try:
                root.system.rename_noreplace(source.fd, paths.name(path), target.fd, paths.name(to))
            except OSError as error:
                raise ProblemError(from_os_error(error, to)) from error
        seen = root.entry(to)
        if seen is None:
            raise changed(to)
        touched = [paths.parent(path), paths.parent(to), *above(made)]
        moved = Moved(path, to, seen.version)
        return _Act(Done(0, held.entry.ident), [*folder.folders_above([to]), moved], touched)


def _expect(held: Catalogued | None, version: int, path: str) -> None:
    if (held.entry.version if held is not None else 0) != version:
        raise changed(path)


def _displaced(act: _Act | Problem) -> bool:
    return isinstance(act, _Act) and bool(act.done.displaced)
