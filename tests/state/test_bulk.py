"""Many rows in few statements."""

from collections.abc import Sequence

import pytest

from cargo_sync.state.bulk import Alter, InsertColumns, Select
from cargo_sync.state.database import TakesLists

ADD = InsertColumns("t (a, b, c)", "?, column1, column2", 2)
FIND = Select("SELECT a FROM t WHERE c = ? AND b IN")
DROP = Alter("DELETE FROM t WHERE c = ? AND b IN")


class One:
    """Keeps the statements that it gets."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, list[object]]] = []

    def execute(self, sql: str, parameters: Sequence[object] = (), /) -> "One":
        self.asked.append((sql, list(parameters)))
        return self

    rowcount = 0

    def fetchone(self) -> None: ...
    def fetchall(self) -> list[object]:
        return []

    def __iter__(self) -> "One":
        return self

    def __next__(self) -> object:
        raise StopIteration


class Listing(One, TakesLists):
    """The same, and a parameter may be a list."""


def asked_by(connection: One, numbers: Sequence[object]) -> list[tuple[str, list[object]]]:
    ADD(connection, ["x"], [numbers, [b"y"] * len(numbers)])
    assert not list(FIND(connection, ["x"], numbers))
    DROP(connection, ["x"], numbers)
    return connection.asked


def test_a_batch_is_one_statement_where_a_list_is_a_parameter() -> None:
    for count in (1, 37, 612):
        numbers = list(range(count))
        assert asked_by(Listing(), numbers) == [
            (
                "INSERT INTO t (a, b, c) SELECT ?, column1, column2 FROM unnest(?, ?) "
                "AS given (column1, column2)",
                ["x", numbers, [b"y"] * count],
            ),
            ("SELECT a FROM t WHERE c = ? AND b = ANY(?)", ["x", numbers]),
            ("DELETE FROM t WHERE c = ? AND b = ANY(?)", ["x", numbers]),
        ]


@pytest.mark.parametrize(
    ("connection", "values", "statements"),
    [
        (One(), range(612), 3 * 5),  # 500, 100, 10, 1 and 1
        (Listing(), [1, None, b"2"], 3 * 3),
        (Listing(), [], 0),
        (One(), [], 0),
    ],
    ids=["no lists", "no array", "nothing", "nothing without lists"],
)
def test_else_it_is_few_statements(
    connection: One, values: Sequence[object], statements: int
) -> None:
    asked = asked_by(connection, values)
    assert len(asked) == statements
    added = [parameters[1:] for sql, parameters in asked if sql.startswith("INSERT")]
    assert [value for part in added for value in part[::2]] == list(values)
