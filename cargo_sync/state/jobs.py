"""Jobs: what is kept about each between runs and restarts, except its trees."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from typing import Any

import orjson

from cargo_sync.machines.client_fence import Fence
from cargo_sync.machines.newest_change import SeenChange
from cargo_sync.machines.suspects import Suspects
from cargo_sync.model.events import Event
from cargo_sync.model.jobs import LastRun
from cargo_sync.state import displaced, forgetting
from cargo_sync.state.database import Database
from cargo_sync.state.events import Events
from cargo_sync.state.forgetting import Untrue
from cargo_sync.state.runs import RunRows
from cargo_sync.state.suspects import decode

_FORGOTTEN = "\0forgotten "
"""Prefix of the number of a job that lost its name: a name in a file has no NUL."""

_READ = (
    "SELECT id, name, paused, binding, far_cursor, far_newest, far_lineage, rules, last_run, "
    "suspects, untrue, client, starts, records, fence FROM job"
)
_LAST_RUN = "UPDATE job SET last_run = ? WHERE name = ?"
_NAMELESS = "UPDATE job SET name = ? WHERE id = ?"
_ANEW = "UPDATE job SET far_cursor = 0 WHERE name = ?"
_BIND = "UPDATE job SET binding = ?, far_newest = 0, far_lineage = '' WHERE name = ?"
_NEWEST = """
UPDATE job SET far_newest = ?1, far_lineage = ?2
WHERE name = ?3 AND (far_newest, far_lineage) IS NOT (?1, ?2)
"""
_RECORDED = """
UPDATE job SET records = records + 1, far_newest = ?, far_lineage = ? WHERE name = ?
"""
_NEW = (
    "INSERT INTO job (name, client) VALUES (?, lower(hex(randomblob(16)))) ON CONFLICT DO NOTHING"
)
_STARTED = "UPDATE job SET starts = starts + 1 WHERE fence IS NULL"
_AHEAD = "UPDATE job SET fence = NULL, starts = ?, records = max(records, ?) WHERE name = ?"
_ANOTHER = """
UPDATE job SET fence = NULL, client = lower(hex(randomblob(16))), starts = 0, records = 0
WHERE name = ?
"""
_CURSOR = "UPDATE job SET far_cursor = ?1 WHERE name = ?2 AND far_cursor IS NOT ?1"


@dataclass(frozen=True, slots=True)
class Binding:
    """What a base was agreed with; if one of these differs, the base is dropped at first contact.

    near   identity of the local root
    far    identity of the far root: server, user, workspace and folder
    epoch  of the far side's catalogue
    two_way  in both directions
    """

    near: str
    far: str
    epoch: str
    two_way: bool = False


@dataclass(frozen=True, slots=True)
class JobRow:
    """One job.

    paused      by a person; kept across restarts
    binding     None before the first contact
    far_cursor  the server's sequence up to which the far side is mirrored
    far_newest  the newest change of the server that the state knows of, never an older one
    rules       digest of the rules that the settled folders were planned with
    last_run    None before the first run
    suspects    what must be checked before the next run; None, except after an unclean stop
    untrue      what is not true any more of the trees, although rows of them still have it
    client      who the job is for its server
    starts, records  so many processes had this state, and wrote so much into it
    fence       why the server does not let it in; None if it does
    """

    id: int
    name: str
    paused: bool
    binding: Binding | None
    far_cursor: int
    far_newest: SeenChange
    rules: str
    last_run: LastRun | None
    suspects: Suspects | None
    untrue: Untrue
    client: str
    starts: int
    records: int
    fence: Fence | None


class JobRows:
    """The jobs of a daemon, by name. A setter for an unknown job changes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._events = Events(database)

    def get(self, name: str) -> JobRow | None:
        with self._database.read() as connection:
            row = connection.execute(f"{_READ} WHERE name = ?", (name,)).fetchone()
        return _job(row) if row else None

    def get_or_create(self, name: str) -> JobRow:
        if (known := self.get(name)) is not None:
            return known
        with self._database.transaction() as connection:
            connection.execute(_NEW, (name,))
            return _job(connection.execute(f"{_READ} WHERE name = ?", (name,)).fetchone())

    def all(self) -> list[JobRow]:
        """Every job that was ever started and not removed, by name."""
        with self._database.read() as connection:
            return [_job(row) for row in connection.execute(f"{_READ} ORDER BY name")]

    def begin_start(self) -> None:
        """A process begins to use this state; before a job of it meets its server."""
        with self._database.transaction() as connection:
            connection.execute(_STARTED)

    def set_fence(self, name: str, fence: Fence) -> None:
        """The server does not let the job in: that stays so until a person approves it."""
        self._set(
            "UPDATE job SET fence = ? WHERE name = ?", orjson.dumps(tuple(fence)).decode(), name
        )

    def set_paused(self, name: str, paused: bool) -> None:
        self._set("UPDATE job SET paused = ? WHERE name = ?", paused, name)

    def bind(self, name: str, binding: Binding, told: Sequence[Event] = ()) -> int:
        """Binds the base anew: agreements and the mirror of the far side are not true any more.

        The far cursor goes to 0. The caller forgets the rows next (Folders.forget).

        Args:
            name: of the job.
            binding: to the sides that are there now.
            told: events that tell of it, stored together with it.

        Returns:
            The cursor of the newest event.
        """
        text = orjson.dumps(asdict(binding)).decode()
        with self._database.transaction() as connection:
            connection.execute(_ANEW, (name,))
            connection.execute(_BIND, (text, name))
            forgetting.note(connection, name, Untrue.BASE)
            return self._events.append(told)

    def unbind(self, name: str, told: Sequence[Event], lifted: Fence | None = None) -> int:
        """The base is bound to nothing: the next contact is a first one, and binds it anew.

        Args:
            name: of the job.
            told: events that tell of it, stored together with it.
            lifted: a fence that does not hold any more: a state that was restored goes on from what
                the server has met, a copied one becomes that of another client.

        Returns:
            The cursor of the newest event.
        """
        with self._database.transaction() as connection:
            connection.execute("UPDATE job SET binding = NULL WHERE name = ?", (name,))
            if lifted is not None and lifted.elsewhere:
                connection.execute(_ANOTHER, (name,))
            elif lifted is not None:
                connection.execute(_AHEAD, (lifted.starts + 1, lifted.records, name))
            return self._events.append(told)

    def mirror_anew(self, name: str) -> None:
        """Sets the far cursor to 0: the mirror of the far side is not true any more.

        Agreements stay. The caller forgets the rows next (Folders.forget). An old cursor with an
        empty mirror would say that everything there is gone.
        """
        with self._database.transaction() as connection:
            connection.execute(_ANEW, (name,))
            forgetting.note(connection, name, Untrue.FAR)

    def set_far_cursor(self, name: str, cursor: int) -> None:
        self._set(_CURSOR, cursor, name)

    @contextmanager
    def together(self) -> Iterator[None]:
        """One transaction for what is stored inside."""
        with self._database.transaction():
            yield

    @contextmanager
    def knowing(self, name: str, newest: SeenChange) -> Iterator[None]:
        """One transaction for what is stored inside, and the newest change of the server.

        Whatever comes of the server must be stored in such a transaction, or after one.

        Args:
            name: of the job.
            newest: no older than what is stored inside.
        """
        with self._database.transaction() as connection:
            connection.execute(_NEWEST, (*newest, name))
            yield

    @contextmanager
    def recording(self, name: str, newest: SeenChange) -> Iterator[None]:
        """As `knowing`, and counts a record: an older copy of the state has fewer of them."""
        with self._database.transaction() as connection:
            connection.execute(_RECORDED, (*newest, name))
            yield

    def set_rules(self, name: str, digest: str) -> None:
        """Stores new rules: no folder is settled any more. The caller has it forgotten next."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE job SET rules = ? WHERE name = ?", (digest, name))
            forgetting.note(connection, name, Untrue.SETTLED)

    def set_last_run(self, name: str, last: LastRun) -> None:
        with self._database.transaction():
            self._set(_LAST_RUN, orjson.dumps(last).decode(), name)
            RunRows(self._database).add(name, last)

    def remove(self, name: str) -> None:
        """Forgets a job with its trees and transfers. Its events stay, as history.

        A job of this name begins anew from the first moment on, also after a kill (see `forget`).
        """
        self._set("UPDATE job SET missed = 0 WHERE name = ?", name)
        with self._database.read() as connection:
            row = connection.execute("SELECT id FROM job WHERE name = ?", (name,)).fetchone()
        while row and self._forget(row[0], forgetting.SLICE):
            pass

    def miss(self, there: Collection[str], now: float) -> None:
        """Notes the time from which jobs have no file.

        Args:
            there: names of the jobs that have one.
            now: by the retention clock.
        """
        with self._database.transaction() as connection:
            for name, missed in connection.execute("SELECT name, missed FROM job").fetchall():
                if (name in there) != (missed is None) and not name.startswith(_FORGOTTEN):
                    value = None if name in there else now
                    connection.execute("UPDATE job SET missed = ? WHERE name = ?", (value, name))

    def forget(self, before: float, most: int) -> bool:
        """Forgets trees of one job that has had no file since before `before`.

        It deletes up to `most` folders per call; a large one counts as several.

        Returns:
            Whether there is more to do.
        """
        with self._database.transaction() as connection:
            row = connection.execute(
                "SELECT id FROM job WHERE missed < ? ORDER BY id LIMIT 1", (before,)
            ).fetchone()
            if row is not None:
                self._forget(row[0], most)
            return row is not None

    def _forget(self, job: int, most: int) -> bool:
        """Deletes some folders of a job, and then the job; returns whether there may be more.

        The job loses its name first: if its file comes back meanwhile, it begins as a new job,
        which deletes nothing, and never with a half of its trees.
        """
        with self._database.transaction() as connection:
            last = forgetting.slice_end(connection, job, b"", most)
            if last is None and displaced.forget(connection, job, most):
                connection.execute(_NAMELESS, (f"{_FORGOTTEN}{job}", job))
                return True
            if last is None:
                connection.execute("DELETE FROM job WHERE id = ?", (job,))
                return False
            connection.execute(_NAMELESS, (f"{_FORGOTTEN}{job}", job))
            connection.execute("DELETE FROM folder WHERE job = ? AND path <= ?", (job, last))
            return True

    def _set(self, sql: str, *parameters: object) -> None:
        with self._database.transaction() as connection:
            connection.execute(sql, parameters)


def _job(row: tuple[Any, ...]) -> JobRow:
    number, name, paused, binding, cursor, newest, lineage, rules, last_run, *rest = row
    suspects, untrue, client, starts, records, fence = rest
    return JobRow(
        number,
        name,
        bool(paused),
        Binding(**orjson.loads(binding)) if binding else None,
        cursor,
        SeenChange(newest, lineage),
        rules,
        _last_run(last_run) if last_run else None,
        decode(suspects),
        Untrue(untrue),
        client,
        starts,
        records,
        Fence(*orjson.loads(fence)) if fence else None,
    )


def _last_run(text: str) -> LastRun:
    """A last run written by any version: missing fields get defaults, unknown ones are ignored."""
    kept = orjson.loads(text)
    return LastRun(**{each.name: kept[each.name] for each in fields(LastRun) if each.name in kept})
