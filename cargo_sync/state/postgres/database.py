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
    PostgresReaders,
    connect,
    name_of,
)
from cargo_sync.state.postgres.problems import problem_of
from cargo_sync.state.postgres.schema_versions import migrate

_ONE_SERVER: Final = "SELECT pg_try_advisory_lock(4346, 1)"
"""Two numbers of ours: the server that holds this lock is the only one."""


class PostgresDatabase(Database):
    """The open state of a server in PostgreSQL."""

    def __init__(self, address: str, path: str, fault: Fault | None) -> None:
        """Not called directly: see `open`."""
        self.path = path
        self._address = address
        self._name = name_of(address)
        self._fault = fault
        self._guard = FairLock()
        self._depth = 0
        self._spoilt = False
        self._writer: Connection | None = None
        self._readers = PostgresReaders(lambda: connect(address))

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
                writer = database._connected()
                migrate(writer, database._name)
        except BaseException:
            database.close()
            raise
        return database

    @contextmanager
    def transaction(self) -> Iterator[Statements]:
        with self._translated(), self._guard:
            writing = Asking(self._begun(), self._fault)
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

    def _begun(self) -> Connection:
        """The connection that writes, in a transaction."""
        if self._depth and self._writer is not None:
            return self._writer
        writer = self._writer
        if writer is not None and not writer.closed:
            try:
                writer.execute("BEGIN")
            except psycopg.OperationalError:
                writer.close()
        if writer is None or writer.closed:
            writer = self._connected()
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

    def _connected(self) -> Connection:
        """Opens the connection that writes, as the only server that does."""
        self._writer = writer = connect(self._address)
        is_first = writer.execute(_ONE_SERVER).fetchone()
        if is_first != (True,):
            writer.close()
            raise ProblemError(
                Problem(
                    Code.STATE_IN_USE,
                    f"{self._name} is in use by another server",
                    hint="stop that one, or give this one a database of its own",
                    retry=False,
                )
            )
        return writer

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
