"""The guard: no silent mass deletion or rewrite.

A run that would delete or overwrite more than half of the tree, and more than ten of its files, is
held until a person approves it. Half of a tree does not change in normal work. It
changes when a disk was replaced, a folder was renamed, or a program encrypts all files.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from cargo_sync.model.actions import Action, Op
from cargo_sync.model.entries import FOLDER

AT_LEAST: Final = 10
SHARE: Final = 0.5


@dataclass(frozen=True, slots=True)
class Held:
    """Why a run is held: the numbers that a person needs to decide.

    deletions, overwrites  what waits for the person
    tree                   files that the job looks after
    spent                  files that were overwritten before the guard held the rest
    """

    deletions: int
    overwrites: int
    tree: int
    spent: int = 0

    def __str__(self) -> str:
        before = f", after {self.spent:,} that were overwritten before" if self.spent else ""
        return (
            f"the run would delete {self.deletions:,} and overwrite {self.overwrites:,} "
            f"of {self.tree:,} files{before}: "
            "look at `job plan`, then `job approve` to let it pass once"
        )


def together(several: Sequence[Held]) -> Held:
    """What holds a run of which several directions are held."""
    return Held(
        sum(one.deletions for one in several),
        sum(one.overwrites for one in several),
        max(one.tree for one in several),
        sum(one.spent for one in several),
    )


class Guard:
    """Counts what a run deletes and overwrites.

    tree        files in base when the run begins
    spent       overwrites that this run and earlier ones did before they were held
    refused     overwrites that the last run was refused. They still count, once: a new look must
                not let the next half pass, also when the tree has grown meanwhile
    approved    a person approved this run
    deletions, overwrites  what the run would still do
    """

    def __init__(
        self, tree: int, *, spent: int = 0, refused: int = 0, approved: bool = False
    ) -> None:
        self._tree = tree
        self._approved = approved
        self._refused = refused
        self.spent = spent
        self.deletions = 0
        self.overwrites = 0

    def overwrite(self) -> bool:
        """Counts an overwrite that could be done now; returns False when it must not happen."""
        if self._passes(1):
            self.spent += 1
            return True
        self.overwrites += 1
        return False

    def count(self, actions: Iterable[Action]) -> None:
        """Counts what these steps would delete and overwrite.

        Deleted folders do not count, because the size of the tree is its number of files.
        """
        for action in actions:
            if action.op is not Op.DELETE:
                self.overwrites += action.expected is not None and action.op in (Op.PUT, Op.MKDIR)
            elif action.expected is not None and action.expected.kind != FOLDER:
                self.deletions += 1

    def replace_folders(self, files: int) -> None:
        """Counts the files in folders that steps would replace by files or links."""
        self.overwrites += files

    def held(self) -> Held | None:
        """What holds the run, or None while it may go on."""
        if self._passes(0) or not self.deletions + self.overwrites:
            return None
        return Held(self.deletions, self.overwrites, self._tree, self.spent)

    def _passes(self, more: int) -> bool:
        touched = self.spent + max(self._refused, self.deletions + self.overwrites + more)
        return self._approved or touched <= max(AT_LEAST, self._tree * SHARE)
