"""Connections to PostgreSQL: how they are opened, and what their values become."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from threading import BoundedSemaphore, local
from typing import Any, Final

import psycopg
from psycopg import RawCursor
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.types.numeric import Int8Dumper, NumericBinaryLoader
from psycopg.types.string import StrDumper

from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.state.database import Fault, Found, Statements, TakesLists
from cargo_sync.state.postgres.dialect import translated

Connection = psycopg.Connection[tuple[Any, ...]]

MOST: Final = 4
"""Connections that only read; when all of them are in use, a reader waits for one."""
_ASKED: Final[Mapping[str, int | str]] = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
    "application_name": "cargo_sync",
}
"""What holds unless the address says something else."""
_ASKED_OF_SEVERAL: Final[Mapping[str, int | str]] = {
    **_ASKED,
    # One of them is written to, the others follow it and may be behind: they are never asked.
    "target_session_attrs": "read-write",
    # One that is away must not make a server seem to be away that asks the next one.
    "connect_timeout": 2,
}
"""The same for an address that names several hosts."""
_SESSION: Final = (
    # The database, too, notices soon that a connection was cut: until then it keeps our lock.
    "SET tcp_keepalives_idle = 10",
    "SET tcp_keepalives_interval = 5",
    "SET tcp_keepalives_count = 3",
    "SET synchronous_commit = on",
    # That a commit may be lost is said by a warning, whatever a role or a database is set to.
    "SET client_min_messages = warning",
    "SET lock_timeout = '30s'",
    # A server that stops in the middle of a transaction must not stop the others.
    "SET idle_in_transaction_session_timeout = '20s'",
    "SET timezone = 'UTC'",
)

_WATCHED: Final = (
    # A long statement ends when its program does, which may be started again and need our lock.
    "SET client_connection_check_interval = '1s'",
    # Who reads an answer on a machine that is gone must not keep its locks for a quarter of an
    # hour: what was sent, and nobody has acknowledged, is no idle connection to a system.
    "SET tcp_user_timeout = 15000",
)
"""What some versions and systems of a database do not know."""


class _SumLoader(NumericBinaryLoader):
    """A sum of our integers is `numeric`, and an integer for us."""

    def load(self, data: Any) -> Any:
        return int(super().load(data))


class _FlagDumper(Int8Dumper):
    """SQLite has no truth values: ours are 1 and 0 in both."""

    def dump(self, obj: Any) -> Any:
        return super().dump(int(obj))


def connect(address: str) -> Connection:
    """Opens a connection; each statement is its own transaction until there is a BEGIN.

    Integers are sent as bigint and strings as text, whatever they are: a statement is prepared once
    for all of them.

    Raises:
        ProblemError: `bad_settings`: it is no address.
        psycopg.Error: it cannot be opened.
    """
    connection: Connection = psycopg.connect(
        make_conninfo(address, **added_to(address)),
        autocommit=True,
        cursor_factory=RawCursor,
        prepare_threshold=2,
    )
    connection.prepared_max = 256
    connection.adapters.register_dumper(int, Int8Dumper)
    connection.adapters.register_dumper(bool, _FlagDumper)
    connection.adapters.register_dumper(str, StrDumper)
    connection.adapters.register_loader("numeric", _SumLoader)
    for setting in _SESSION:
        connection.execute(setting)
    for setting in _WATCHED:
        with suppress(psycopg.ProgrammingError, psycopg.DataError):  # before 14, and on Windows
            connection.execute(setting)
    return connection


def added_to(address: str) -> Mapping[str, int | str]:
    """What holds for connections besides what an address says.

    A host may have a name and a number (`host` and `hostaddr`): only a list in one of them names
    several.

    Raises:
        ProblemError: as for `parts_of`.
    """
    said = parts_of(address)
    are_several = any("," in str(said.get(name) or "") for name in ("host", "hostaddr"))
    asked = _ASKED_OF_SEVERAL if are_several else _ASKED
    return {name: value for name, value in asked.items() if name not in said}


def parts_of(address: str) -> Mapping[str, int | str | None]:
    """What an address says. libpq's own words are not shown: they quote passwords.

    Raises:
        ProblemError: `bad_settings`.
    """
    try:
        return conninfo_to_dict(address)
    except (psycopg.ProgrammingError, UnicodeDecodeError):
        message = "the address of the database cannot be read"
        hint = "check the names after the ?; special characters in a password are written as %XX"
        raise ProblemError(Problem(Code.BAD_SETTINGS, message, hint=hint, retry=False)) from None


def name_of(address: str) -> str:
    """What a database is called in messages: never with its password.

    Raises:
        ProblemError: as for `parts_of`.
    """
    parts = parts_of(address)
    return f"the database {parts.get('dbname', '')!r} at {parts.get('host') or 'this machine'}"


class Asking(TakesLists):
    """Runs the rooms' statements on a connection."""

    def __init__(self, connection: Connection, fault: Fault | None = None) -> None:
        self._connection = connection
        self._fault = fault

    def execute(self, sql: str, parameters: Sequence[object] = (), /) -> Found:
        """Runs a statement in our words.

        Raises:
            psycopg.Error: what went wrong.
        """
        if self._fault is not None:
            self._fault(sql)
        cursor = self._connection.cursor(binary=True)
        return cursor.execute(translated(sql).encode(), parameters or None)


