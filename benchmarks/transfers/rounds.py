"""Who runs when: in each round all tools, one after the other, in an order that rotates."""

import random
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from benchmarks.transfers import trees
from benchmarks.transfers.forecast import Group, Step
from benchmarks.transfers.metering import Ended, FailedCommandError, Run, Took, metered, until_idle
from benchmarks.transfers.peer import FILES, NEAR, Move, Peer, Serving
from benchmarks.transfers.places import spread
from benchmarks.transfers.trees import WrongCopyError
from benchmarks.transfers.verdicts import Row, rows
from benchmarks.transfers.workloads import Direction, Kind, Mode, Workload

SOURCE = "source"
Report = Callable[[Step, str], None]
T = TypeVar("T")


def rotated(items: Sequence[T], number: int) -> list[T]:
    """The order of a round: each item is the first one in turn."""
    start = number % len(items) if items else 0
    return [*items[start:], *items[:start]]


@dataclass(frozen=True, slots=True)
class _Running:
    """A tool whose servers run."""

    peer: Peer
    home: Path
    serving: Serving

    def key(self, workload: Workload, direction: Direction) -> tuple[str, str]:
        """Its name, and what carries the bytes."""
        return self.peer.name, self.peer.over(workload, direction)


class Bench:
    """Measures tools in a folder, which the caller removes.

    ours      name of the tool that the others are compared with
    report    gets each run that has ended, with a line for people
    failures  of tools, in words
    """

    def __init__(self, folder: Path, rounds: int, ours: str, report: Report) -> None:
        self._folder = folder
        self._rounds = rounds
        self._ours = ours
        self._report = report
        self.failures: list[str] = []

    def measure(
        self,
        workload: Workload,
        mode: Mode,
        directions: Sequence[Direction],
        peers: Sequence[Peer],
    ) -> Iterator[list[Row]]:
        """The rows of each direction, as soon as they are known; all is removed at the end."""
        top = self._folder / f"{workload.name}-{mode}"
        base = top / SOURCE
        try:
            trees.make(workload, base)
            if workload.on_disk:
                spread(top)
            homes = [(peer, top / peer.name) for peer in peers]
            for peer, home in homes:
                for side in (NEAR, FILES):
                    (home / side).mkdir(parents=True)
                for folder in _folders(peer, workload, directions):
                    trees.link(workload, base, home / folder, self._apart(workload))
            with ExitStack() as stack:
                running = [
                    _Running(peer, home, stack.enter_context(peer.serving(home, workload)))
                    for peer, home in homes
                ]
                for direction in directions:
                    if taken := self._rounds_of(workload, mode, direction, running):
                        yield rows(workload, mode, direction, taken, self._ours)
        finally:
            shutil.rmtree(top, ignore_errors=True)

    def _apart(self, workload: Workload) -> set[str]:
        """The files that will change."""
        rounds = range(self._rounds if workload.kind is Kind.CHANGED else 0)
        return {_chosen(workload, number) for number in rounds}

    def _rounds_of(
        self, workload: Workload, mode: Mode, direction: Direction, running: Sequence[_Running]
    ) -> dict[tuple[str, str], list[Took]]:
        """What each tool took in each round. A tool that fails is left out from then on."""
        able = [one for one in running if one.peer.can(workload, direction)]
        taken: dict[tuple[str, str], list[Took]] = {
            one.key(workload, direction): [] for one in able
        }
        step = Step(workload, mode, direction)
        for number in range(rounds_of(workload, self._rounds)):
            for one in rotated(able, number):
                where = f"{workload.name} {mode} {direction}, round {number + 1}: {one.peer.name}"
                try:
                    took = _run(one, workload, direction, number)
                except (FailedCommandError, WrongCopyError) as error:
                    self.failures.append(f"{where}: {error}")
                    able.remove(one)
                    del taken[one.key(workload, direction)]
                else:
                    taken[one.key(workload, direction)].append(took)
                    self._report(step, f"{where} {took.seconds:.3f} s")
        return taken


def rounds_of(workload: Workload, asked: int) -> int:
    """How often each tool runs."""
    return min(asked, workload.rounds or asked)


def groups(
    workload: Workload,
    mode: Mode,
    directions: Sequence[Direction],
    peers: Sequence[Peer],
    asked: int,
) -> Iterator[Group]:
    """What `Bench.measure` does, for a forecast."""
    folders = sum(len(_folders(peer, workload, directions)) for peer in peers)
    links = workload.files * folders
    for direction in directions:
        if able := sum(peer.can(workload, direction) for peer in peers):
            others = sum(peer.can(replace(workload, by_name=False), direction) for peer in peers)
            step = Step(workload, mode, direction)
            yield Group(step, able * rounds_of(workload, asked), links, 1 - others / able)
            links = 0


def _folders(peer: Peer, workload: Workload, directions: Iterable[Direction]) -> list[str]:
    """Where the files of a workload are before the first run, below the home of a tool."""
    found: list[str] = []
    for direction in directions:
        if peer.can(workload, direction):
            here, there = (NEAR, FILES) if direction is Direction.UP else (FILES, NEAR)
            found.append(f"{here}/{SOURCE}")
            if not workload.fresh and not peer.fills:
                found.append(f"{there}/{direction}")
    return found


def _run(one: _Running, workload: Workload, direction: Direction, number: int) -> Took:
    up = direction is Direction.UP
    target = f"{direction}-{number}" if workload.fresh else direction.value
    near = one.home / NEAR / (SOURCE if up else target)
    far = one.home / FILES / (target if up else SOURCE)
    move = Move(workload, direction, near, far, _chosen(workload, number))
    move.target.mkdir(exist_ok=not workload.fresh)
    try:
        with one.serving.ready(move) as run:
            servers, clients = one.serving.far, one.serving.near
            until_idle([*servers, *clients])
            took = metered(partial(_begin, move, run), servers, clients)
            if workload.kind is not Kind.ALONE:  # there, what arrives is no copy
                trees.check(workload, move.source, move.target, move.chosen)
    finally:
        # On ext4 without a journal, a file costs up to eight times the CPU near many that were
        # deleted in the last minutes. So nothing is deleted on a disk before the last run.
        if workload.fresh and not workload.on_disk:
            shutil.rmtree(move.target)
    until_idle([*servers, *clients])
    return took


def _chosen(workload: Workload, number: int) -> str:
    """The file that is looked at in a round; for all tools the same."""
    return workload.path(random.Random(number).randrange(workload.files))


def _begin(move: Move, run: Run) -> Ended:
    if move.workload.kind is Kind.CHANGED:
        trees.change(move.source / move.chosen)
    return run()
