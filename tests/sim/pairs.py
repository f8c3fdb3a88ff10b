"""Pairs: what the two sides of a two-way job have as one and the same thing, by its idents.

A rename keeps an ident, wherever people or steps bring something. So a pair says what has become of
one thing on both sides, also where a rename of the run failed, or was never recorded.
"""

from typing import NamedTuple

from cargo_sync.model.entries import FOLDER
from tests.sim.changes import Change
from tests.sim.epoch import State, state
from tests.sim.ledger import CountedTree


class _Pair(NamedTuple):
    """What a near ident is on the far side, and what and where it was when both had the same."""

    far: int
    state: State
    path: str


class Pairs:
    """The pairs of both sides since an epoch began."""

    def __init__(self, near: CountedTree, far: CountedTree) -> None:
        self._near = near
        self._far = far
        self._known: dict[int, _Pair] = {}
        self._went: dict[int, str] = {}
        """By its far ident, where people put something last, if a run may have seen it there."""
        for path in near.all():
            self.meet(path)

    def meet(self, path: str) -> None:
        """Both sides have the same at a path now, if they have something there."""
        near, far = self._near.entry(path), self._far.entry(path)
        there = state(self._near, path)
        if near is not None and far is not None and _alike(there, state(self._far, path)):
            self._known[near.ident] = _Pair(far.ident, there, path)

    def changed(self, path: str, old: Change | None, new: Change) -> None:
        """People of the far side have changed a path, which they may have changed before."""
        gone = old is not None and old.ident != new.ident and self._went.get(old.ident) == path
        if gone and old is not None and old.last == new.last and not new.last % 2:
            del self._went[old.ident]  # it came and went between the same two runs
        if new.ident:
            self._went[new.ident] = path

    def is_elsewhere(self, path: str, left: Change) -> bool:
        """Whether people of the far side gave another name to what the near side has at a path.

        Args:
            path: where people of the near side put it.
            left: how they left it: what they changed in it besides makes it something of their own.
        """
        pair = self._known.get(left.ident)
        if pair is None or not _alike(left.state, pair.state):
            return False
        return self._went.get(pair.far, path) not in (path, pair.path)


def _alike(one: State, other: State) -> bool:
    """Whether two states have the same content; folders are alike, whatever their mode."""
    if one is None or other is None:
        return False
    return one[0] == other[0] and (one[0] == FOLDER or one[1] == other[1])