class _AskingAgain(TakesLists):
    """Runs statements that only read, each a transaction of its own.

    One that fails because its connection was lost meanwhile runs on another one.

    connection  None before the first statement, if none was given
    """

    def __init__(self, connection: Connection | None, opened: Callable[[], Connection]) -> None:
        self.connection = connection
        self._opened = opened

    def execute(self, sql: str, parameters: Sequence[object] = (), /) -> Found:
        """As of `Asking`."""
        if self.connection is not None and not self.connection.closed:
            try:
                return Asking(self.connection).execute(sql, parameters)
            except psycopg.OperationalError:
                if not self.connection.closed:
                    raise
        self.connection = self._opened()
        return Asking(self.connection).execute(sql, parameters)


class Opening:
    """Opens connections to one database.

    An attempt may take `connect_timeout` to fail. Who has waited for a turn meanwhile fails with
    it, and does not try as long again: else a queue of N would last N times as long.

    failures  how many attempts have failed
    trouble   why the last attempt failed; None if it did not
    check     looks at each new connection, and raises ProblemError if it must not be used
    sessions  the database's ends of the connections that were opened last: their processes
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self.check: Callable[[Connection], object] = lambda opened: None
        self.trouble: psycopg.Error | None = None
        self.failures = 0
        self._sessions = deque[int](maxlen=4 * MOST)

    @property
    def sessions(self) -> Sequence[int]:
        return list(self._sessions)

    def __call__(self, failures: int) -> Connection:
        """Opens one.

        Args:
            failures: how many there had been when the caller began to wait for a turn.

        Raises:
            psycopg.Error: it cannot be opened.
            ProblemError: `check` refuses it.
        """
        if (last := self.trouble) is not None and failures != self.failures:
            raise type(last)(str(last))
        try:
            opened = connect(self._address)
        except psycopg.OperationalError as error:
            self.trouble = error
            self.failures += 1
            raise
        self.trouble = None
        self._sessions.append(opened.info.backend_pid)
        try:
            self.check(opened)
        except BaseException:
            opened.close()
            raise
        return opened


class PostgresReaders:
    """Up to `MOST` connections that only read, opened when they are needed.

    opening  opens one
    """

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self._turns = BoundedSemaphore(MOST)
        self._free: list[Connection] = []
        self._mine = local()

    @property
    def own(self) -> Statements | None:
        """What this thread is already reading from, or None."""
        asking: Statements | None = getattr(self._mine, "asking", None)
        return asking

    @contextmanager
    def one(self) -> Iterator[Statements]:
        """Reads at one moment: what is committed until the block ends is not seen.

        Raises:
            psycopg.Error: the database cannot be read.
        """
        failures = self._opening.failures
        with self._turns:
            connection = self._begun(failures)
            self._mine.asking = asking = Asking(connection)
            try:
                yield asking
            finally:
                self._mine.asking = None
                self._give_back(connection)

    @contextmanager
    def each(self) -> Iterator[Statements]:
        """Reads statement by statement, each at a moment of its own.

        Raises:
            psycopg.Error: the database cannot be read.
        """
        failures = self._opening.failures
        with self._turns:
            asking = _AskingAgain(_taken(self._free), lambda: self._opening(failures))
            try:
                yield asking
            finally:
                if (connection := asking.connection) is not None and not connection.closed:
                    self._free.append(connection)

    def _begun(self, failures: int) -> Connection:
        """A connection in a transaction; one that was lost since its last use is replaced."""
        while connection := _taken(self._free):
            try:
                connection.execute(_READ)
            except psycopg.OperationalError:
                connection.close()
            else:
                return connection
        connection = self._opening(failures)
        try:
            connection.execute(_READ)
        except BaseException:
            connection.close()
            raise
        return connection

    def _give_back(self, connection: Connection) -> None:
        try:
            connection.execute("ROLLBACK")
        except psycopg.Error:
            connection.close()
        else:
            self._free.append(connection)

    def close(self) -> None:
        """Closes the connections, which must not be in use any more."""
        while connection := _taken(self._free):
            connection.close()


class ApartStatements:
    """Some connections on which each statement is a transaction.

    Each may wait for a row that somebody else writes. What says each second that this server is
    there must not wait behind them: it has one of its own.

    opening  opens one
    most     so many at a time
    """

    def __init__(self, opening: Opening, most: int = MOST) -> None:
        self._opening = opening
        self._turns = BoundedSemaphore(most)
        self._free: list[Connection] = []

    @contextmanager
    def one(self) -> Iterator[Statements]:
        """Raises psycopg.Error: a statement failed, or the database cannot be reached."""
        failures = self._opening.failures
        with self._turns:
            connection = _taken(self._free)
            while connection is not None and not _answers(connection):
                connection = _taken(self._free)
            if connection is None:
                connection = self._opening(failures)
            try:
                yield Asking(connection)
            finally:
                self._free.append(connection)

    def close(self) -> None:
        """Closes the connections, which must not be in use any more."""
        while connection := _taken(self._free):
            connection.close()


def _answers(connection: Connection) -> bool:
    """Whether a connection still stands; else it is closed."""
    try:
        connection.execute("")
    except psycopg.Error:
        connection.close()
        return False
    return True


def _taken(free: list[Connection]) -> Connection | None:
    """The last one; None when none is left, also because another thread was faster."""
    try:
        return free.pop()
    except IndexError:
        return None


_READ: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
