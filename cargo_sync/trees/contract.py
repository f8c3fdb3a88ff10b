"""The Tree contract: what the engine needs from one side of a job.

Each tree keeps these rules, and one suite proves them (tests/conformance/test_tree.py):

- `open` comes first. It checks what is really there now and returns its identity.
- `observe` reports what is there. Whole listings come in component order, a folder before
  everything below it. A folder that could not be read completely comes as `Missed`; then everything
  in and below it is unknown. A tree that knows its changes reports the changes since a cursor
  instead. Observing twice is harmless.
- A call that changes a tree gets the entry that the plan saw, and checks again at the moment of the
  change. Nothing is overwritten or unlinked: the old entry is displaced into the tree's trash. Each
  action fails alone, as an outcome with a problem; only a problem of the whole call is raised, as a
  ProblemError.
- An outcome is only returned when it is durable. After a cut it is not known which of the open
  actions were done; the next look finds out. What was done before a stop or a cut is told with it.
- Each problem says whether it may be tried again.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol, overload

from cargo_sync.lanes.ports import Sink, Source
from cargo_sync.machines.client_fence import JobClient
from cargo_sync.machines.newest_change import NOTHING_SEEN, SeenChange
from cargo_sync.machines.own_changes import NO_CHANGES, OwnChanges
from cargo_sync.model.actions import Action, Outcome, Puts
from cargo_sync.model.entries import Entry
from cargo_sync.model.jobs import Identity, Mode
from cargo_sync.model.known_hashes import KnownHash, Matched
from cargo_sync.model.problems import Problem
from cargo_sync.model.transfers import Receipt
from cargo_sync.model.xattrs import Xattrs


class Whole(NamedTuple):
    """One folder, read completely; or a part of a large one, whose parts come in their order.

    listing   encoded
    entries   how many it has
    problems  one per name that was left out
    first     where it begins; "" for the beginning of the folder
    end       where the next part begins; "" for the end of the folder
    """

    path: str
    listing: bytes
    entries: int
    problems: tuple[Problem, ...] = ()
    first: str = ""
    end: str = ""


class Missed(NamedTuple):
    """A folder that could not be read completely."""

    path: str
    problem: Problem


class NoFolder(NamedTuple):
    """There is no folder at a path: the listing of its parent says what is."""

    path: str


class Delta(NamedTuple):
    """What changed since a cursor.

    changes   (path, the entry that is there now or None)
    cursor    where the next look begins
    refused   paths that are left out because they cannot be used, with the reason; None: it is gone
    own       what the job itself has changed, older than `changes`: it is left out, because both
              sides have agreed on it. If that is not so, or deletions after `cursor` of `observe`
              may have been forgotten, the reader observes again from the same cursor
    """

    changes: Sequence[tuple[str, Entry | None]]
    cursor: int
    refused: Sequence[tuple[str, Problem | None]] = ()
    own: OwnChanges = NO_CHANGES


Observation = Sequence[Whole | Missed] | Delta


class Task(NamedTuple):
    """An action of a transfer, and the id that this transfer keeps when it is tried again."""

    action: Action
    transfer: str


@dataclass(frozen=True, slots=True)
class Tasks(Sequence[Task]):
    """The tasks of a batch, by column.

    transfers  the ids, in the order of the puts
    """

    puts: Puts
    transfers: list[str]

    @classmethod
    def of(cls, tasks: Sequence[Task]) -> "Tasks":
        if isinstance(tasks, Tasks):
            return tasks
        return cls(Puts.of([task.action for task in tasks]), [task.transfer for task in tasks])

    def __len__(self) -> int:
        return len(self.transfers)

    def __iter__(self) -> Iterator[Task]:
        return map(Task, self.puts, self.transfers)

    @overload
    def __getitem__(self, at: int) -> Task: ...

    @overload
    def __getitem__(self, at: slice) -> "Tasks": ...

    def __getitem__(self, at: int | slice) -> "Task | Tasks":
        if isinstance(at, slice):
            return Tasks(self.puts[at], self.transfers[at])
        return Task(self.puts[at], self.transfers[at])


class Moved(NamedTuple):
    """How a batch moved.

    seconds         how long it took, without the time in which other batches moved
    lost, rtt_ms    the connection's lost frames and mean round trip in that time; None when they
                    were not measured
    """

    seconds: float = 0.0
    lost: int | None = None
    rtt_ms: float | None = None


NONE_HAD: Final[Mapping[str, int]] = {}


class Brought(NamedTuple):
    """What became of a batch: thousands of small files share it, so it has no value for each.

    done      the tasks whose files are at the destination now
    receipts  of these, in the same order
    failed    the outcomes of the others
    moved     how the batch moved
    had       bytes that the destination had before of some files, by the transfer's id
    """

    done: Sequence[Task]
    receipts: Sequence[Receipt]
    failed: Sequence[Outcome]
    moved: Moved
    had: Mapping[str, int] = NONE_HAD


class Tree(Protocol):
    """One side of a job."""

    async def open(self) -> Identity:
        """Makes the tree ready; returns its identity.

        Raises:
            ProblemError: it cannot be reached.
        """

    def observe(self, cursor: int) -> AsyncIterator[Observation]:
        """Reports what is there, or what changed since `cursor`.

        Raises:
            ProblemError: the tree cannot be reached.
        """

    async def hashes(
        self, items: Sequence[tuple[str, Entry]], *, reread: bool = False
    ) -> list[str | Problem]:
        """BLAKE3 of files, as hex, in order; a file that is not the given entry has a problem.

        With `reread` the files are read, even if their hashes are known.
        """

    async def xattrs(self, items: Sequence[tuple[str, Entry]]) -> list[Xattrs | Problem]:
        """The extended attributes of files, in order.

        A file that is not the given entry, or has too many of them, has a problem.
        """

    async def apply(self, actions: Sequence[Action], run: str) -> list[Outcome]:
        """Does MKDIR, DELETE, MOVE and META in order; displaced entries go to the trash of `run`.

        The entry of a MOVE is where it was or at its new path, which must be free. With an
        `occupant`, both change places in one step, or the action fails.

        A stop, or a problem of the whole call, begins no more steps. It waits for a moment for
        those that are under way, and carries the outcomes of what was done (`trees.cut_short`).
        """

    def renamed(self, outcomes: Sequence[Outcome]) -> None:
        """These MOVEs are recorded: later observations need not report them."""

    async def retire(
        self, path: str, entry: Entry, content: str, move_to: str, run: str
    ) -> str | Problem:
        """Moves a delivered source file to `move_to`, or to the trash if that is "".

        This is only done if the file is still `entry` and, read again, has the BLAKE3 `content`.

        Returns:
            Where it is in the trash now, or "" if it is not there; why it was left where it is.
        """

    async def close(self) -> None: ...


class Ends(Protocol):
    """The near ends of a transfer: where content is read and staged on this machine."""

    def source(self) -> Source:
        """Where a sender reads."""

    def sink(self, run: str) -> Sink:
        """Where a receiver stages and commits; displaced entries go to the trash of `run`."""


class NearTree(Tree, Ends, Protocol):
    """The side on this machine: it reads and stages for the far one."""

    def observe_some(
        self, some: Sequence[str], *, unfiltered: bool = False
    ) -> AsyncIterator[Sequence[Whole | Missed | NoFolder]]:
        """Reports what is in these folders, but not in the folders below them.

        What the job's filters leave out is only reported if it is asked for `unfiltered`.

        Raises:
            ProblemError: the tree cannot be reached.
        """

    async def entries(self, some: Sequence[str]) -> list[Entry | Problem | None]:
        """What is at these paths now, in order; None for nothing."""

    async def blank(self, items: Sequence[tuple[str, Entry]]) -> list[bool | Problem]:
        """Whether files hold nothing but zeros, in order; one that cannot be read has a problem."""

    async def matches(
        self, items: Sequence[tuple[str, Entry, KnownHash]]
    ) -> list[Matched | Problem]:
        """As `hashes`; the same read of a file says whether it has the hash that a server knows."""

    async def beginnings(
        self, items: Sequence[tuple[str, Entry]], length: int
    ) -> list[bytes | Problem]:
        """Up to `length` first bytes of files, in order; one that cannot be read has a problem."""


class FarTree(Tree, Protocol):
    """The other side. It decides how bytes move.

    newest  the newest change that it has shown, also of those that the job itself made: no older
            than what `observe`, `apply` and `transfer` have given
    """

    @property
    def newest(self) -> SeenChange: ...

    async def known_hashes(self, items: Sequence[tuple[str, Entry]]) -> Sequence[KnownHash | None]:
        """What the server knows of contents without reading them, in order.

        It is None where it knows nothing, also for a file that is not the given entry any more:
        `hashes` says more then.
        """

    async def open(
        self,
        cursor: int = 0,
        newest: SeenChange = NOTHING_SEEN,
        client: JobClient | None = None,
    ) -> Identity:
        """Makes the tree ready; returns its identity.

        Args:
            cursor: where the next look begins.
            newest: the newest change that is known: its identity says whether that is lost.
            client: who comes; None for somebody who keeps no state.

        Raises:
            FencedError: the job does not come with the state with which it was here last.
            ProblemError: it cannot be reached.
        """

    def transfer(
        self,
        mode: Mode,
        near: NearTree,
        batches: AsyncIterator[Sequence[Task]],
        speed: int | None,
        run: str,
    ) -> AsyncGenerator[Brought, None]:
        """Moves content between `near` and this tree; yields what became of one batch at a time.

        A transfer in each direction may run at the same time.

        That comes when it is durable. At most eight batches are taken before their results, which
        limits the memory. Files of a batch fail alone. When the iterator is closed, running files
        stop at a checkpoint.

        Raises:
            ProblemError: the connection was cut or refused; it is not known what was done of
                batches without a result.
        """

    def open_tasks(self) -> list[Task]:
        """The tasks that the running transfers have taken but that have no result yet.

        Some of them may still wait for their turn.
        """

    def rate(self, mode: Mode) -> int:
        """Bytes of content per second that move now in one direction, as granted or measured.

        Until then it is a guess.
        """

    def resumed(self, mode: Mode) -> Mapping[str, int]:
        """What the destination had of unfinished files when the last transfer this way began.

        Returns:
            Transfer id -> bytes; only files of which a part had arrived before.
        """

    async def set_speed(self, bits: int | None) -> int | None:
        """Changes the speed of the running transfers together without interrupting them.

        A transfer that waits to begin will begin with it. Without a transfer nothing happens,
        because `transfer` gets its own speed. Of two calls at the same time, the later one counts.

        Returns:
            What the other side grants from now on to all of them together, in bits per second;
            None: no limit, or nothing moves.

        Raises:
            ProblemError: the other side could not be asked; the transfer continues as before.
        """

    def cancel(self, path: str) -> None:
        """Cancels the file at `path` in the running transfers, also before its turn comes.

        It fails alone (CANCELLED), and nothing of it is kept. A file that was moved completely is
        still done.
        """

    async def wait(self, cursor: int, seconds: float) -> bool:
        """Returns True as soon as something changed since `cursor`, False after `seconds`."""
