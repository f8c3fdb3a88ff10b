"""Who runs when: in each round all tools, one after the other, in an order that rotates."""

import random
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

from benchmarks.transfers import trees
from benchmarks.transfers.metering import Took, metered, until_idle
from benchmarks.transfers.peer import FILES, NEAR, Move, Peer, Serving
from benchmarks.transfers.verdicts import Row, rows
from benchmarks.transfers.workloads import Direction, Mode, Workload

SOURCE = "source"
T = TypeVar("T")


def rotated(items: Sequence[T], number: int) -> list[T]:
    """The order of a round: each item is the first one in turn."""
    start = number % len(items) if items else 0
    return [*items[start:], *items[:start]]


class Bench:
    """Measures tools in a folder, which the caller removes.

    ours    name of the tool that the others are compared with
    report  gets a line for people about each run
    """

    def __init__(self, folder: Path, rounds: int, ours: str, report: Callable[[str], None]) -> None:
        self._folder = folder
        self._rounds = rounds
        self._ours = ours
        self._report = report

    def measure(
        self,
        workload: Workload,
        mode: Mode,
        directions: Iterable[Direction],
        peers: Sequence[Peer],
    ) -> Iterator[list[Row]]:
        """The rows of each direction, as soon as they are known; all is removed at the end."""
        top = self._folder / f"{workload.name}-{mode}"
        base = top / SOURCE
        try:
            trees.make(workload, base)
            for peer in peers:
                for side in (NEAR, FILES):
                    trees.link(workload, base, top / peer.name / side / SOURCE)
            with ExitStack() as stack:
                served = [
                    (peer, stack.enter_context(peer.serving(top / peer.name))) for peer in peers
                ]
                for direction in directions:
                    able = [
                        (peer, serving, top / peer.name)
                        for peer, serving in served
                        if peer.can(workload, direction)
                    ]
                    taken: dict[tuple[str, str], list[Took]] = {
                        (peer.name, peer.over): [] for peer, _, _ in able
                    }
                    for number in range(min(self._rounds, workload.rounds or self._rounds)):
                        for peer, serving, home in rotated(able, number):
                            took = self._run(serving, home, workload, direction, number)
                            taken[peer.name, peer.over].append(took)
                            self._report(
                                f"{workload.name} {mode} {direction}, round {number + 1}: "
                                f"{peer.name} {took.seconds:.3f} s"
                            )
                    yield rows(workload, mode, direction, taken, self._ours)
        finally:
            shutil.rmtree(top, ignore_errors=True)

    def _run(
        self, serving: Serving, home: Path, workload: Workload, direction: Direction, number: int
    ) -> Took:
        fresh = f"{direction}-{number}"
        up = direction is Direction.UP
        near = home / NEAR / (SOURCE if up else fresh)
        far = home / FILES / (fresh if up else SOURCE)
        move = Move(workload, direction, near, far)
        move.target.mkdir()
        with serving.ready(move) as run:
            until_idle(serving.pids)
            took = metered(run, serving.pids)
            chosen = random.Random(number).randrange(workload.files)
            trees.check(workload, move.source, move.target, chosen)
        shutil.rmtree(move.target)
        until_idle(serving.pids)
        return took
