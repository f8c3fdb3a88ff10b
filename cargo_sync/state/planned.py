"""Planned actions on disk: those of a preview, kept for an hour, and those that a run collects.

They grow with the changes, not with the tree, so a run holds none of them in memory.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from cargo_sync.model.actions import Action, Op
from cargo_sync.model.entries import Entry
from cargo_sync.model.jobs import Mode
from cargo_sync.state.database import Database, Statements

_ACTIONS = "SELECT number, direction, action FROM planned_action WHERE run = ?1"
_WAY = "AND (?4 IS NULL OR direction = ?4)"


class PlannedAction(NamedTuple):
    """One step of a plan; numbers count from 1."""

    number: int
    direction: Mode
    action: Action


@dataclass(frozen=True, slots=True)
class PlannedPage:
    """A page of a plan.

    job      name
    time     when the plan began, by the retention clock
    totals   given to `ready`; None while the plan is being made
    actions  in the order they were added
    """

    job: str
    time: float
    totals: Mapping[str, int] | None
    actions: list[PlannedAction]


class Planned:
    """The plans of a daemon, by run id."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, run: str, job: str, time: float) -> None:
        """Begins an empty plan; an old one of the same run is dropped."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM planned_run WHERE run = ?", (run,))
            connection.execute(
                "INSERT INTO planned_run (run, job, time) VALUES (?, ?, ?)", (run, job, time)
            )

    def add(self, run: str, actions: Sequence[Action], direction: Mode) -> None:
        """Adds actions of one direction, in their order, to a plan that was begun."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO planned_action (run, number, action, direction) "
                "SELECT ?1, key + 1 + coalesce("
                "(SELECT max(number) FROM planned_action WHERE run = ?1), 0), value, ?3 "
                "FROM json_each(?2)",
                (run, orjson.dumps([_columns(action) for action in actions]).decode(), direction),
            )

    def ready(self, run: str, totals: Mapping[str, int]) -> None:
        """Marks a plan as complete; `totals` are the counts that `Run.plan` returns."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE planned_run SET totals = ? WHERE run = ?",
                (orjson.dumps(totals).decode(), run),
            )

    def page(
        self, run: str, after: int, limit: int, direction: Mode | None = None
    ) -> PlannedPage | None:
        """Up to `limit` actions with numbers above `after`; None when there is no such plan.

        Args:
            run: of the plan.
            after: a number.
            limit: of actions.
            direction: of these actions; None for both.
        """
        return self._page(run, "AND number > ?2", "number", after, limit, direction)

    def back(
        self, run: str, before: int, limit: int, direction: Mode | None = None
    ) -> PlannedPage | None:
        """Like `page`, from the end: actions with numbers below `before`, the last one first."""
        return self._page(run, "AND number < ?2", "number DESC", before, limit, direction)

    def _page(
        self, run: str, part: str, order: str, mark: int, limit: int, direction: Mode | None
    ) -> PlannedPage | None:
        with self._database.read() as connection:
            head = connection.execute(
                "SELECT job, time, totals FROM planned_run WHERE run = ?", (run,)
            ).fetchone()
            rows = connection.execute(
                f"{_ACTIONS} {part} {_WAY} ORDER BY {order} LIMIT ?3", (run, mark, limit, direction)
            ).fetchall()
        if head is None:
            return None
        job, time, totals = head
        actions = [PlannedAction(number, Mode(way), _action(text)) for number, way, text in rows]
        return PlannedPage(job, time, orjson.loads(totals) if totals else None, actions)

    def drop(self, run: str, most: int = 2**62) -> bool:
        """Drops a plan, up to `most` of its actions.

        Returns:
            Whether there may be more.
        """
        with self._database.transaction() as connection:
            return _drop(connection, run, most)

    def purge(self, before: float, most: int = 2**62) -> bool:
        """Drops plans begun before `before` (retention clock), up to `most` actions.

        Returns:
            Whether there may be more.
        """
        with self._database.transaction() as connection:
            old = "SELECT run FROM planned_run WHERE time < ?1"
            row = connection.execute(f"{old} ORDER BY time, run LIMIT 1", (before,)).fetchone()
            if row is None:
                return False
            _drop(connection, row[0], most)
            return True


def _drop(connection: Statements, run: str, most: int) -> bool:
    """Drops up to `most` actions of a plan, and then the plan; whether there may be more."""
    gone = connection.execute(
        "DELETE FROM planned_action WHERE run = ?1 AND number < ?2 + "
        "(SELECT min(number) FROM planned_action WHERE run = ?1)",
        (run, most),
    ).rowcount
    if gone < most:
        connection.execute("DELETE FROM planned_run WHERE run = ?", (run,))
    return gone >= most


def _columns(action: Action) -> tuple[Any, ...]:
    source, expected, occupant = (
        None if entry is None else tuple(entry)
        for entry in (action.source, action.expected, action.occupant)
    )
    return (action.op, action.path, source, expected, *action[4:-1], occupant)


def _action(text: str) -> Action:
    op, path, source, expected, why, drifted, content, *rest = orjson.loads(text)
    moved_from, occupant = rest if len(rest) == 2 else ("", None)  # of an earlier release
    here, there, other = (
        None if one is None else Entry._make(one) for one in (source, expected, occupant)
    )
    return Action(Op(op), path, here, there, why, drifted, content, moved_from, other)
