"""What the judge of one-way jobs lets pass, and what not, where both sides changed a file."""

import pytest

from tests.sim.epoch import Direction, Epoch, renames
from tests.sim.ledger import CountedTree, Ledger
from tests.sim.story import BrokenPromiseError


class Sides:
    """A delivered file, "b", and people at both sides."""

    def __init__(self) -> None:
        ledger = Ledger()
        self.source, self.destination = CountedTree("near", ledger), CountedTree("far", ledger)
        for tree in (self.source, self.destination):
            tree.write("b", b"delivered", 5)
        self._own: set[str] = set()
        self._epoch = self._begin()

    def _begin(self) -> Epoch:
        direction = Direction(propagate=True)
        return Epoch(self.source, self.destination, direction, lambda path: False, self._own)

    def move(self, path: str, to: str) -> None:
        self.destination.move(path, to)
        self._epoch.touched(self.destination, [path, to])

    def write(self, path: str, content: bytes) -> None:
        self.destination.write(path, content, 5)
        self._epoch.touched(self.destination, [path])

    def exchange(self, path: str, to: str) -> None:
        """A step does, after a person has changed both at the source."""
        self.source.write(path, b"new", 5)
        self._epoch.touched(self.source, [path])
        self.destination.exchange(path, to)
        for one, other in renames(path, to, exchange=True):
            self._epoch.renamed(one, other)

    def rest(self) -> None:
        self._epoch.judge()
        self._epoch = self._begin()

    def delete(self) -> None:
        """A person deletes the file at the source, and the job at the destination."""
        self.source.remove("b")
        self._epoch.touched(self.source, ["b"])
        self.destination.remove("b")

    def must_stay(self) -> None:
        with pytest.raises(BrokenPromiseError, match="gone here and changed there: 'b'"):
            self._epoch.judge()


def test_what_was_moved_away_and_back_may_be_deleted() -> None:
    sides = Sides()
    sides.move("b", "B")
    sides.move("B", "b")
    sides.delete()
    sides.rest()


def test_it_may_also_if_both_sides_rested_in_between() -> None:
    sides = Sides()
    sides.move("b", "B")
    sides.rest()
    sides.move("B", "b")
    sides.delete()
    sides.rest()


@pytest.mark.parametrize("replaced", [True, False])
def test_what_a_step_has_replaced_is_not_renamed_with_what_came(replaced: bool) -> None:
    sides = Sides()
    sides.write("a", b"their own")
    if replaced:
        sides.destination.write("a", b"delivered, too", 5)
    sides.exchange("a", "b")
    sides.destination.write("a", b"new", 5)
    sides.delete()
    if replaced:
        sides.rest()
    else:
        sides.must_stay()


@pytest.mark.parametrize("content", [b"another", b"delivered"])
def test_another_file_under_its_name_stays(content: bytes) -> None:
    sides = Sides()
    sides.move("b", "B")
    sides.rest()
    sides.write("b", content)
    sides.delete()
    sides.must_stay()


def test_what_people_had_changed_stays_when_it_is_back() -> None:
    sides = Sides()
    sides.write("b", b"their own")
    sides.rest()
    sides.move("b", "B")
    sides.move("B", "b")
    sides.delete()
    sides.must_stay()
