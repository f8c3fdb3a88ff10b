"""The contract of a tool that is measured, and the common part of tools that are commands.

A peer has a home folder for itself. In it, `near` is the client's side, and the server serves
`files`. Both are on one machine, over loopback.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from benchmarks.transfers.metering import Spent, command
from benchmarks.transfers.workloads import Direction, Workload

NEAR: Final = "near"
FILES: Final = "files"


@dataclass(frozen=True, slots=True)
class Move:
    """Files to move.

    near  folder at the client
    far   folder at the server, below what it serves
    """

    workload: Workload
    direction: Direction
    near: Path
    far: Path

    @property
    def target(self) -> Path:
        return self.far if self.direction is Direction.UP else self.near

    @property
    def source(self) -> Path:
        return self.near if self.direction is Direction.UP else self.far


class Serving(Protocol):
    """A peer whose servers run."""

    @property
    def pids(self) -> Sequence[int]:
        """Processes that live between runs: their CPU time and memory count."""

    def ready(self, move: Move) -> AbstractContextManager[Callable[[], Spent]]:
        """Prepares a run, which is not timed. What it gives runs it once, and is timed.

        `move.target` is an empty folder. The run returns when all files are there.
        """


class Peer(Protocol):
    """A tool.

    name   for the command line and for results
    over   what carries the bytes, such as "https"; "" for a copy within the machine
    needs  system packages by the command that shows that they are there
    """

    name: str
    over: str
    needs: dict[str, str]

    def version(self) -> str:
        """The version that runs here."""

    def can(self, workload: Workload, direction: Direction) -> bool:
        """Whether it is measured with this: a tool for single files is not with thousands."""

    def serving(self, home: Path) -> AbstractContextManager[Serving]:
        """Starts its servers; they end with the `with`."""


@dataclass(frozen=True, slots=True)
class Commands:
    """Servers, and a client that is a new command for each run.

    words  the command of a run; what it writes for that, such as a list of files, is not timed
    """

    pids: Sequence[int]
    words: Callable[[Move], Sequence[str]]

    @contextmanager
    def ready(self, move: Move) -> Iterator[Callable[[], Spent]]:
        words = list(self.words(move))
        if move.workload.on_disk:  # no peer does so by itself
            words = ["sh", "-c", '"$@" && sync -f "$0"', str(move.target), *words]
        yield lambda: command(words)
