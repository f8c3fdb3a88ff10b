"""What the guard holds of a job, and what a person has decided about it.

A hold is a list of steps, each with the versions that it would replace and bring. A ruling is
about exactly these: a step that differs in one of them is another step.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from enum import StrEnum
from typing import Final, NamedTuple

import orjson

from cargo_sync.model.actions import Action, Op
from cargo_sync.plan.guard import Held
from cargo_sync.state.bulk import Alter, Insert, Select
from cargo_sync.state.database import Database

_ADD = Insert("INSERT OR REPLACE INTO held_step (job, side, path, step) VALUES", "(?, ?, ?, ?)")
_STEPS = Select("SELECT path, step FROM held_step WHERE job = ? AND side = ? AND path IN")
_REJECT = Insert(
    "INSERT OR REPLACE INTO rejected (job, side, path, version, ident) VALUES", "(?, ?, ?, ?, ?)"
)
_REJECTED = Select(
    "SELECT path, version, ident FROM rejected WHERE job = ? AND side = ? AND path IN"
)
_TAKE_UP = Alter("DELETE FROM rejected WHERE job = ? AND side = ? AND path IN")
_PAGE: Final = (
    "SELECT path, version, ident FROM rejected WHERE job = ? AND side = ? AND path > ? "
    "ORDER BY path LIMIT ?"
)
_ANEW: Final = (
    "DELETE FROM guard_touch WHERE job = ? AND side = ?",
    "DELETE FROM guard_part WHERE job = ? AND side = ?",
)
_DROPPED: Final = 2_000


class Ruling(StrEnum):
    """What a person has decided."""

    APPROVED = "approved"
    REJECTED = "rejected"


class Hold(NamedTuple):
    """Steps that are held on one side; `ruling` is None while nobody has decided."""

    held: Held
    ruling: Ruling | None


class Rejected(NamedTuple):
    """An overwrite that is put off; version and ident are those of its source."""

    path: str
    version: int
    ident: int


class Holds:
    """The holds of one job; `side` is near or far, the destination of the steps."""

    def __init__(self, database: Database, job: int) -> None:
        self._database = database
        self._job = job

    def get(self, side: str) -> Hold | None:
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT held, ruling FROM hold WHERE job = ? AND side = ?", (self._job, side)
            ).fetchone()
        if row is None:
            return None
        return Hold(Held(**orjson.loads(row[0])), Ruling(row[1]) if row[1] else None)

    def begin(self, side: str) -> bool:
        """Ends the hold of a side, so that `add` and `hold` can make another one.

        Returns:
            False if a person has decided about it meanwhile: it stays.
        """
        hold = self.get(side)
        if hold is not None and hold.ruling is not None:
            return False
        self.close(side)
        return True

    def close(self, side: str) -> None:
        """Ends the hold of a side."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM hold WHERE job = ? AND side = ?", (self._job, side))
        more = True
        while more:
            with self._database.transaction() as connection:
                more = bool(
                    connection.execute(
                        "DELETE FROM held_step WHERE job = ?1 AND side = ?2 AND path IN (SELECT "
                        "path FROM held_step WHERE job = ?1 AND side = ?2 LIMIT ?3)",
                        (self._job, side, _DROPPED),
                    ).rowcount
                )

    def add(self, side: str, steps: Iterable[tuple[str, str]]) -> None:
        """Adds steps, by their paths, to a hold that is being made."""
        with self._database.transaction() as connection:
            _ADD(connection, [(self._job, side, *one) for one in steps])

    def hold(self, side: str, held: Held) -> None:
        """The steps that were added are held from now on."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO hold (job, side, id, held) VALUES (?, ?, ?, ?)",
                (self._job, side, held.id, orjson.dumps(asdict(held)).decode()),
            )

    def decide(self, id: str | None, ruling: Ruling) -> list[str]:
        """Stores a person's ruling.

        An approval also ends the count of what passed before: the person has seen it.

        Args:
            id: of a hold; None for all that are held now.
            ruling: what to do with it.

        Returns:
            The ids that it is about; none if nothing like this is held.
        """
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT side, id FROM hold WHERE job = ?1 AND ruling IS NULL AND "
                "(?2 IS NULL OR id = ?2)",
                (self._job, id),
            ).fetchall()
            for side, _ in rows:
                where = (self._job, side)
                connection.execute(
                    "UPDATE hold SET ruling = ? WHERE job = ? AND side = ?", (ruling, *where)
                )
                if ruling is Ruling.APPROVED:
                    for forget in _ANEW:
                        connection.execute(forget, where)
            return [found for _, found in rows]

    def covered(self, side: str, steps: Sequence[tuple[str, str]]) -> set[str]:
        """The paths of those of these steps that the hold has exactly like this."""
        with self._database.read() as connection:
            held = dict(_STEPS(connection, (self._job, side), [path for path, _ in steps]))
        return {path for path, step in steps if held.get(path) == step}

    def reject(self, side: str, actions: Iterable[Action]) -> None:
        """Puts overwrites off until their source changes."""
        rows = [
            (self._job, side, one.path, one.source.version, one.source.ident)
            for one in actions
            if one.source is not None
        ]
        with self._database.transaction() as connection:
            _REJECT(connection, rows)

    def rejected(self, side: str, actions: Sequence[Action]) -> set[str]:
        """The paths of those of these overwrites that are rejected; others are taken up again."""
        with self._database.read() as connection:
            where, paths = (self._job, side), [one.path for one in actions]
            known = {path: state for path, *state in _REJECTED(connection, where, paths)}
        if not known:
            return set()
        found = {
            one.path
            for one in actions
            if one.source and known.get(one.path) == [one.source.version, one.source.ident]
        }
        if changed := [path for path in known if path not in found]:
            with self._database.transaction() as connection:
                _TAKE_UP(connection, where, changed)
        return found

    def rejected_page(self, side: str, after: str, limit: int) -> list[Rejected]:
        """Up to `limit` rejected overwrites of a side, in the order of their paths."""
        with self._database.read() as connection:
            found = connection.execute(_PAGE, (self._job, side, after, limit))
            return list(map(Rejected._make, found))

    def forget_rejected(self, side: str, paths: Sequence[str]) -> None:
        """These overwrites are not put off any more."""
        with self._database.transaction() as connection:
            _TAKE_UP(connection, (self._job, side), paths)

    def rejections(self) -> int:
        """How many overwrites are rejected."""
        with self._database.read() as connection:
            [count] = connection.execute(
                "SELECT count(*) FROM rejected WHERE job = ?", (self._job,)
            ).fetchone()
        return int(count)

    def take_up(self) -> None:
        """Forgets what was rejected: it is planned again."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM rejected WHERE job = ?", (self._job,))


INSIDE: Final = "inside"
"""In place of a step: a file in a folder that is replaced."""


def step(action: Action) -> str:
    """A step in a line: what is done, and the versions on both sides."""
    states = [
        f"{one.kind}{one.version}:{one.ident}" if one is not None else "-"
        for one in (action.source, action.expected)
    ]
    return " ".join((Op(action.op), *states))
