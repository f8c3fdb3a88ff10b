"""One SQLite file: opened, locked, migrated; one connection that writes, transactions that join.

WAL with synchronous=FULL: a commit that was confirmed survives a power cut. Only one thread uses
the connection at a time, and only one process of ours has the file open. Who only reads uses it
too if it is free, and else another one (`Readers`): so nobody waits for a writer, or for its disk,
to read. Writers come in the order in which they ask. Other programs (a backup, a person's
`sqlite3`) may read the file or lock it as long as they like: nobody waits for them while holding
the connection.
"""

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from typing import Final, Self

from cargo_sync.model.problems import Code, Problem, ProblemError, from_os_error
from cargo_sync.process.fair_lock import FairLock
from cargo_sync.process.file_lock import FileLock
from cargo_sync.state.database import ALONE, Database, Fault, Schema, Scope, must_allow
from cargo_sync.state.one_process import only_process
from cargo_sync.state.sqlite import migrations
from cargo_sync.state.sqlite.migrations import SqliteStatements
from cargo_sync.state.sqlite.readers import Readers
from cargo_sync.state.sqlite.upgrade_copy import keep_copy

_APPLICATION: Final[dict[Schema, int]] = {
    "daemon": 0x43524744,
    "server": 0x43524753,
    "node": 0x4352474E,
}
"""SQLite's application_id ("CRGD", "CRGS", "CRGN"): no program opens the state of another one."""

_PRAGMAS: Final = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = OFF",  # some systems switch it on: it writes every freed page again
    "PRAGMA cache_size = -16384",  # KiB
    "PRAGMA journal_size_limit = 67108864",
)

_INCREMENTAL: Final = "PRAGMA auto_vacuum = INCREMENTAL"

PAGES: Final = 128
"""Pages that are given back at a time: half a MiB."""
LEAST: Final = 2_048
"""With fewer free pages nothing is given back: they are used again soon."""
TRIES: Final = 40
PAUSE: Final = 0.05
"""A write that finds the file locked by another program tries so often, with so many seconds in
between."""

_RESTART: Final[dict[Schema, str]] = {
    "daemon": "stop, move the file away and start again: both sides are compared afresh, nothing "
    "is deleted",
    "server": "stop, restore the file from a backup, or move it away and start again: the stores' "
    "folders are read afresh",
    "node": "stop, move the file away and start again: transfers begin again, nothing is lost",
}


class _Asking:
    """A connection that calls the fault hook before each statement."""

    def __init__(self, connection: sqlite3.Connection, fault: Fault) -> None:
        self._connection = connection
        self._fault = fault

    def execute(self, sql: str, parameters: Sequence[object] = (), /) -> sqlite3.Cursor:
        self._fault(sql)
        return self._connection.execute(sql, parameters)


