"""A server's state in PostgreSQL: one connection that writes, some that read.

Several servers may have the same database. A transaction keeps from writing whom its scope says
(`state.database.Scope`), by locks that the database gives back with the transaction:

- each takes `4346, 2`: those that say nothing alone, the others together;
- then one for a workspace takes its row, one of its own takes `4347` with a hash of what it says;
- what gives numbers to the history takes the row of `counter`, last.

Everybody takes them in this order, so nobody waits in a circle. And no transaction that takes a row
of a workspace takes another one's.

A commit that was confirmed is on the database's disk (`synchronous_commit`). Writers of this
process come one after the other, in the order in which they ask. A connection that was lost is
opened again at the next transaction; what was in transit then fails, and is not known to be written
or not: it may be asked for again, because what the rooms write may be written twice.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Self
from zlib import crc32

import psycopg

from cargo_sync.model.problems import Code, Problem, ProblemError, from_os_error
from cargo_sync.process.fair_lock import FairLock
from cargo_sync.process.file_lock import FileLock
from cargo_sync.state.database import ALONE, Database, Fault, Scope, Statements, must_allow
from cargo_sync.state.one_process import only_process
from cargo_sync.state.postgres.connections import (
    ApartStatements,
    Asking,
    Connection,
    Opening,
    PostgresReaders,
    name_of,
)
from cargo_sync.state.postgres.life import (
    DatabaseLife,
    began,
    must_go_on,
    now_reached,
    share_lock,
    take_lock,
)
from cargo_sync.state.postgres.problems import problem_of
from cargo_sync.state.postgres.schema_versions import migrate, must_fit
from cargo_sync.state.postgres.signals import PostgresSignals
from cargo_sync.state.postgres.waiting import waits_of

_WHO: Final = "SELECT pid, backend_start::text FROM pg_stat_activity WHERE pid = pg_backend_pid()"
_END: Final = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND backend_start::text = $2
"""
_BEGIN: Final = "BEGIN ISOLATION LEVEL READ COMMITTED"


