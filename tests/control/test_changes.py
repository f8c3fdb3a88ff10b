"""Values are published only if they changed."""

from collections.abc import Mapping
from typing import Any

from cargo_sync.control.changes import Changes


class Board:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def publish(
        self, topic: str, type: str, fields: Mapping[str, Any], *, cursor: int | None = None
    ) -> None:
        self.lines.append(f"{topic} {type} {dict(fields)}")

    def forget(self, prefix: str) -> None:
        self.lines.append(f"forget {prefix}")

    def has_subscribers(self, prefix: str) -> bool:
        return bool(prefix)


def test_a_value_is_published_when_it_differs_from_the_last_one() -> None:
    board = Board()
    changes = Changes(board)
    told = [
        changes.publish(topic, "status", value, lambda: {"n": len(board.lines)})
        for topic, value in (("a", 1), ("a", 1), ("b", 1), ("a", 2), ("a", 1))
    ]
    assert told == [True, False, True, True, True]
    assert board.lines == [
        "a status {'n': 0}",
        "b status {'n': 1}",
        "a status {'n': 2}",
        "a status {'n': 3}",
    ]
    assert changes.has("a") and not changes.has("c")


def test_what_is_dropped_is_said_again() -> None:
    board = Board()
    changes = Changes(board)
    changes.drop("a")
    changes.publish("a", "status", 1, dict)
    changes.drop("a")
    changes.publish("a", "status", 1, dict)
    assert board.lines == ["a status {}", "forget a", "a status {}"]
