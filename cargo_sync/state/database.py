"""The contract of a program's state: transactions that join, and reads at one moment.

Two builds keep it: `sqlite`, one file of one process, and `postgres`, for a server whose state is
in PostgreSQL. The tables are the same, and so are the statements of the rooms: what differs is in
the schema's scripts, and in `postgres/dialect`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final, Literal, NamedTuple, Protocol, Self

from cargo_sync.model.problems import Problem

Schema = Literal["daemon", "server", "node"]

Fault = Callable[[str], None]
"""Called with each statement's text before it runs in a transaction, also `COMMIT`; tests fail
there."""


class Found(Protocol):
    """What a statement has found or done.

    rowcount  how many rows it has written
    """

    @property
    def rowcount(self) -> int: ...

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...

    def __iter__(self) -> Iterator[Any]: ...


class Statements(Protocol):
    """What the rooms need from a connection: `?` or `?1` stand for parameters."""

    def execute(self, sql: str, parameters: Sequence[object] = (), /) -> Found: ...


class TakesLists:
    """A base of those `Statements` of which a parameter may be a list: `= ANY(?)`, `unnest(?)`.

    Where each statement is a way to another program and back, many rows go in one (`bulk`).
    """

    __slots__ = ()


class Scope(NamedTuple):
    """What a transaction keeps others from writing until it ends, where several servers write.

    Nothing: all of it. So what says nothing is alone, and may read, decide and write.

    workspace  only what belongs to this workspace. It may also use what `own` says, row by row
    own        only what the transactions that say the same text write, such as one transfer's rows
    """

    workspace: int | None = None
    own: str = ""

    def allows(self, inner: "Scope") -> bool:
        """Whether a transaction with the scope `inner` may join one with this scope."""
        if self in (ALONE, inner):
            return True
        return self.workspace is not None and bool(inner.own)


ALONE: Final = Scope()


class Signals(Protocol):
    """Short texts between the servers that share a state. One that is lost is not sent again."""

    def open(self) -> int:
        """Listens, if it does not yet; returns what is readable when something comes.

        It may block. What was returned before must not be waited for meanwhile.

        Raises:
            ProblemError: it cannot listen now.
        """

    def taken(self) -> list[str] | None:
        """What has come, also from this server; None: the connection is lost. It never blocks."""

    def send(self, text: str) -> None:
        """Sends up to 8,000 bytes to all. It may block. Raises ProblemError."""


class Database(ABC):
    """The open state of a program. Safe to use from several threads.

    path  on the file system where the program keeps what is its own: the state's file, or a folder
    """

    path: str

    @abstractmethod
    def transaction(
        self, workspace: int | None = None, own: str = ""
    ) -> AbstractContextManager[Statements]:
        """A transaction: all that is written inside becomes true at once, or none of it.

        A transaction inside another one of the same thread joins it. When an inner one fails, the
        outermost cannot commit any more, even if the error was caught in between.

        Args:
            workspace: see `Scope`.
            own: see `Scope`.

        Raises:
            ProblemError: nothing was written, or it is not known whether it was. `state_locked`:
                others had it too long.
            RuntimeError: it joins one whose scope does not allow that.
        """

    def held(self, workspace: int | None, *, whole: bool = False) -> AbstractContextManager[object]:
        """What a workspace's rows say stays true until the block ends, whoever else writes.

        What is written inside becomes true at its end, all or nothing. Each transaction inside can
        fail alone: it leaves nothing then, and another one may follow.

        Where there is one process, its own locks do that: then this does nothing, and each
        transaction inside is true at once.

        Args:
            workspace: its id; None: nobody else writes anything.
            whole: when a transaction inside fails, nothing else comes of it either. That is less
                work for a database.

        Raises:
            ProblemError: as `transaction` does, also at the end of the block.
        """
        return nullcontext()

    def looked_up(self, workspace: int) -> "dict[str, object] | None":
        """What this thread has found out of a workspace, and stays so until its transaction ends.

        Who looks something up may note it here, and who changes it forgets it. None: this thread's
        transaction does not keep others from writing there, or a look costs next to nothing.
        """
        return None

    def afterwards(self, call: Callable[[], object]) -> None:
        """Calls it once what was written until now is true; never if it does not become true."""
        call()

    @abstractmethod
    def read(
        self, *, long: bool = False, single: bool = False
    ) -> AbstractContextManager[Statements]:
        """Reads at one moment: what others write after its first statement is not seen.

        A transaction of the same thread is seen. Nobody waits for one of another thread.

        Args:
            long: it takes more than a few milliseconds, for which no writer should wait.
            single: it is one statement, or each may see another moment.

        Raises:
            ProblemError: it cannot be read.
        """

    def apart(self) -> AbstractContextManager[Statements]:
        """Statements of which each is a transaction of its own, and waits for no other.

        For rows that one server alone writes, or of which a single statement decides.

        Raises:
            ProblemError: the state cannot be used.
        """
        return self.transaction()

    def pulse(self) -> AbstractContextManager[Statements]:
        """As `apart`, for what others must hear each second: nothing else is in its way.

        Raises:
            ProblemError: the state cannot be used.
        """
        return self.apart()

    def signals(self) -> Signals | None:
        """To other servers that share it; None: there are none."""
        return None

    @abstractmethod
    def shrink(self) -> bool:
        """Gives some unused space back; returns whether there may be more.

        Raises:
            ProblemError: it cannot be written.
        """

    @abstractmethod
    def checkpoint(self) -> int:
        """Empties the log of what was written; returns its bytes that could not be moved.

        Raises:
            ProblemError: it cannot be written.
        """

    @property
    def life(self) -> str:
        """Marks the time since nobody had it, in which it did not go back; "" for a process's own.

        Servers that share it have the same.
        """
        return ""

    def reached(self) -> str:
        """How far it is now. It is lost if it is found to be less far later.

        Raises:
            ProblemError: it does not answer.
        """
        return ""

    @property
    def lost(self) -> Problem | None:
        """Why this process must end: it is not the state any more that was opened. Or None."""
        return None

    def trouble(self) -> str:
        """What a person should know about it now, or ""."""
        return ""

    def waiting(self) -> str:
        """What it waits for now, in words; "" if nobody else is in its way. It may block."""
        return ""

    @abstractmethod
    def close(self) -> None:
        """Closes it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def must_allow(outer: Scope, inner: Scope) -> None:
    """Raises RuntimeError if a transaction may not join another one: a bug of this program."""
    if not outer.allows(inner):
        raise RuntimeError(f"a transaction with the scope {inner} inside one with {outer}")
