"""A server's state in PostgreSQL: one connection that writes, some that read.

A commit that was confirmed is on the database's disk (`synchronous_commit`). Writers of this
process come one after the other, in the order in which they ask. A connection that was lost is
opened again at the next transaction; what was in transit then fails, and is not known to be written
or not: it may be asked for again, because what the rooms write may be written twice.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Self

import psycopg

from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.process.fair_lock import FairLock
from cargo_sync.state.database import Database, Fault, Statements
from cargo_sync.state.postgres.connections import (
    Asking,
    Connection,
    Opening,
    PostgresReaders,
    name_of,
)
from cargo_sync.state.postgres.problems import in_use, problem_of
from cargo_sync.state.postgres.schema_versions import migrate

_ONE_SERVER: Final = "SELECT pg_try_advisory_lock(4346, 1)"
"""Two numbers of ours: the server that holds this lock is the only one."""
_WAIT: Final = "SELECT pg_advisory_lock(4346, 1)"
_WHO: Final = "SELECT pid, backend_start::text FROM pg_stat_activity WHERE pid = pg_backend_pid()"
_END: Final = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND backend_start::text = $2
"""


class PostgresDatabase(Database):
    """The open state of a server in PostgreSQL."""

    def __init__(self, address: str, path: str, fault: Fault | None) -> None:
        """Not called directly: see `open`."""
        self.path = path
        self._name = name_of(address)
        self._fault = fault
        self._guard = FairLock()
        self._depth = 0
        self._spoilt = False
        self._writer: Connection | None = None
        self._session: tuple[object, ...] | None = None
        """The database's end of our last connection that writes: its process, and its start."""
        self._opening = Opening(address)
        self._readers = PostgresReaders(self._opening)

    @classmethod
    def open(cls, address: str, path: str, fault: Fault | None = None) -> Self:
        """Connects, and brings the tables to this release's version.

        Args:
            address: a URL or a "key=value" list, as libpq takes them.
            path: a folder of this machine that is the server's own.
            fault: for tests.

        Raises:
            ProblemError: `state_in_use`, `state_newer`, `state_other`, or why it cannot be used.
        """
        database = cls(address, path, fault)
        try:
            with database._translated():
                writer = database._connected(0)
                migrate(writer, database._name)
        except BaseException:
            database.close()
            raise
        return database

    @contextmanager
    def transaction(self) -> Iterator[Statements]:
        failures = self._opening.failures
        with self._translated(), self._guard:
            writing = Asking(self._begun(failures), self._fault)
            self._depth += 1
            try:
                yield writing
                if self._depth == 1:
                    self._commit(writing)
            except BaseException:
                self._spoilt = True
                if self._depth == 1:
                    self._roll_back()
                raise
            finally:
                self._depth -= 1

    def _begun(self, failures: int) -> Connection:
        """The connection that writes, in a transaction; `failures` is for a new one."""
        if self._depth and self._writer is not None:
            return self._writer
        writer = self._writer
        if writer is not None and not writer.closed:
            try:
                writer.execute("BEGIN")
            except psycopg.OperationalError:
                writer.close()
        if writer is None or writer.closed:
            writer = self._connected(failures)
            writer.execute("BEGIN")
        self._spoilt = False
        return writer

    def _commit(self, writing: Asking) -> None:
        """Raises if anything failed before: then a COMMIT would roll back, without an error."""
        if self._spoilt or (self._writer and self._writer.info.transaction_status != _IN_ORDER):
            raise RuntimeError("a transaction continues after a part of it failed")
        writing.execute("COMMIT")

    def _roll_back(self) -> None:
        writer = self._writer
        if writer is None or writer.closed or writer.info.transaction_status == _IDLE:
            return
        try:
            writer.execute("ROLLBACK")
        except psycopg.Error:
            writer.close()

    def _connected(self, failures: int) -> Connection:
        """Opens the connection that writes, as the only server that does."""
        writer = self._opening(failures)
        try:
            if not self._is_only(writer):
                raise ProblemError(in_use(self._name))
            self._session = writer.execute(_WHO).fetchone()
        except BaseException:
            writer.close()
            raise
        self._writer = writer
        return writer

    def _is_only(self, writer: Connection) -> bool:
        """Takes the lock of the only server; False if another one has it."""
        if writer.execute(_ONE_SERVER).fetchone() == (True,):
            return True
        if self._session is None or not writer.execute(_END, self._session).fetchone():
            return False
        writer.execute(_WAIT)  # the database had not noticed yet that we were cut off
        return True

    @contextmanager
    def read(self, *, long: bool = False) -> Iterator[Statements]:
        del long
        with self._translated():
            own = self._own_transaction() or self._readers.own
            if own is not None:
                yield own
                return
            with self._readers.one() as connection:
                yield connection

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

    def close(self) -> None:
        with self._guard:
            self._readers.close()
            if self._writer is not None:
                self._writer.close()

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


_IN_ORDER: Final = psycopg.pq.TransactionStatus.INTRANS
_IDLE: Final = psycopg.pq.TransactionStatus.IDLE
