"""Many rows in few statements.

SQLite releases the GIL at every step, and getting it back beside a busy lane is expensive: one
statement per row (`executemany`) then costs several times as much. One `INSERT … SELECT … FROM
json_each(?)` per batch holds the GIL least, but parses every row once per column: twice the work in
total. Hundreds of rows of parameters per statement are the cheapest of the three in total, and keep
bytes and integers exact. Figures (µs per row alone, µs per row beside a lane, the lane's remaining
share): executemany 7.4, 12.1, 0.73; json_each 10.2, 14.0, 0.91; this one 5.4, 8.2, 0.74. To bind a
value costs more than to copy it in a register: what is the same in all rows is bound once
(`InsertColumns`). A numbered parameter that is used in each row (`?1`) is no way to do so: the time
to compile the statement grows with the square of its parameters.

To PostgreSQL each statement is a way there and back, and a prepared one takes a list as one value:
there all rows of a batch are one statement, of the same text however many they are.
"""

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Any, Final

from cargo_sync.state.database import Statements, TakesLists

_SIZES: Final = (500, 100, 10, 1)


def put(table: str, key: str, others: str) -> str:
    """The text of an INSERT of one whole row, which replaces that with the same key.

    Args:
        table: its name.
        key: columns of its primary key, with commas.
        others: its other columns, which come after these.
    """
    changed = ", ".join(f"{name} = excluded.{name}" for name in others.split(", "))
    count = len(key.split(", ")) + len(others.split(", "))
    return (
        f"INSERT INTO {table} ({key}, {others}) VALUES ({', '.join('?' * count)}) "  # noqa: S608
        f"ON CONFLICT ({key}) DO UPDATE SET {changed}"
    )


def _parts(count: int) -> Iterator[tuple[int, int, int]]:
    """(start, end, size) of the parts; there are few sizes, so few statements are compiled."""
    start = 0
    for size in _SIZES:
        while count - start >= size:
            yield start, start + size, size
            start += size


class Insert:
    """An INSERT of many rows.

    Args:
        head: such as "INSERT INTO t (a, b) VALUES".
        row: such as "(?, ?)".
        tail: what follows the rows, or "".
    """

    def __init__(self, head: str, row: str, tail: str = "") -> None:
        self._texts = {size: f"{head} {', '.join([row] * size)} {tail}" for size in _SIZES}

    def __call__(self, connection: Statements, rows: Sequence[Sequence[object]]) -> None:
        for start, end, size in _parts(len(rows)):
            connection.execute(self._texts[size], list(chain.from_iterable(rows[start:end])))


class InsertColumns:
    """An INSERT of many new rows, given as columns; some values are the same in all of them.

    Args:
        into: such as "t (a, b, c)".
        values: such as "?, column1, column2": "?" for the same values, which come first.
        columns: how many there are.
        tail: such as "ON CONFLICT DO NOTHING RETURNING a", or "".
    """

    def __init__(self, into: str, values: str, columns: int, tail: str = "") -> None:
        row = f"({', '.join('?' * columns)})"
        head = f"INSERT INTO {into} SELECT {values} FROM"
        end = f" WHERE true {tail}" if tail else ""
        self._gives = "RETURNING" in tail
        self._texts = {
            size: f"{head} (VALUES {', '.join([row] * size)}) AS given{end}" for size in _SIZES
        }
        names = ", ".join(f"column{number}" for number in range(1, columns + 1))
        self._whole = f"{head} unnest({', '.join('?' * columns)}) AS given ({names}){end}"

    def __call__(
        self, connection: Statements, same: Sequence[object], columns: Sequence[Sequence[object]]
    ) -> list[tuple[Any, ...]]:
        """Inserts them; returns what the tail gives of them."""
        if isinstance(connection, TakesLists) and all(map(_is_array, columns)):
            done = connection.execute(self._whole, [*same, *map(list, columns)])
            return done.fetchall() if self._gives else []
        given, rows = list[tuple[Any, ...]](), zip(*columns, strict=True)
        for start, end, size in _parts(len(columns[0])):
            values = chain.from_iterable(islice(rows, end - start))
            done = connection.execute(self._texts[size], [*same, *values])
            if self._gives:
                given += done.fetchall()
        return given


class Select:
    """A SELECT of the rows whose last column is one of many values.

    Args:
        head: such as "SELECT a, b FROM t WHERE c = ? AND b IN".
    """

    def __init__(self, head: str) -> None:
        self._texts, self._whole = _lists(head), _whole(head)

    def __call__(
        self, connection: Statements, first: Sequence[object], values: Sequence[object]
    ) -> Iterator[tuple[Any, ...]]:
        if isinstance(connection, TakesLists) and _is_array(values):
            yield from connection.execute(self._whole, [*first, list(values)])
            return
        for start, end, size in _parts(len(values)):
            yield from connection.execute(self._texts[size], [*first, *values[start:end]])


class Alter:
    """An UPDATE or DELETE of the rows whose last column is one of many values.

    Args:
        head: such as "DELETE FROM t WHERE c = ? AND b IN".
    """

    def __init__(self, head: str) -> None:
        self._texts, self._whole = _lists(head), _whole(head)

    def __call__(
        self, connection: Statements, first: Sequence[object], values: Sequence[object]
    ) -> None:
        if isinstance(connection, TakesLists) and _is_array(values):
            connection.execute(self._whole, [*first, list(values)])
            return
        for start, end, size in _parts(len(values)):
            connection.execute(self._texts[size], [*first, *values[start:end]])


def _lists(head: str) -> dict[int, str]:
    """The statements, each with a list of as many values as a part has."""
    return {size: f"{head} ({', '.join('?' * size)})" for size in _SIZES}


def _whole(head: str) -> str:
    """The statement with one list of all values."""
    return f"{head.removesuffix('IN')}= ANY(?)"


def _is_array(values: Sequence[object]) -> bool:
    """Whether values are an array for a database: some, and all of one type."""
    return len(set(map(type, values))) == 1 and values[0] is not None