class SqliteDatabase(Database):
    """One open state file. Only one thread writes at a time.

    pause  waits so many seconds, in a thread
    """

    def __init__(self, path: str, schema: Schema, lock: FileLock, fault: Fault | None) -> None:
        """Not called directly: see `open`."""
        self.path = path
        self._schema = schema
        self._lock = lock
        self.pause: Callable[[float], object] = threading.Event().wait
        self._guard = FairLock()
        self._readers = Readers(path)
        self._depth = 0
        self._scope = ALONE
        self._spoilt = False
        with self._translated():
            self._connection = sqlite3.connect(
                path,
                timeout=5,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=256,
            )
        self._writing: SqliteStatements = (
            _Asking(self._connection, fault) if fault else self._connection
        )

    @classmethod
    def open(cls, path: str, schema: Schema, fault: Fault | None = None) -> Self:
        """Opens or makes the state at `path`: the file gets mode 0600, a new folder 0700.

        Args:
            path: of the file.
            schema: whose state it is.
            fault: for tests.

        Raises:
            ProblemError: `state_in_use` (with the holder's process id), `state_newer`,
                `state_other` (a server's state given to a daemon, or the other way round),
                `state_damaged`, or why the file cannot be written.
        """
        try:
            os.makedirs(os.path.dirname(os.path.abspath(path)), mode=0o700, exist_ok=True)
        except OSError as error:
            raise ProblemError(from_os_error(error, path)) from error
        lock = only_process(path)
        try:
            _private(path)
            database = cls(path, schema, lock, fault)
        except BaseException:
            lock.release()
            raise
        try:
            database._prepare()
        except BaseException:
            database.close()
            raise
        return database

    @classmethod
    def open_beside(cls, path: str, schema: Schema, own: str) -> Self:
        """Opens a state that another process of ours has open; see `state.opening`.

        Its writers and ours wait for each other as for any program that locks the file.

        Args:
            path: of the file.
            schema: whose state it is.
            own: the file with this name and `.lock` is held: one process may be beside it.

        Raises:
            ProblemError: as `open`; also `state_newer`, if the other process is of an earlier
                release.
        """
        try:
            os.stat(path)
            os.makedirs(os.path.dirname(own), mode=0o700, exist_ok=True)
        except OSError as error:
            raise ProblemError(from_os_error(error, path)) from error
        lock = only_process(own)
        try:
            database = cls(path, schema, lock, None)
        except BaseException:
            lock.release()
            raise
        try:
            with database.read() as connection:
                found = migrations.version(connection)
            known = len(migrations.scripts(schema))
            migrations.check_known(path, found, known)
            if found < known:
                message = f"{path!r} is used by an earlier release"
                hint = "stop it, and start this release"
                raise ProblemError(Problem(Code.STATE_NEWER, message, hint=hint, retry=False))
            with database._translated():
                for pragma in _PRAGMAS:
                    database._connection.execute(pragma)
                database._connection.execute("PRAGMA busy_timeout = 0")
        except BaseException:
            database.close()
            raise
        return database

    def _prepare(self) -> None:
        with self._translated():
            application = self._connection.execute("PRAGMA application_id").fetchone()[0]
            found = migrations.version(self._connection)
            if found and application != _APPLICATION[self._schema]:
                raise ProblemError(
                    Problem(
                        Code.STATE_OTHER,
                        f"{self.path!r} is not the state of a {self._schema}",
                        hint=f"give the {self._schema} a state folder of its own",
                        retry=False,
                    )
                )
            if not found:
                self._connection.execute(_INCREMENTAL)  # an old file gets it when it is upgraded
            for pragma in _PRAGMAS:
                self._connection.execute(pragma)
            self._connection.execute("PRAGMA busy_timeout = 0")  # see `_begin`
        self.migrate(migrations.scripts(self._schema))

    def migrate(self, scripts: Sequence[str]) -> None:
        """Applies the scripts that are new to the file; script number n (from 1) makes version n.

        All of them or none. A file with content is first copied (`upgrade_copy`).

        Raises:
            ProblemError: `state_newer`, or why the file cannot be copied.
        """
        with self.read() as connection:
            found = migrations.version(connection)
        migrations.check_known(self.path, found, len(scripts))
        if found == len(scripts):
            return
        if found:
            with self._guard:
                keep_copy(self._writing, self.path, found)
        with self.transaction() as connection:
            for number in range(found + 1, len(scripts) + 1):
                if number == 1:
                    connection.execute(f"PRAGMA application_id = {_APPLICATION[self._schema]:d}")
                migrations.apply(connection, number, scripts[number - 1])
        if found:
            self._compact()

    def _compact(self) -> None:
        """Makes the file able to give space back; runs once after an upgrade, if there is room."""
        with self._guard, suppress(sqlite3.OperationalError):
            if not self._connection.execute("PRAGMA auto_vacuum").fetchone()[0]:
                self._connection.execute(_INCREMENTAL)
                self._connection.execute("VACUUM")

    @contextmanager
    def transaction(
        self, workspace: int | None = None, own: str = ""
    ) -> Iterator[SqliteStatements]:
        """A transaction: all that is written inside becomes true at once, or none of it.

        A transaction inside another one of the same thread joins it. When an inner one fails, the
        outermost cannot commit any more, even if the error was caught in between.

        There is one writer, whatever the scope: it is only compared with that of the outermost, so
        that what is wrong with several servers is wrong here, too.

        Raises:
            ProblemError: see `problem_of`; then nothing was written.
        """
        scope = Scope(workspace, own)
        with self._translated(), self._begun():
            if not self._depth:
                self._scope = scope
            elif self._schema == "server":
                must_allow(self._scope, scope)
            self._depth += 1
            try:
                yield self._writing
                if self._depth == 1:
                    if self._spoilt:
                        raise RuntimeError("a transaction continues after a part of it failed")
                    self._writing.execute("COMMIT")
            except BaseException:
                self._spoilt = True
                if self._depth == 1 and self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
            finally:
                self._depth -= 1

    @contextmanager
    def _begun(self) -> Iterator[None]:
        """Holds the connection, inside a transaction.

        While another program has the file locked, the connection is let go between two tries: it
        can be read meanwhile.
        """
        for left in reversed(range(TRIES)):
            with self._guard:
                if self._depth or self._begin(last=not left):
                    yield
                    return
            self.pause(PAUSE)

    def _begin(self, *, last: bool) -> bool:
        """Begins a transaction; False if another program has the file locked.

        Raises at the `last` try.
        """
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if last or not is_busy(error):
                raise
            return False
        self._spoilt = False
        return True

    @contextmanager
    def read(self, *, long: bool = False, single: bool = False) -> Iterator[SqliteStatements]:
        """Reads at one moment: what others write after its first statement is not seen.

        A transaction of the same thread is seen. Nobody waits for one of another thread.

        Args:
            long: it takes more than a few milliseconds, for which no writer should wait.
            single: it is all the same here.

        Raises:
            ProblemError: see `problem_of`.
        """
        del single
        with self._translated():
            own = self._readers.own
            if self._guard.acquire(timeout=0):
                try:
                    if self._depth or not (long or own):
                        yield self._connection
                        return
                finally:
                    self._guard.release()
            if own is not None:
                yield own
            else:
                with self._readers.one() as connection:
                    yield connection

    def shrink(self) -> bool:
        """Gives some pages back if more than half of the file is free.

        It runs as a script: `execute` makes only the first step of a statement without columns, and
        a page is a step.
        """
        pages, free = self._pages()
        if free < LEAST or 2 * free < pages:
            return False
        with self._guard, self._translated():
            self._connection.executescript(f"PRAGMA incremental_vacuum({PAGES:d})")
        return self._pages()[1] < free

    def _pages(self) -> tuple[int, int]:
        """How many pages the file has, and how many of them are free."""
        with self.read() as connection:
            pages = int(connection.execute("PRAGMA page_count").fetchone()[0])
            return pages, int(connection.execute("PRAGMA freelist_count").fetchone()[0])

    def checkpoint(self) -> int:
        """Moves the log (-wal) into the file and empties it, as far as no other program reads it.

        It waits for nobody, and nobody waits for it: it has a connection of its own.

        Returns:
            The bytes of the log that could not be moved.

        Raises:
            ProblemError: see `problem_of`.
        """
        with self._translated(), closing(sqlite3.connect(self.path, timeout=0)) as connection:
            # The first does all the work without a lock; the second has only to cut the log off.
            busy, pages, moved = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            if not busy and pages == moved:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            size = int(connection.execute("PRAGMA page_size").fetchone()[0])
        return size * max(0, int(pages) - int(moved))

    def close(self) -> None:
        """Closes the file and releases its lock."""
        with self._guard:
            self._readers.close()
            self._connection.close()
            self._lock.release()

    def __repr__(self) -> str:
        return f"<SqliteDatabase {self.path} of a {self._schema}>"

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            if (problem := problem_of(error, self.path, self._schema)) is None:
                raise
            raise ProblemError(problem) from error
        except (OverflowError, UnicodeEncodeError) as error:
            message = f"a value cannot be kept in {self.path!r}: {error}"
            raise ProblemError(Problem(Code.BAD_VALUE, message, retry=False)) from error