class PostgresDatabase(Database):
    """The open state of a server in PostgreSQL."""

    def __init__(
        self, address: str, path: str, lock: FileLock, fault: Fault | None, *, alone: bool
    ) -> None:
        """Not called directly: see `open`."""
        self.path = path
        self._address = address
        self._name = name_of(address)
        self._lock: FileLock | None = lock
        self._fault = fault
        self._alone = alone
        self._guard = FairLock()
        self._depth = 0
        self._scope = ALONE
        self._spoilt = False
        self._looked_up: dict[int, dict[str, object]] = {}
        self._parts_at = 0
        """The depth of `held`, in which each transaction is a part that can fail alone; or 0."""
        self._after: list[Callable[[], object]] = []
        self._writer: Connection | None = None
        self._life: DatabaseLife | None = None
        self._lost: Problem | None = None
        self._session: tuple[object, ...] | None = None
        """The database's end of our last connection that writes: its process, and its start."""
        self._opening = Opening(address)
        self._opening.check = self._must_go_on
        self._warning = ""
        """What the database has warned of since the last COMMIT began."""
        self._readers = PostgresReaders(self._opening)
        self._apart = ApartStatements(self._opening)
        self._pulse = ApartStatements(self._opening, 1)
        self._signals = PostgresSignals(self._opening, self._apart, self._run)

    @classmethod
    def open(
        cls,
        address: str,
        path: str,
        fault: Fault | None = None,
        *,
        alone: bool = False,
        begun: Callable[[Self], object] = lambda opened: None,
    ) -> Self:
        """Connects, and brings the tables to this release's version.

        Args:
            address: a URL or a "key=value" list, as libpq takes them.
            path: a folder of this machine that is the server's own: no other process may have it.
            fault: for tests.
            alone: nobody else may have the database meanwhile.
            begun: called before it connects: what that waits for can be asked then.

        Raises:
            ProblemError: `state_in_use`, `state_newer`, `state_other`, or why it cannot be used.
        """
        name_of(address)  # raises
        try:
            os.makedirs(path, mode=0o700, exist_ok=True)
        except OSError as error:
            raise ProblemError(from_os_error(error, path)) from error
        lock = only_process(os.path.join(path, "state"))
        try:
            database = cls(address, path, lock, fault, alone=alone)
        except BaseException:
            lock.release()
            raise
        try:
            begun(database)
            with database._translated():
                database._enter()
        except BaseException:
            database.close()
            raise
        return database

    def _enter(self) -> None:
        """Connects for the first time."""
        writer = self._opening(0)
        try:
            first = take_lock(writer, self._name, alone=self._alone)
            migrate(writer, self._name)
            self._life = began(writer, first=first)
            if first and not self._alone:
                share_lock(writer)
            self._session = writer.execute(_WHO).fetchone()
        except BaseException:
            writer.close()
            raise
        self._write_on(writer)

    def _write_on(self, writer: Connection) -> None:
        writer.add_notice_handler(self._told)
        self._writer = writer

    def _told(self, notice: psycopg.errors.Diagnostic) -> None:
        if notice.severity_nonlocalized == "WARNING":
            self._warning = notice.message_primary or "WARNING"

    @property
    def life(self) -> str:
        return self._life.token if self._life is not None else ""

    @property
    def lost(self) -> Problem | None:
        return self._lost

    @contextmanager
    def transaction(self, workspace: int | None = None, own: str = "") -> Iterator[Statements]:
        failures, scope = self._opening.failures, Scope(workspace, own)
        after: list[Callable[[], object]] = []
        with self._translated(), self._guard:
            if self._depth:
                must_allow(self._scope, scope)
            writing = Asking(self._begun(failures, scope), self._fault)
            is_part = self._depth > 0 and self._depth == self._parts_at
            self._depth += 1
            try:
                if is_part:
                    writing.execute("SAVEPOINT part")
                yield writing
                if is_part:
                    self._end_part(writing)
                elif self._depth == 1:
                    self._commit(writing)
                    after, self._after = self._after, []
            except BaseException:
                self._spoilt = not (is_part and self._part_is_rolled_back())
                if self._depth == 1:
                    self._after.clear()
                    self._roll_back()
                raise
            finally:
                self._depth -= 1
        for call in after:
            call()

    @contextmanager
    def held(self, workspace: int | None, *, whole: bool = False) -> Iterator[None]:
        with self.transaction(workspace):
            if self._depth > 1:
                yield
                return
            self._parts_at = 0 if whole else 1
            try:
                yield
            finally:
                self._parts_at = 0
            self._must_stand()

    def looked_up(self, workspace: int) -> dict[str, object] | None:
        if not self._guard.acquire(timeout=0):
            return None
        try:
            if self._depth and self._scope in (ALONE, Scope(workspace)):
                return self._looked_up.setdefault(workspace, {})
            return None
        finally:
            self._guard.release()

    def afterwards(self, call: Callable[[], object]) -> None:
        with self._guard:
            if self._depth:
                self._after.append(call)
                return
        call()

    def _begun(self, failures: int, scope: Scope) -> Connection:
        """The connection that writes, in a transaction; `failures` is for a new one."""
        if self._depth and self._writer is not None:
            return self._writer
        text, writer = f"{_BEGIN}; {_locks(scope)}".encode(), self._writer
        if writer is None or writer.closed or not self._has_begun(writer, text):
            writer = self._connected(failures)
            self._has_begun(writer, text, last=True)
        self._spoilt, self._scope = False, scope
        self._looked_up.clear()
        return writer

    def _has_begun(self, writer: Connection, text: bytes, *, last: bool = False) -> bool:
        """Begins a transaction; False if the connection was lost. Raises at the `last` try."""
        try:
            writer.execute(text)
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
            self._roll_back()
            raise
        except psycopg.OperationalError:
            writer.close()
            if last:
                raise
            return False
        return True

    def _commit(self, writing: Asking) -> None:
        """Raises if anything failed before: then a COMMIT would roll back, without an error."""
        if self._spoilt or (self._writer and self._writer.info.transaction_status != _IN_ORDER):
            raise RuntimeError("a transaction continues after a part of it failed")
        self._warning = ""
        writing.execute("COMMIT")
        if self._warning:
            # It waited for the database that takes over when this one is lost, and was cancelled:
            # the database does not call that an error.
            raise psycopg.OperationalError(f"a commit may be lost: {self._warning}")

    def _end_part(self, writing: Asking) -> None:
        if self._spoilt:
            raise RuntimeError("a transaction continues after a part of it failed")
        writing.execute("RELEASE SAVEPOINT part")

    def _part_is_rolled_back(self) -> bool:
        """Takes back what the part has done; False if the whole is lost."""
        self._looked_up.clear()
        writer = self._writer
        if writer is None or writer.closed:
            return False
        try:
            writer.execute("ROLLBACK TO SAVEPOINT part; RELEASE SAVEPOINT part")
        except psycopg.Error:
            return False
        return True

    def _must_stand(self) -> None:
        """What was held must still be, or nothing of it becomes true: raises ProblemError."""
        writer = self._writer
        if writer is None or writer.closed:
            raise psycopg.OperationalError("the connection was lost")
        if self._spoilt or writer.info.transaction_status != _IN_ORDER:
            message = f"{self._name} could not do all of what belongs together"
            raise ProblemError(Problem(Code.STATE_ERROR, message))

    def _roll_back(self) -> None:
        writer = self._writer
        if writer is None or writer.closed or writer.info.transaction_status == _IDLE:
            return
        try:
            writer.execute("ROLLBACK")
        except psycopg.Error:
            writer.close()

    def _connected(self, failures: int) -> Connection:
        """Opens the connection that writes again; what is left of the last one is ended.

        The database may not have noticed that we were cut off, and keep our locks.
        """
        writer = self._opening(failures)
        try:
            if self._session is not None:
                writer.execute(_END, self._session)
            if take_lock(writer, self._name, alone=self._alone) and not self._alone:
                share_lock(writer)
            self._must_go_on(writer)
            self._session = writer.execute(_WHO).fetchone()
        except BaseException:
            writer.close()
            raise
        self._write_on(writer)
        return writer

    def _must_go_on(self, writer: Connection) -> None:
        """A new connection must lead to the database as it was. Raises ProblemError."""
        if self._life is not None:
            try:
                must_go_on(writer, self._life, self._name)
                must_fit(writer, self._name)
            except ProblemError as error:
                self._lost = error.problem
                raise

    @contextmanager
    def read(self, *, long: bool = False, single: bool = False) -> Iterator[Statements]:
        del long
        with self._translated():
            own = self._own_transaction() or self._readers.own
            if own is not None:
                yield own
                return
            readers = self._readers
            with readers.each() if single else readers.one() as connection:
                yield connection

    @contextmanager
    def apart(self) -> Iterator[Statements]:
        with self._translated(), self._apart.one() as connection:
            yield connection

    @contextmanager
    def pulse(self) -> Iterator[Statements]:
        with self._translated(), self._pulse.one() as connection:
            yield connection

    def signals(self) -> PostgresSignals:
        return self._signals

    def reached(self) -> str:
        with self.apart() as connection:
            found = now_reached(connection)
        if self._life is not None:
            self._life = self._life._replace(reached=found)
        return found

    def _run(self, work: Callable[[], None]) -> None:
        with self._translated():
            work()

    def _own_transaction(self) -> Statements | None:
        """The transaction in which this thread is."""
        if not self._guard.acquire(timeout=0):
            return None
        try:
            return Asking(self._writer) if self._depth and self._writer else None
        finally:
            self._guard.release()

    def shrink(self) -> bool:
        """PostgreSQL's autovacuum does it."""
        return False

    def checkpoint(self) -> int:
        """PostgreSQL does it by itself."""
        return 0

    def trouble(self) -> str:
        error = self._opening.trouble
        problem = problem_of(error, self._name) if error is not None else None
        return str(problem) if problem else ""

    def waiting(self) -> str:
        try:
            return waits_of(self._address, self._opening.sessions)
        except psycopg.Error as error:
            if self._opening.trouble is not None:
                return ""  # that is told already
            return f"an answer of the database: {problem_of(error, self._name) or error}"

    def close(self) -> None:
        with self._guard:
            self._readers.close()
            self._apart.close()
            self._pulse.close()
            self._signals.close()
            if self._writer is not None:
                self._writer.close()
            lock, self._lock = self._lock, None
        if lock is not None:
            lock.release()

    def __repr__(self) -> str:
        return f"<PostgresDatabase {self._name}>"

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            if (problem := problem_of(error, self._name)) is None:
                raise
            raise ProblemError(problem) from error
        except (OverflowError, UnicodeEncodeError) as error:
            message = f"a value cannot be kept in {self._name}: {error}"
            raise ProblemError(Problem(Code.BAD_VALUE, message, retry=False)) from error


def _locks(scope: Scope) -> str:
    """What takes the locks of a scope, in one round trip."""
    if scope == ALONE:
        return "SELECT pg_advisory_xact_lock(4346, 2)"
    text = "SELECT pg_advisory_xact_lock_shared(4346, 2)"
    if scope.workspace is not None:
        # Rows that refer to the workspace may still come: its key does not change.
        text += f"; SELECT FROM workspace WHERE id = {scope.workspace:d} FOR NO KEY UPDATE"
    elif scope.own:
        key = crc32(scope.own.encode()) - 2**31
        text += f"; SELECT pg_advisory_xact_lock(4347, {key:d})"
    return text


_IN_ORDER: Final = psycopg.pq.TransactionStatus.INTRANS
_IDLE: Final = psycopg.pq.TransactionStatus.IDLE
