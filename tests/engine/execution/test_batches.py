"""When a batch is full, when it is due, and what it contains."""

from itertools import chain

import pytest

from cargo_sync.engine.execution import batches
from cargo_sync.engine.execution.batches import BatchQueue


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Batches of 3 items, 100 bytes, or 1 second; an item is its size, and from 1000 large."""
    monkeypatch.setattr(batches, "BATCH_FILES", 3)
    monkeypatch.setattr(batches, "resumable", lambda size: size >= 1000)
    monkeypatch.setattr(batches, "BATCH_BYTES", 100)
    return Clock()


class Queue:
    """Items that are sizes, and batches without the slices in which they come."""

    def __init__(self, clock: Clock, rate: int) -> None:
        self._queue: BatchQueue[int] = BatchQueue(clock, lambda: rate)

    def __len__(self) -> int:
        return len(self._queue)

    def extend(self, sizes: list[int]) -> None:
        self._queue.extend(sizes, sizes)

    def due(self) -> list[int]:
        return list(chain.from_iterable(self._queue.due()))

    def rest(self) -> list[int]:
        return list(chain.from_iterable(self._queue.rest()))


def queue(clock: Clock, rate: int = 1 << 30) -> Queue:
    return Queue(clock, rate)


@pytest.mark.parametrize(
    ("items", "full", "rest"),
    [
        ([1, 2], [], [[1, 2]]),
        ([1, 2, 3], [[1, 2, 3]], []),
        ([1, 2, 3, 4], [[1, 2, 3]], [[4]]),
        ([99], [], [[99]]),
        ([99, 1], [[99, 1]], []),
        ([99, 500, 7], [[99, 500]], [[7]]),
        ([100, 100, 1], [[100], [100]], [[1]]),
        ([1, 2, 3, 4, 5, 6, 7], [[1, 2, 3], [4, 5, 6]], [[7]]),
        ([0, 0, 0], [[0, 0, 0]], []),
        ([], [], []),
    ],
)
def test_full_batches_are_due_at_once_and_the_rest_comes_at_the_end(
    clock: Clock, items: list[int], full: list[list[int]], rest: list[list[int]]
) -> None:
    waiting = queue(clock)
    waiting.extend(items)
    assert list(iter(waiting.due, [])) == full
    assert list(iter(waiting.rest, [])) == rest
    assert len(waiting) == 0


def test_what_comes_in_parts_makes_the_same_batches(clock: Clock) -> None:
    waiting = queue(clock)
    waiting.extend([1])
    waiting.extend([2])
    assert waiting.due() == []
    waiting.extend([3, 4])
    assert (waiting.due(), waiting.due(), waiting.rest()) == ([1, 2, 3], [], [4])


def test_a_batch_that_is_not_full_is_due_a_second_after_its_first_item(clock: Clock) -> None:
    waiting = queue(clock)
    clock.now += 5  # nothing waits: this time does not count
    waiting.extend([1])
    clock.now += 0.9
    waiting.extend([2])
    assert waiting.due() == []
    clock.now += 0.1
    assert waiting.due() == [1, 2]
    clock.now += 5
    assert waiting.due() == []


def test_what_a_full_batch_left_waits_from_then_on(clock: Clock) -> None:
    waiting = queue(clock)
    waiting.extend([1, 2])
    clock.now += 0.9
    waiting.extend([3, 4])
    assert waiting.due() == [1, 2, 3]
    clock.now += 0.9
    assert waiting.due() == []
    clock.now += 0.1
    assert waiting.due() == [4]


def test_a_large_file_is_a_batch_alone_and_due_at_once(clock: Clock) -> None:
    waiting = queue(clock)
    waiting.extend([1, 1000, 2, 5000])
    assert (waiting.due(), waiting.due(), waiting.due()) == ([1000], [5000], [])
    waiting.extend([3, 2000, 4, 3000])
    assert waiting.due() == [1, 2, 3], "what is full goes first, although it came first too"
    assert list(iter(waiting.rest, [])) == [[2000], [3000], [4]]
    assert len(waiting) == 0


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        (1, [[5], [5], [5], [5], [5]]),
        (9, [[5, 5], [5, 5], [5]]),
        (11, [[5, 5, 5], [5, 5]]),
        (1 << 40, [[5, 5, 5], [5, 5]]),
    ],
)
def test_a_batch_holds_what_moves_in_a_second(
    clock: Clock, rate: int, expected: list[list[int]]
) -> None:
    waiting = queue(clock, rate)
    waiting.extend([5] * 5)
    assert list(iter(waiting.rest, [])) == expected
