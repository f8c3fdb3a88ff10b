"""Conflicts of two-way jobs: the open ones, and for a while those that are resolved.

A row is written before anything is done about its conflict, so a kill leaves none untold. What is
open is seen again in each run; a row whose path is in conflict no more is closed.
"""

from collections.abc import Callable, Collection, Sequence
from itertools import groupby
from typing import Any, Final, NamedTuple

import orjson

from cargo_sync.model import paths
from cargo_sync.model.agreed import Agreed
from cargo_sync.model.conflicts import Choice, Conflict, ConflictPolicy, Evidence
from cargo_sync.model.entries import Entry, EntryColumns
from cargo_sync.model.events import Event, Happened
from cargo_sync.state.database import Database, Statements
from cargo_sync.state.events import Events
from cargo_sync.state.folders import Folders

_READ: Final = """
SELECT conflict.id, job.name, path, base, near, far, policy, open, choice, person, copy, run, time
FROM conflict JOIN job ON job.id = conflict.job
"""
_PAGE: Final = f"""{_READ} WHERE conflict.id > ?1 AND (?2 IS NULL OR job.name = ?2)
AND (?3 IS NULL OR open = ?3) AND job.name >= char(1) ORDER BY conflict.id LIMIT ?4"""
"""The name of a job that is being forgotten begins with NUL."""
_OPEN: Final = f"{_READ} WHERE conflict.job = ? AND path = ? AND open = 1"
_INSERT: Final = """INSERT INTO conflict
(job, path, base, near, far, policy, open, choice, person, copy, run, time)
VALUES (?, ?, ?, ?, ?, ?, 1, ?, 0, ?, ?, ?)"""
_UPDATE: Final = """UPDATE conflict SET base = ?, near = ?, far = ?, policy = ?, choice = ?,
person = 0, copy = ?, run = ? WHERE id = ?"""


class ConflictDecision(NamedTuple):
    """What will be done about a conflict.

    choice  None: a person must say
    copy    path of the conflict copy that will be made, or ""
    event   that tells of it now; None if it is told when it is done
    """

    choice: Choice | None
    copy: str = ""
    event: Event | None = None


class SeenConflict(NamedTuple):
    """A path that is in conflict now."""

    path: str
    evidence: Evidence


class MadeCopy(NamedTuple):
    """A conflict copy that was made: an entry has another name now.

    id     of the conflict
    path   of it, which is free now
    copy   where the entry is now
    entry  as it is now
    near   on the local side; else on the server
    """

    id: int
    path: str
    copy: str
    entry: Entry
    near: bool


