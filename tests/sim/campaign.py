"""Campaigns: many seeds of one tier, in several processes; what failed, and what was covered."""

import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from time import monotonic
from typing import Final, NamedTuple, Protocol

from tests.sim.story import Verdict

TOGETHER: Final = {
    "planner": 1_000,
    "two-way": 1_000,
    "system": 50,
    "two-way-system": 50,
    "foreign": 1_000,
    "foreign-two-way": 1_000,
    "foreign-system": 50,
    "foreign-two-way-system": 50,
    "disk": 50,
    "nodes": 200,
}
"""Seeds that a process takes at a time."""
SHOWN: Final = 3
"""Failures of which the shortest trace is looked for."""
PROGRESS: Final = 10.0
"""Seconds between two lines of progress."""
ENOUGH: Final = 300
"""From so many seeds on, each act, fault and step must have happened."""


class Tell(Protocol):
    """Tells the history of one seed, without the happenings of these numbers."""

    def __call__(self, seed: int, without: Collection[int] = (), /) -> Verdict: ...


class Tier(NamedTuple):
    """One way to simulate.

    ready     makes what its histories need, for as long as it is entered
    expected  what a campaign must cover
    share     of so many seeds of a campaign of all tiers, one is for this one
    """

    name: str
    ready: Callable[[], AbstractContextManager[Tell]]
    expected: frozenset[str]
    share: int = 10


class Summary(NamedTuple):
    """What became of some seeds."""

    seeds: int
    covered: Counter[str]
    failures: list[Verdict]
    lost: int

    def __add__(self, other: object) -> "Summary":
        assert isinstance(other, Summary)
        return Summary(
            self.seeds + other.seeds,
            self.covered + other.covered,
            self.failures + other.failures,
            self.lost + other.lost,
        )

    def missing(self, tier: Tier) -> list[str]:
        """What should have happened and did not: then the simulation is broken."""
        return sorted(tier.expected - self.covered.keys()) if self.seeds >= ENOUGH else []


NOTHING: Final = Summary(0, Counter(), [], 0)


def tell_all(tell: Tell, seeds: Collection[int]) -> Summary:
    """Tells the histories of these seeds in this process."""
    summary = NOTHING
    covered: Counter[str] = Counter()
    failures: list[Verdict] = []
    for seed in seeds:
        verdict = tell(seed)
        covered.update(verdict.covered)
        if verdict.failure:
            failures.append(verdict)
    lost = sum(verdict.lost for verdict in failures)
    return summary + Summary(len(seeds), covered, failures, lost)


def run(tier: Tier, first: int, count: int, jobs: int) -> Summary:
    """Tells `count` histories from seed `first` on, and prints how it goes."""
    began = shown = monotonic()
    summary = NOTHING
    for some in _summaries(tier, first, count, jobs):
        summary += some
        for verdict in some.failures:
            print(f"{tier.name} seed {verdict.seed}: {verdict.failure}", flush=True)
        if (now := monotonic()) - shown >= PROGRESS:
            shown = now
            print(_progress(tier, summary, count, now - began), flush=True)
    print(_progress(tier, summary, count, monotonic() - began))
    return summary


def _progress(tier: Tier, summary: Summary, count: int, seconds: float) -> str:
    rate = summary.seeds / max(seconds, 1e-9)
    return (
        f"{tier.name}: {summary.seeds:,} of {count:,} seeds, {rate:,.0f} a second, "
        f"{len(summary.failures)} failures"
    )


def report(tier: Tier, summary: Summary) -> None:
    """Prints what was covered, and the failures with what it takes to replay them."""
    print(f"{tier.name} covered:")
    for name, times in sorted({**dict.fromkeys(tier.expected, 0), **summary.covered}.items()):
        print(f"  {times:>12,}  {name}")
    for name in summary.missing(tier):
        print(f"  never: {name}; the simulation is broken")
    with tier.ready() as tell:
        for verdict in summary.failures[:SHOWN]:
            print(f"python -m tests.sim --tier {tier.name} --seed {verdict.seed} --trace")
            print_trace(shortest(tell, verdict.seed))


def print_trace(verdict: Verdict) -> None:
    for line in verdict.trace:
        print(f"    {line}")
    print(f"    {verdict.failure or 'all promises were kept'}")
    print(f"    trace hash {verdict.digest[:16]}")


def shortest(tell: Tell, seed: int) -> Verdict:
    """Leaves out of a failing history what is not needed for its failure."""
    found = tell(seed)
    without: set[int] = set()
    size = found.happenings
    while size and found.failure:
        for start in range(1, found.happenings + 1, size):
            some = without | set(range(start, start + size))
            if some != without and (verdict := tell(seed, some)).failure:
                found, without = verdict, some
        size //= 2
    return found


# -- processes -------------------------------------------------------------------------------------

_stack = ExitStack()
_tell: list[Tell] = []


def _begin(tier: Tier) -> None:
    _tell[:] = [_stack.enter_context(tier.ready())]


def _chunk(seeds: range) -> Summary:
    return tell_all(_tell[0], seeds)


def _summaries(tier: Tier, first: int, count: int, jobs: int) -> Iterator[Summary]:
    size = TOGETHER[tier.name]
    chunks = [range(at, min(at + size, first + count)) for at in range(first, first + count, size)]
    if jobs == 1:
        with tier.ready() as tell:
            for chunk in chunks:
                yield tell_all(tell, chunk)
        return
    with ProcessPoolExecutor(jobs, initializer=_begin, initargs=(tier,)) as pool:
        yield from pool.map(_chunk, chunks)


def finish(summary: Summary, missing: int) -> None:
    """Prints the last line, and ends the program."""
    print(
        f"sim: {summary.seeds:,} seeds, {len(summary.failures)} failures, {summary.lost} bytes lost"
    )
    sys.exit(1 if summary.failures or missing else 0)
