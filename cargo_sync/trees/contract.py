"""The Tree contract: what the engine asks of one side of a job.

Kept by every tree, and proved by one suite (tests/conformance/test_tree.py):

- `open` comes first; it looks at what is really there now, and its answer names it.
- `observe` tells what is there. Whole listings come in component order, a folder before what is
  below it; a folder that could not be read whole comes as `Missed`, and then nothing is concluded
  about it or below it. A tree that knows its changes tells them since a cursor instead. Observing
  twice is harmless.
- What changes a tree takes the entry that the plan saw there and looks again at the moment of
  change: nothing is overwritten or unlinked, what stood there is displaced into the tree's trash.
  Each action fails alone, as an outcome with a problem; only what concerns all of them is raised,
  as a ProblemError.
- An outcome is given only when it is durable. After a cut nobody knows which of the actions under
  way were done; the next look tells.
- Problems say themselves whether they may be tried again.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import NamedTuple, Protocol

from cargo_sync.lanes.ports import Sink, Source
from cargo_sync.model.actions import Action, Outcome
from cargo_sync.model.entries import Entry
from cargo_sync.model.jobs import Identity, Mode
from cargo_sync.model.problems import Problem


class Whole(NamedTuple):
    """One folder as it stands, encoded; `entries` counts them, `problems` are of names left out."""

    path: str
    listing: bytes
    entries: int
    problems: tuple[Problem, ...] = ()


class Missed(NamedTuple):
    """A folder that could not be read whole."""

    path: str
    problem: Problem


class Delta(NamedTuple):
    """What changed since a cursor: the entry now at a path, or None. The next look begins at
    `cursor`.

    lineage  of that cursor, to be held against what `open` says of it the next time
    """

    changes: Sequence[tuple[str, Entry | None]]
    cursor: int
    lineage: str = ""


Observation = Sequence[Whole | Missed] | Delta


class Task(NamedTuple):
    """An action of a transfer, and the id that this transfer keeps when it is tried again."""

    action: Action
    transfer: str


class Tree(Protocol):
    """One side of a job."""

    async def open(self, cursor: int = 0) -> Identity:
        """Makes the tree ready; says what it is, and of which lineage the change at `cursor` is.

        Raises:
            ProblemError: it cannot be reached.
        """

    def observe(self, cursor: int) -> AsyncIterator[Observation]:
        """What is there, or what changed since `cursor`. Raises ProblemError when all is out of
        reach."""

    async def hashes(self, items: Sequence[tuple[str, Entry]]) -> list[str | Problem]:
        """BLAKE3 of files, as hex, each read stably as the entry given; in order."""

    async def apply(self, actions: Sequence[Action], run: str) -> list[Outcome]:
        """MKDIR and DELETE, one after the other; what is displaced goes to the trash of `run`."""

    async def retire(
        self, path: str, entry: Entry, content: str, move_to: str, run: str
    ) -> Problem | None:
        """Takes a delivered source file out of the way: into `move_to`, or to the trash when that
        is "".

        Only when it still is `entry` and, read again, has the BLAKE3 `content`.
        """

    async def close(self) -> None: ...


class Ends(Protocol):
    """Where content is read and staged on this machine: all that moving it asks of the near
    side."""

    def source(self) -> Source:
        """Where a sender reads."""

    def sink(self, run: str) -> Sink:
        """Where a receiver stages and commits; what is displaced goes to the trash of `run`."""


class NearTree(Tree, Ends, Protocol):
    """The side on this machine: it reads and stages for the far one."""


class FarTree(Tree, Protocol):
    """The other side. How bytes move is its affair."""

    def transfer(
        self,
        mode: Mode,
        near: NearTree,
        batches: AsyncIterator[Sequence[Task]],
        speed: int | None,
        run: str,
    ) -> AsyncGenerator[list[Outcome], None]:
        """Moves content between `near` and this tree; one list of outcomes a batch, as they become
        durable.

        At most eight batches are taken ahead of their outcomes, which keeps memory flat. Files of a
        batch fail alone. Closing the iterator stops what is under way at a checkpoint.

        Raises:
            ProblemError: the way between the two was cut or refused; batches without outcomes are
                open.
        """

    def open_tasks(self) -> list[Task]:
        """What the transfer under way has taken, and not given an outcome of yet; some of it may
        still wait for its turn."""

    async def set_speed(self, bits: int | None) -> None:
        """From now on what is being transferred asks for another speed, without being interrupted.

        While nothing is, nothing happens: `transfer` is given a speed of its own. One that waits to
        begin begins with this.

        Raises:
            ProblemError: it could not be asked for; what is transferred goes on as it did.
        """

    def cancel(self, path: str) -> None:
        """Gives up the file at `path` that the transfer under way moves, or will move when its turn
        comes.

        It fails alone (CANCELLED), and nothing of it is kept. One that has wholly moved is done all
        the same.
        """

    async def wait(self, cursor: int, seconds: float) -> bool:
        """True as soon as something changed since `cursor`, False after about `seconds`."""