class Conflicts:
    """The conflicts of a daemon's jobs. Every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, id: int) -> Conflict | None:
        with self._database.read() as connection:
            row = connection.execute(f"{_READ} WHERE conflict.id = ?", (id,)).fetchone()
        return _conflict(row) if row else None

    def page(
        self, job: str | None, *, open: bool | None, after: int, limit: int
    ) -> Sequence[Conflict]:
        """Up to `limit` conflicts with larger ids than `after`; of one job, of one state."""
        with self._database.read() as connection:
            found = connection.execute(_PAGE, (after, job, open, limit)).fetchall()
        return [_conflict(row) for row in found]

    def counts(self, job: str | None = None) -> tuple[int, int]:
        """How many conflicts are open and how many are resolved, of one job or all."""
        with self._database.read() as connection:
            found = dict(
                connection.execute(
                    "SELECT open, count(*) FROM conflict JOIN job ON job.id = conflict.job "
                    "WHERE job.name >= char(1) AND (?1 IS NULL OR job.name = ?1) GROUP BY open",
                    (job,),
                ).fetchall()
            )
        return found.get(1, 0), found.get(0, 0)

    def choose(self, id: int, evidence: Evidence, choice: Choice) -> bool:
        """Stores a person's choice about an open conflict; the next run carries it out.

        Returns:
            Whether it is still open, with the evidence that the person saw.
        """
        base, near, far = _texts(evidence)
        with self._database.transaction() as connection:
            return bool(
                connection.execute(
                    "UPDATE conflict SET choice = ?, person = 1 "
                    "WHERE id = ? AND open = 1 AND base IS ? AND near = ? AND far = ?",
                    (choice.value, id, base, near, far),
                ).rowcount
            )

    def purge(self, before: float, most: int = 2**62) -> int:
        """Deletes up to `most` conflicts that ended before `before` (retention clock)."""
        with self._database.transaction() as connection:
            return connection.execute(
                "DELETE FROM conflict WHERE id IN "
                "(SELECT id FROM conflict WHERE ended < ? ORDER BY ended LIMIT ?)",
                (before, most),
            ).rowcount


class JobConflicts:
    """The conflicts of one job, for its runs. Every method is one transaction.

    open  how many were open when `count` was called last
    """

    def __init__(self, database: Database, job: int) -> None:
        self._database = database
        self._job = job
        self.open = 0
        self._folders = Folders(database, job)
        self._events = Events(database)

    def note(
        self,
        seen: Sequence[SeenConflict],
        run: str,
        policy: ConflictPolicy,
        decide: Callable[[SeenConflict], ConflictDecision],
        time: float,
    ) -> "Noted":
        """Stores what is in conflict.

        Args:
            seen: the paths that are.
            run: that has seen them.
            policy: of the job, now.
            decide: called for each that is not decided yet, or not for what both sides have now.
            time: unix seconds.
        """
        found: list[Conflict] = []
        events: list[Event] = []
        with self._database.transaction() as connection:
            for one in seen:
                row = connection.execute(_OPEN, (self._job, one.path)).fetchone()
                known = _conflict(row) if row else None
                if known is not None and _holds(known, one.evidence, policy):
                    found.append(known)
                    continue
                decision = decide(one)
                found.append(self._decided(connection, known, one, run, policy, decision, time))
                if decision.event is not None and (known is None or known.person):
                    events.append(decision.event)
            cursor = self._events.append(events)
        return Noted(found, events, cursor)

    def resolved(self, done: Sequence[tuple[int, str]], ended: float) -> None:
        """Closes conflicts that were resolved; each with the path of its copy, or "".

        Args:
            done: by their ids.
            ended: by the retention clock.
        """
        with self._database.transaction() as connection:
            for id, copy in done:
                connection.execute(
                    "UPDATE conflict SET open = 0, copy = ?, ended = ? WHERE id = ? AND open = 1",
                    (copy, ended, id),
                )

    def copied(self, copies: Sequence[MadeCopy], events: Sequence[Event], ended: float) -> int:
        """Closes conflicts of which both sides are kept: one of them has another name now.

        What was agreed about these paths does not count any more.

        Args:
            copies: that were made.
            events: that tell of them.
            ended: by the retention clock.

        Returns:
            The cursor of the newest event.
        """
        with self._database.transaction():
            for _, path, copy, entry, near in copies:
                self._folders.renamed(near=near, before=path, now=copy, entry=entry)
            self.resolved([(one.id, one.copy) for one in copies], ended)
            return self._folders.agree([(one.path, None) for one in copies], events)

    def known(self, some: Sequence[str]) -> dict[str, Evidence]:
        """The evidence of open conflicts at these paths."""
        with self._database.read() as connection:
            found = (connection.execute(_OPEN, (self._job, path)).fetchone() for path in some)
            return {one.path: one.evidence for row in found if row for one in (_conflict(row),)}

    def clock_jumped(self, since: float) -> bool:
        """Whether the wall clock has jumped since `since` (retention clock)."""
        return self._events.happened_after(Happened.CLOCK_JUMPED, "", self._events.reached(since))

    def close_others(self, still: Collection[int], ended: float) -> None:
        """Closes each open conflict that is not one any more, by what was seen of both sides.

        Args:
            still: the ids of some that are, for sure.
            ended: by the retention clock.
        """
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT id, path, copy FROM conflict WHERE job = ? AND open = 1", (self._job,)
            ).fetchall()
        asked = [(id, path, copy) for id, path, copy in rows if id not in still]
        differ = self._differing([path for _, path, _ in asked])
        if over := [(id, copy) for id, path, copy in asked if path not in differ]:
            self.resolved(over, ended)

    def _differing(self, some: Sequence[str]) -> set[str]:
        """Those of the paths where both sides have something, and neither is as agreed.

        Each listing is read once: a folder may have thousands of conflicts.
        """
        found: set[str] = set()
        for folder, group in groupby(sorted(some, key=paths.parent), paths.parent):
            names = {paths.name(path) for path in group}
            for state in self._folders.parts(folder, names):
                near, far = (_among(side, names) for side in state.sides)
                base = {row.name: row for row in state.agreed or () if row.name in names}
                found |= {
                    paths.join(folder, name)
                    for name in near.keys() & far.keys()
                    if not _follows(near[name], far[name], base.get(name))
                }
        return found

    def count(self) -> int:
        """How many are open; kept in `open`."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT count(*) FROM conflict WHERE job = ? AND open = 1", (self._job,)
            ).fetchone()
        self.open = int(row[0])
        return self.open

    def _decided(
        self,
        connection: Statements,
        known: Conflict | None,
        seen: SeenConflict,
        run: str,
        policy: ConflictPolicy,
        decision: ConflictDecision,
        time: float,
    ) -> Conflict:
        """Inserts or updates a row; returns it."""
        texts, (choice, copy, _) = _texts(seen.evidence), decision
        if known is None:
            connection.execute(
                _INSERT, (self._job, seen.path, *texts, policy, choice, copy, run, time)
            )
        else:
            connection.execute(_UPDATE, (*texts, policy, choice, copy, run, known.id))
        return _conflict(connection.execute(_OPEN, (self._job, seen.path)).fetchone())


class Noted(NamedTuple):
    """What became of the conflicts of a call.

    conflicts  in their order
    events     that were written; `cursor` is that of the newest
    """

    conflicts: Sequence[Conflict]
    events: Sequence[Event]
    cursor: int


def _among(side: EntryColumns | None, names: Collection[str]) -> dict[str, Entry]:
    """The entries of a listing with these names."""
    if side is None:
        return {}
    return {name: side.entry(index) for index, name in enumerate(side.names) if name in names}


def _follows(near: Entry, far: Entry, base: Agreed | None) -> bool:
    """Whether one side is as agreed, so that it follows the other."""
    return base is not None and (base.stays_near(near) or base.far_is(far))


def _holds(known: Conflict, evidence: Evidence, policy: ConflictPolicy) -> bool:
    """Whether what was decided, or not, about a conflict still holds."""
    if not known.evidence.same_sides(evidence.near, evidence.far):
        return False
    return known.person or known.policy is policy


def _texts(evidence: Evidence) -> tuple[str | None, str, str]:
    base, near, far = evidence
    return None if base is None else _text(base), _text(near), _text(far)


def _text(values: Agreed | Entry) -> str:
    return orjson.dumps(tuple(values)).decode()


def _conflict(row: tuple[Any, ...]) -> Conflict:
    id, job, path, base, near, far, policy, open, choice, person, copy, run, time = row
    return Conflict(
        id,
        job,
        path,
        Evidence(
            None if base is None else Agreed._make(orjson.loads(base)),
            Entry._make(orjson.loads(near)),
            Entry._make(orjson.loads(far)),
        ),
        ConflictPolicy(policy),
        bool(open),
        None if choice is None else Choice(choice),
        bool(person),
        copy,
        run,
        time,
    )
