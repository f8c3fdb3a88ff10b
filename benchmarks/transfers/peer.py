"""The contract of a tool that is measured, and the common part of tools that are commands.

A peer has a home folder for itself. In it, `near` is the client's side, and the server serves
`files`. Both are on one machine, over loopback.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from benchmarks.transfers.metering import Run, command
from benchmarks.transfers.workloads import Direction, Workload

NEAR: Final = "near"
FILES: Final = "files"
LOOPBACK: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Move:
    """Files to move.

    near    folder at the client
    far     folder at the server, below what it serves
    chosen  the path of a file, below both: it is compared at the end, and if the workload is that
            one file has changed, it is this one
    """

    workload: Workload
    direction: Direction
    near: Path
    far: Path
    chosen: str

    @property
    def target(self) -> Path:
        return self.far if self.direction is Direction.UP else self.near

    @property
    def source(self) -> Path:
        return self.near if self.direction is Direction.UP else self.far


class Serving(Protocol):
    """A peer whose servers run."""

    @property
    def far(self) -> Sequence[int]:
        """Processes of the server. They live on between runs; their CPU time and memory count."""

    @property
    def near(self) -> Sequence[int]:
        """The same of a client that is a daemon; others have none."""

    def ready(self, move: Move) -> AbstractContextManager[Run]:
        """Prepares a run, which is not timed. What it gives runs it once, and is timed.

        The run returns when `move.target` is like `move.source`. Before it, what is in the target
        depends on the kind of the workload: nothing, everything, or all but one file.
        """


class Need(NamedTuple):
    """A command, and the package that has it: one of the system, or with `==` one of PyPI."""

    command: str
    package: str


class Peer(Protocol):
    """A tool.

    name   for the command line and for results
    needs  commands that must be there
    fills  where the target is full before a run, it is filled by the tool itself, not timed: what
           is there without its doing it would compare first, which takes longer
    """

    @property
    def name(self) -> str: ...
    @property
    def fills(self) -> bool: ...
    @property
    def needs(self) -> Sequence[Need]: ...

    def version(self) -> str:
        """The version that runs here."""

    def over(self, workload: Workload, direction: Direction) -> str:
        """What carries the bytes, such as "https"; "" for a copy within the machine."""

    def can(self, workload: Workload, direction: Direction) -> bool:
        """Whether it is measured with this: a tool for single files is not with thousands."""

    def serving(self, home: Path, workload: Workload) -> AbstractContextManager[Serving]:
        """Starts its servers; they end with the `with`."""


@dataclass(frozen=True, slots=True)
class Commands:
    """Servers, and a client that is a new command for each run.

    far    processes of the servers
    words  the command of a run; what it writes for that, such as a list of files, is not timed
    """

    far: Sequence[int]
    words: Callable[[Move], Sequence[str]]
    near: Sequence[int] = ()

    @contextmanager
    def ready(self, move: Move) -> Iterator[Run]:
        words = list(self.words(move))
        if move.workload.on_disk:  # no peer does so by itself
            words = ["sh", "-c", '"$@" && sync -f "$0"', str(move.target), *words]
        yield lambda: command(words)
