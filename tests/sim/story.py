"""What happens in one history: its random numbers, its trace, and what it covered."""

from collections import Counter
from collections.abc import Collection, Sequence
from random import Random
from typing import NamedTuple, TypeVar

from blake3 import blake3

T = TypeVar("T")


class Story:
    """The chance of one seed, and all that came of it.

    lines    the trace
    covered  how often each act of a person, each fault and each step of the engine happened
    """

    def __init__(self, seed: int, without: Collection[int] = ()) -> None:
        """Begins a history.

        Args:
            seed: says all that happens.
            without: numbers of happenings that are left out, to find the shortest trace.
        """
        self.seed = seed
        self.random = Random(seed)
        self.lines: list[str] = []
        self.covered: Counter[str] = Counter()
        self.happenings = 0
        self._without = without

    def happens(self, kind: str, name: str) -> bool:
        """Whether the next happening takes place: an "act" of a person, or a "fault"."""
        self.happenings += 1
        if self.happenings in self._without:
            return False
        self.covered[f"{kind} {name}"] += 1
        return True

    def tell(self, line: str) -> None:
        """Adds a line to the trace."""
        self.lines.append(line)

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def one_of(self, choices: Sequence[T]) -> T:
        """As `Random.choice`, in a third of the time."""
        return choices[int(self.random.random() * len(choices))]

    def digest(self) -> str:
        """The hash of the trace: two histories with the same hash went alike."""
        return blake3("\n".join(self.lines).encode()).hexdigest()


class Verdict(NamedTuple):
    """What became of one history.

    failure  what was not kept, or ""
    lost     bytes that are nowhere any more
    trace    its lines
    happenings  how many acts and faults it has
    """

    seed: int
    digest: str
    covered: Counter[str]
    failure: str = ""
    lost: int = 0
    trace: Sequence[str] = ()
    happenings: int = 0


class BrokenPromiseError(AssertionError):
    """Something that must always hold does not."""
