"""What is moved. A workload is a number of equal files in a shape of folders."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Mode(StrEnum):
    """How Cargo runs; peers that can encrypt do the same, others run as they are."""

    SEALED = "sealed"
    PLAIN = "plain"


class Direction(StrEnum):
    """Where the files go, seen from the client."""

    UP = "up"
    DOWN = "down"


KIB: Final = 1 << 10
MIB: Final = 1 << 20
GIB: Final = 1 << 30


@dataclass(frozen=True, slots=True)
class Shape:
    """Which folders the files are in. Each chain of folders is `depth` deep.

    each   files in each folder; 0 for all of them in one
    depth  folders below each other, all of them with files
    """

    each: int = 100
    depth: int = 1

    def folder(self, number: int) -> str:
        """The folder of a file, with a slash at its end; "" is the top."""
        if not self.each:
            return ""
        chain, rest = divmod(number, self.each * self.depth)
        return f"{chain:04d}/" + "".join(f"{level:02d}/" for level in range(rest // self.each))


class Kind(StrEnum):
    """What a run finds, and has to do."""

    FRESH = "fresh"
    """The target is empty."""
    SETTLED = "settled"
    """All files are there already; both programs of ours have just started."""
    CHANGED = "changed"
    """One file differs. Ours watches; others look through all files."""
    IDLE = "idle"
    """Ours watches, and nothing happens."""
    STATUS = "status"
    """Files move as in FRESH; what counts is how fast ours answers `status` meanwhile."""
    ALONE = "alone"
    """As FRESH, for one of our programs; the other end has next to nothing to do."""


@dataclass(frozen=True, slots=True)
class Workload:
    """Files to move.

    words    what it is, for people
    files    how many
    size     of each, bytes
    kind     what is there already
    modes    in which it is measured
    on_disk  on a disk, and every tool has written it there when it ends
    rounds   at most so many; 0 for as many as were asked for
    by_name  also with the tools that get or ask for each file by its name, which take long
    """

    name: str
    words: str
    files: int
    size: int
    shape: Shape = Shape()
    kind: Kind = Kind.FRESH
    modes: tuple[Mode, ...] = (Mode.SEALED,)
    on_disk: bool = False
    rounds: int = 0
    by_name: bool = False

    @property
    def fresh(self) -> bool:
        """Whether each run has an empty folder to fill."""
        return self.kind in (Kind.FRESH, Kind.STATUS, Kind.ALONE)

    @property
    def bytes(self) -> int:
        return self.files * self.size

    def path(self, number: int) -> str:
        """The path of a file below the top."""
        return f"{self.shape.folder(number)}{number:07d}.bin"

    def paths(self) -> Iterator[str]:
        return map(self.path, range(self.files))


_TREE: Final = 200_000
_MILLION: Final = 1_000_000
_ALL: Final = (
    Workload("large", "1 file of 1 GiB", 1, GIB, modes=(Mode.SEALED, Mode.PLAIN), by_name=True),
    Workload("medium", "1,000 files of 1 MiB", 1_000, MIB, by_name=True),
    Workload("mixed", "5,000 files of 200 KiB", 5_000, 200 * KIB),
    Workload("small", "20,000 files of 4 KiB", 20_000, 4 * KIB, by_name=True),
    Workload("tiny", "50,000 files of 1 KiB", 50_000, KIB),
    Workload("flat", "100,000 files of 1 KiB in one folder", 100_000, KIB, Shape(each=0)),
    Workload("deep", "10,000 files of 4 KiB, 40 folders deep", 10_000, 4 * KIB, Shape(5, 40)),
    Workload("disk", "20,000 files of 4 KiB, on the disk", 20_000, 4 * KIB, on_disk=True),
    Workload("settled", "200,000 files, nothing changed", _TREE, KIB, kind=Kind.SETTLED),
    Workload("changed", "200,000 files, one changed", _TREE, KIB, kind=Kind.CHANGED),
    Workload(
        "idle", "200,000 files are watched, nothing happens", _TREE, KIB, kind=Kind.IDLE, rounds=1
    ),
    Workload(
        "status-small", "`status` beside 20,000 files of 4 KiB", 20_000, 4 * KIB, kind=Kind.STATUS
    ),
    Workload("status-large", "`status` beside a file of 1 GiB", 1, GIB, kind=Kind.STATUS),
    Workload(
        "alone-large",
        "1 file of 1 GiB, one end alone",
        1,
        GIB,
        kind=Kind.ALONE,
        modes=(Mode.SEALED, Mode.PLAIN),
    ),
    Workload(
        "alone-small", "20,000 files of 4 KiB, one end alone", 20_000, 4 * KIB, kind=Kind.ALONE
    ),
)
_ALL_BIG: Final = (
    Workload("million", "1,000,000 files of 1 KiB", _MILLION, KIB),
    Workload(
        "million-settled", "1,000,000 files, nothing changed", _MILLION, KIB, kind=Kind.SETTLED
    ),
    Workload("million-changed", "1,000,000 files, one changed", _MILLION, KIB, kind=Kind.CHANGED),
    Workload(
        "million-idle",
        "1,000,000 files are watched, nothing happens",
        _MILLION,
        KIB,
        kind=Kind.IDLE,
        rounds=1,
    ),
    Workload(
        "million-flat",
        "1,000,000 files of 1 KiB in one folder",
        _MILLION,
        KIB,
        Shape(each=0),
        rounds=1,
    ),
    Workload(
        "million-folders", "1,000,000 folders of 1 file", _MILLION, KIB, Shape(each=1), rounds=1
    ),
)
_TRIALS: Final = (
    Workload("trial", "20 files of 4 KiB", 20, 4 * KIB, Shape(each=5), by_name=True),
    Workload("trial-settled", "20 files", 20, 4 * KIB, Shape(each=5), Kind.SETTLED),
    Workload("trial-changed", "20 files", 20, 4 * KIB, Shape(each=5), Kind.CHANGED),
    Workload("trial-idle", "20 files", 20, 4 * KIB, Shape(each=5), Kind.IDLE, rounds=1),
    Workload("trial-status", "20 files", 20, 4 * KIB, Shape(each=5), Kind.STATUS),
    Workload("trial-alone", "20 files", 20, 4 * KIB, Shape(each=5), Kind.ALONE),
)
"""To try the benchmark itself; their figures mean nothing."""

WORKLOADS: Final[Mapping[str, Workload]] = {one.name: one for one in _ALL}
BIG: Final[Mapping[str, Workload]] = {one.name: one for one in _ALL_BIG}
TRIALS: Final[Mapping[str, Workload]] = {one.name: one for one in _TRIALS}
ALL: Final = {**WORKLOADS, **BIG, **TRIALS}
