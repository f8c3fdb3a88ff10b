"""How far a migration is: phases, and in each of them how many files and bytes of how many."""

from enum import StrEnum
from typing import Protocol


class Phase(StrEnum):
    """What is being done."""

    LOOKING = "looks at the folder"
    SENDING = "sends to the store"
    CHECKING = "checks that nothing is left"
    WRITING = "writes to the folder"


class MoveProgress(Protocol):
    """Who shows it. One thread calls it."""

    def phase(self, phase: Phase, total: tuple[int, int] = (0, 0)) -> None:
        """A phase begins, with so many files and bytes; (0, 0) if that is not known."""

    def advance(self, files: int, bytes: int) -> None:
        """So many more are done."""
