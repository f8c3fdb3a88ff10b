"""Changing rows without content: folders are made, entries deleted (to the trash) and renamed.

Times and modes are set here too. Each operation can fail alone. What is to be recorded is collected
and written in one transaction; an operation that depends on what is not written yet comes after it.
A renaming is recorded alone, and ends its turn: the rows of a large folder follow without one.
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
)
from cargo_sync.model import paths
from cargo_sync.model.displaced import TrashCause
from cargo_sync.model.entries import FOLDER, LINK, PERMISSIONS
from cargo_sync.model.history import ChangeCause
from cargo_sync.model.problems import ProblemError
from cargo_sync.model.slices import path_cost, slices
from cargo_sync.model.subtrees import Subtrees
from cargo_sync.server.workspace.content.displacing import Displacing
from cargo_sync.server.workspace.content.tree import ContentTree, new_folder
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
"""Operations that are done while the workspace is locked; fewer of those deep down."""
PAGE: Final = 2_000
"""Changes that are looked through at a time."""


@dataclass(frozen=True, slots=True)
class _Act:
    """An operation that is not recorded yet.

    at       its number among the operations
    changes  the last one is the operation's own path
    unseen   it moves something that the client does not know
    """

    at: int
    done: Done
    changes: Sequence[Change]
    unseen: bool = False


class RowOperations:
    """Executes the operations of one request, for a user.

    `permitted` is called before each of them, and raises ProblemError if it may not be done.
    """

    def __init__(
        self, tree: ContentTree, run: str, permitted: Callable[[], None], cause: ChangeCause
    ) -> None:
        self._tree = tree
        self._cause = cause
        self._permitted = permitted
        self._displacing = Displacing(tree, run, cause.user)
        self._acts: list[_Act] = []
        """Done, and not recorded yet."""
        self._made: dict[str, Put] = {}
        """The folders among what is not recorded yet."""
        self._new, self._other = Subtrees(), Subtrees()
        """Where folders are made, and what else is not as the rows say."""
        self._results: list[OperationResult] = []

    def __call__(self, operations: Sequence[Operation]) -> list[OperationResult]:
        """One result per operation, in order; each is durable."""
        for some in slices(operations, lambda one: path_cost(one.path), TOGETHER):
            for group in _up_to_renaming(some):
                self._do_together(group)
            self._tree.finish()
        return self._results

    def _do_together(self, some: Sequence[Operation]) -> None:
        """Does operations in one turn, of which only the last may be a renaming."""
        done = len(self._results)
        try:
            with self._tree.turn():
                for operation in some:
                    self._do(operation)
                self._record()
        except ProblemError as error:  # the turn could not begin or end
            self._forget()
            self._results[done:] = [error.problem] * len(some)
        if isinstance(some[-1], Renaming):
            self._finish(some[-1])

    def _do(self, operation: Operation) -> None:
        """Does one; adds its result, which counts once it is recorded."""
        at = len(self._results)
        try:
            self._permitted()
            paths.check(operation.path)
            if self._must_be_recorded_first(operation):
                self._record()
            done = self._act(operation, at)
        except ProblemError as error:
            self._results.append(error.problem)
            return
        self._results.append(done.done if isinstance(done, _Act) else done)
        if isinstance(done, _Act):
            self._acts.append(done)

    def _must_be_recorded_first(self, operation: Operation) -> bool:
        """Whether it depends on what is not recorded yet. A rename is recorded alone."""
        if isinstance(operation, Renaming):
            return bool(self._acts)
        path = operation.path
        if isinstance(operation, Mkdir) and not operation.expected:
            return self._other.meets(path)
        return self._other.meets(path) or self._new.meets(path)

    def _record(self) -> None:
        """Records what was done. If that fails, none of it is done."""
        acts, versions = self._acts, self._displacing.taken()
        self._forget()
        changes = [change for act in acts for change in act.changes]
        if not changes:
            return
        try:
            recorded = self._tree.record(changes, versions, self._cause)
        except ProblemError as error:
            for act in acts:
                self._results[act.at] = error.problem
            return
        numbers = iter(recorded.versions)
        for act in acts:
            version = [next(numbers) for _ in act.changes][-1]
            moved = () if act.unseen else tuple(recorded.moved)
            self._results[act.at] = act.done._replace(
                version=version, ident=act.done.ident or version, changed=moved
            )

    def _forget(self) -> None:
        """Nothing waits to be recorded."""
        self._acts = []
        self._displacing.taken()
        self._made.clear()
        self._new, self._other = Subtrees(), Subtrees()

    def _finish(self, operation: Renaming) -> None:
        """Writes the rows of a large folder that moved; its numbers are told to who moved it.

        All of them are told or none: of a move without its numbers the client reads everything.
        """
        done = self._results[-1]
        numbers = self._tree.finish(operation.to if isinstance(operation, Move) else "")
        if numbers and isinstance(done, Done) and done.changed:
            self._results[-1] = done._replace(changed=(*done.changed, *numbers))

    def _act(self, operation: Operation, at: int) -> _Act | Done:
        match operation:
            case Mkdir():
                return self._mkdir(operation, at)
            case Delete():
                return self._delete(operation, at)
            case Move():
                return self._move(operation, at)
            case Exchange():
                return self._exchange(operation, at)
            case Meta():
                return self._meta(operation, at)

    def _mkdir(self, operation: Mkdir, at: int) -> _Act | Done:
        path, tree = operation.path, self._tree
        if (made := self._made.get(path)) is not None:
            return _Act(at, Done(0, 0), [made])
        held = tree.look(path)
        if held is not None and held.entry.kind == FOLDER:
            return Done(held.entry.version, held.entry.ident)
        expect(held, operation.expected, path)
        above, place = tree.folders_above([path], self._made), ""
        if held is not None:
            place = self._displacing.add(path, held, TrashCause.OVERWRITTEN)
            self._other.add(path)
        changes = [*above, new_folder(path, operation.mode)]
        for change in changes:
            self._made[change.path] = change
            self._new.add(change.path)
        return _Act(at, Done(0, 0, place), changes)

    def _delete(self, operation: Delete, at: int) -> _Act | Done:
        path = operation.path
        held = self._tree.look(path)
        if held is None:
            return Done(0, 0)  # it is gone already
        expect(held, operation.expected, path)
        if held.entry.kind == FOLDER:
            self._may_go(operation)
        place = self._displacing.add(path, held, TrashCause.DELETED)
        self._other.add(path)
        return _Act(at, Done(0, held.entry.ident, place), [Gone(path)])

    def _may_go(self, operation: Delete) -> None:
        """Checks that a folder's content allows its deletion. Raises ProblemError."""
        path, tree, since = operation.path, self._tree, operation.seen
        if since is None:
            if tree.catalogue.stats(tree.id, path, limit=1):
                raise not_empty(path)
            return
        more = True
        while more:
            page = tree.catalogue.changes(tree.id, since, path, PAGE)
            if any(entry is not None for _, entry in page.rows):
                raise changed(path)
            since, more = page.next, page.more

    def _move(self, operation: Move, at: int) -> _Act:
        path, to, tree = operation.path, paths.check(operation.to), self._tree
        held = tree.look(path)
        if held is None:
            raise vanished(path)
        expect(held, operation.expected, path)
        if paths.is_below(to, path):
            raise into_itself(path, to)
        if tree.look(to) is not None:
            raise exists(path, to)
        changes: list[Change] = [*tree.folders_above([to]), CatalogueMove(path, to, 0)]
        unseen = self._has_unseen(operation, path)
        return _Act(at, Done(0, held.entry.ident), changes, unseen=unseen)

    def _exchange(self, operation: Exchange, at: int) -> _Act:
        path, to, tree = operation.path, paths.check(operation.to), self._tree
        held, other = tree.look(path), tree.look(to)
        expect(held, operation.expected, path)
        expect(other, operation.expected_to, to)
        if held is None or other is None:
            raise vanished(path)
        if paths.is_below(to, path) or paths.is_below(path, to):
            raise one_in_the_other(path, to)
        swapped = CatalogueExchange(path, to, 0, 0)
        unseen = self._has_unseen(operation, path) or self._has_unseen(operation, to)
        return _Act(at, Done(0, held.entry.ident), [swapped], unseen=unseen)

    def _has_unseen(self, operation: Renaming, path: str) -> bool:
        """Whether something at or below this path is newer than what the client knows."""
        tree, seen = self._tree, operation.seen
        return seen is not None and bool(tree.catalogue.changes(tree.id, seen, path, 1).rows)

    def _meta(self, operation: Meta, at: int) -> _Act:
        path = operation.path
        held = self._tree.look(path)
        expect(held, operation.expected, path)
        if held is None or held.entry.kind == LINK:
            raise no_file_or_folder(path)
        entry = held.entry
        mode = (entry.mode & ~PERMISSIONS) | (operation.mode & PERMISSIONS)
        mtime_ns = entry.mtime_ns if operation.mtime_ns is None else operation.mtime_ns
        if entry.kind == FOLDER:
            mode, mtime_ns = mode | 0o700, entry.mtime_ns  # otherwise nothing could be put there
        change = Put(path, entry._replace(mode=mode, mtime_ns=mtime_ns), 0, 0)
        self._other.add(path)
        # No attributes are kept here: nobody was told that they are.
        done = Done(0, entry.ident, lacks_xattrs=operation.xattrs is not None)
        return _Act(at, done, [change])


def _up_to_renaming(operations: Sequence[Operation]) -> Iterator[Sequence[Operation]]:
    """Groups of them, each of which ends where something was renamed."""
    start = 0
    for at, operation in enumerate(operations, 1):
        if isinstance(operation, Renaming) or at == len(operations):
            yield operations[start:at]
            start = at
