"""The guard: no silent mass deletion or rewrite.

A run that would delete or overwrite more than half of the tree, and more than ten of its files, is
held until a person approves it (promise 5: half of a tree never changes by itself, but it does when
a disk was exchanged, a folder was renamed, or a program encrypts what it finds).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from cargo_sync.model.actions import Action, Op
from cargo_sync.model.entries import FOLDER

AT_LEAST: Final = 10
SHARE: Final = 0.5


@dataclass(frozen=True, slots=True)
class Held:
    """Why a run is held, in numbers a person can judge."""

    deletions: int
    overwrites: int
    tree: int

    def __str__(self) -> str:
        return (
            f"the run would delete {self.deletions:,} and overwrite {self.overwrites:,} "
            f"of {self.tree:,} files: look at `job plan`, then `job approve` to let it pass once"
        )


class Guard:
    """Counts what a run deletes and overwrites.

    tree      files that base holds as the run begins
    spent     overwrites of the runs before that were held: looking again does not let the next half
              pass
    approved  a person let this run pass
    """

    def __init__(self, tree: int, *, spent: int = 0, approved: bool = False) -> None:
        self._tree = tree
        self._approved = approved
        self.deletions = 0
        self.overwrites = spent

    def overwrite(self, count: int = 1) -> bool:
        """Counts overwrites; False when they must not happen."""
        self.overwrites += count
        return self.held() is None

    def count(self, actions: Iterable[Action]) -> None:
        """Counts what these steps delete and overwrite; folders not, since the tree is counted in
        files."""
        for action in actions:
            if action.op is not Op.DELETE:
                self.overwrites += action.expected is not None and action.op in (Op.PUT, Op.MKDIR)
            elif action.expected is not None and action.expected.kind != FOLDER:
                self.deletions += 1

    def held(self) -> Held | None:
        """What holds the run, or None while it may go on."""
        touched = self.deletions + self.overwrites
        if self._approved or touched <= max(AT_LEAST, self._tree * SHARE):
            return None
        return Held(self.deletions, self.overwrites, self._tree)
