"""A sink that publishes a batch as soon as it is submitted, as a folder does."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from cargo_sync.model.problems import Problem, ProblemError
from cargo_sync.model.transfers import Finished, Offer, Receipt


class PublishesAtOnce(ABC):
    """What a lane's sink needs beside `commit`: it is never full and never wakes anybody."""

    _finished: tuple[Finished, ...] = ()

    @abstractmethod
    def commit(self, batch: int) -> list[Receipt]:
        """Publishes the complete files of a batch, durably; returns one receipt per offer.

        Raises:
            ProblemError: nothing of the batch was committed.
        """

    def submit(self, batch: int) -> None:
        """Publishes the batch now; `finished` has what came of it."""
        result: list[Receipt] | Problem
        try:
            result = self.commit(batch)
        except ProblemError as error:
            result = error.problem
        self._finished += ((batch, result),)

    def finished(self) -> list[Finished]:
        finished, self._finished = self._finished, ()
        return list(finished)

    def full(self) -> bool:
        return False

    def is_ready(self, offers: Sequence[Offer]) -> bool:
        return True

    def wakes(self, wake: Callable[[], None]) -> None:
        return None  # it never has anything to tell later

    def exchanges(self, exchange: Callable[[memoryview, memoryview], bool]) -> None:
        return None  # it has written what it was given