def _private(path: str) -> None:
    """Makes the file before SQLite does: others cannot read it, nor -wal and -shm beside it."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.fchmod(descriptor, 0o600)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise ProblemError(from_os_error(error, path)) from error


def is_busy(error: sqlite3.Error) -> bool:
    """Whether another program has the file locked."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY


def problem_of(error: sqlite3.Error, path: str, schema: Schema) -> Problem | None:
    """The problem behind an SQLite error; None for wrong use of the library, a bug of this program.

    `disk_full`, `state_damaged`, `state_locked`, `read_only`, `disk_error`, `bad_value` (a number
    out of range), else `state_error`. Result codes: https://www.sqlite.org/rescode.html
    """
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return None
    words = str(error)
    match code & 0xFF:
        case sqlite3.SQLITE_FULL:
            return Problem(
                Code.DISK_FULL,
                f"{path!r} could not be written: the disk is full",
                hint="free some space; it continues by itself",
            )
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return Problem(
                Code.STATE_DAMAGED,
                f"{path!r} is damaged: {words}",
                hint=_RESTART[schema],
                retry=False,
            )
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return Problem(
                Code.STATE_LOCKED,
                f"{path!r} is locked by another program",
                hint="close that program",
            )
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_CANTOPEN:
            return Problem(
                Code.READ_ONLY,
                f"{path!r} could not be opened for writing: {words}",
                hint="check the owner and mode of the file and its folder",
            )
        case sqlite3.SQLITE_IOERR:
            return Problem(
                Code.DISK_ERROR,
                f"{path!r} has an input/output error: {words}",
                hint="the disk may be failing",
            )
        case sqlite3.SQLITE_CONSTRAINT:
            return Problem(
                Code.BAD_VALUE, f"a value cannot be kept in {path!r}: {words}", retry=False
            )
        case _:
            return Problem(Code.STATE_ERROR, f"{path!r} failed: {words}")
