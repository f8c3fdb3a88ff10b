"""The first tier: the planner alone, with an executor in memory, on random histories.

A run here is what a run of the engine is, without state, lanes and threads: folders that are not
settled are planned page by page, steps of a page are executed in any order, but that folders are
made first; deletions wait for the end of the survey and for the guard. A run may be cut between any
two steps, and between a step and its record; people change both sides meanwhile. It takes less than
a millisecond, so millions of histories fit in an afternoon. What the real engine does with steps is
the second tier's (`system`).
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import cache
from typing import Final

from blake3 import blake3

from cargo_sync.lanes.waiting import commit
from cargo_sync.model import paths
from cargo_sync.model.abilities import CARGO, Abilities
from cargo_sync.model.actions import Action, Op, Outcome
from cargo_sync.model.agreed import GONE, Agreed, AgreedColumns, agree
from cargo_sync.model.entries import FILE, FOLDER, Entry, EntryColumns, Listing
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import Code
from cargo_sync.plan.filters import Filters
from cargo_sync.plan.metadata import as_known, is_as_there
from cargo_sync.plan.obstacles import obstacle
from cargo_sync.plan.one_way import JobView, plan_folder, view_of
from cargo_sync.trees.contract import Task
from cargo_sync.trees.offers import offers
from tests.sim.epoch import Direction, Epoch
from tests.sim.guarded import GuardedSide
from tests.sim.ledger import CountedTree, Ledger
from tests.sim.people import People
from tests.sim.story import BrokenPromiseError, Story, Verdict

RUNS: Final = 6
"""Runs without a fault after which a job must rest."""
LAST: Final = b"\xff"
"""Greater than the key of any path."""
LEFT_OUT: Final = "a-b"
"""The name that the filters of some histories leave out."""
FAULTS: Final = ("cut", "cut before the record", "gap", "filter", "base lost")


Bases = dict[str, dict[str, Agreed]]
"""What is agreed on, by folder and name."""
Step = Callable[["PlannerHistory", Action], None]


class CutError(Exception):
    """A run ends here."""


class RowsTree(CountedTree):
    """A side that gives all its listings at once, as the state has them."""

    def listings(self) -> dict[str, Listing]:
        found: dict[str, list[Entry]] = {}
        for path, entry in self._entries.items():
            found.setdefault(path.rpartition("/")[0], []).append(entry)
        return {folder: tuple(sorted(some)) for folder, some in found.items()}


@cache
def excluded(left_out: bool) -> Filters:
    return Filters(exclude=(LEFT_OUT,) if left_out else ())


def note_gone(bases: Bases, path: str, *, near: bool) -> None:
    """As `Folders.note_gone`."""
    folder, _, name = path.rpartition("/")
    if (row := bases.get(folder, {}).get(name)) is not None:
        gone = row._replace(near_version=GONE) if near else row._replace(far_version=GONE)
        bases[folder][name] = gone


class PlannerHistory:
    """One job, from first contact until it rests for the last time."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.ledger = Ledger()
        self.near, self.far = RowsTree("near", self.ledger), self._far()
        self.upload = story.chance(0.5)
        self.retire = story.chance(0.3)
        self.propagate = not self.retire and story.chance(0.6)
        self.source, self.destination = (
            (self.near, self.far) if self.upload else (self.far, self.near)
        )
        self.people = People(story, self.source, self.destination, self._now, self._touched)
        self._clock = 0
        self._base: Bases = {}
        self._settled: dict[str, tuple[Listing, Listing, tuple[Agreed, ...]]] = {}
        self._left_out = self._filtered = False
        self._faults = 0.0
        self._later: list[Action] = []
        self._guard = GuardedSide(story)
        self._own: set[str] = set()
        self._epoch = self._begin()

    def _far(self) -> RowsTree:
        return RowsTree("far", self.ledger)

    @property
    def server(self) -> Abilities:
        """What the far side keeps."""
        return CARGO

    def tell(self) -> None:
        """Tells the whole history. Raises BrokenPromiseError."""
        story = self.story
        epochs = story.one_of((1, 2, 2, 3))
        for number in range(epochs):
            for _ in range(story.one_of((2, 4, 7))):
                self.people.act()
            self._faults = story.one_of((0.0, 0.05, 0.15))
            for _ in range(story.one_of((0, 1, 2)) if number or epochs == 1 else 0):
                self._between()
                self._run(approved=story.chance(0.3))
                if story.chance(0.5):
                    self.people.act()
            self._faults = 0.0
            self._rest()
            self._epoch.judge()
            self._epoch = self._begin()
        story.tell(repr([sorted(tree.all().items()) for tree in (self.near, self.far)]))

    def _begin(self) -> Epoch:
        direction = Direction(self.propagate)
        return Epoch(self.source, self.destination, direction, self._is_unsure, self._own)

    def _touched(self, tree: CountedTree, some: Iterable[str]) -> None:
        self._epoch.touched(tree, some)

    def _is_unsure(self, path: str) -> bool:
        return self._filtered and LEFT_OUT in path

    def _now(self) -> int:
        self._clock += 1
        return self._clock

    def _fault(self, name: str) -> bool:
        happens = self.story.chance(self._faults) and self.story.happens("fault", name)
        if happens:
            self.story.tell(name)
        return happens

    def _between(self) -> None:
        """What may happen between two runs."""
        if self._fault("filter"):
            self._left_out = not self._left_out
            self._filtered = True
            self._settled.clear()
        if self._fault("base lost"):
            # First contact: what was the destination's own, and what was delivered, is not known.
            self._base.clear()
            self._settled.clear()
            self._epoch.forget()

    def _rest(self) -> None:
        """Nobody changes anything any more, and nothing fails."""
        for _ in range(RUNS):
            if not self._run(approved=True) and not self._guard.holds:
                break
        else:
            raise BrokenPromiseError(f"after {RUNS} runs there still is something to do")
        if self.ledger.lost:
            raise BrokenPromiseError(f"the last copies of {sorted(self.ledger.lost)} are gone")

    # -- a run -------------------------------------------------------------------------------------

    def _run(self, *, approved: bool) -> int:
        """One run; returns how many steps it did, also if it was cut."""
        self.story.tell("run")
        self._later = []
        tree = sum(row.kind != FOLDER for rows in self._base.values() for row in rows.values())
        self._guard.begin(tree, approved=approved)
        trash, acts = len(self.destination.trash), self.people.acts
        steps = 0
        try:
            for actions in self._pages():
                steps += self._execute([one for one in actions if self._guard.may(one)])
            steps += self._execute_deferred()
        except CutError:
            steps += 1
        if self.people.acts == acts:
            self._guard.count.displaced(self.destination.trash[trash:])
        return steps

    def _view(self) -> JobView:
        filters = excluded(self._left_out)
        return view_of(
            Mode.UPLOAD if self.upload else Mode.DOWNLOAD,
            excluded=filters.excluded,
            excludes_some=filters.excludes_some,
            ready=lambda entries: True,
            propagate=self.propagate,
            retire=self.retire,
            server=self.server,
        )

    def _pages(self) -> Iterator[list[Action]]:
        """The steps of all folders, page by page; those that must wait are kept."""
        view = self._view()
        source, destination = self.source.listings(), self.destination.listings()
        base = {folder: tuple(sorted(rows.values())) for folder, rows in self._base.items() if rows}
        page: list[Action] = []
        gaps: list[str] = []
        replaced: list[str] = []
        for folder in sorted({"", *source, *destination, *base}, key=paths.key):
            if any(paths.is_below(folder, one) for one in (*gaps, *replaced)):
                continue
            if self._fault("gap"):
                gaps.append(folder)
                continue
            rows = source.get(folder, ()), destination.get(folder, ()), base.get(folder, ())
            if self._settled.get(folder) == rows:
                continue
            columns = EntryColumns.of(rows[0]), EntryColumns.of(rows[1]), AgreedColumns.of(rows[2])
            plan = plan_folder(folder, *columns, view)
            if plan.empty:
                self._settled[folder] = rows
                continue
            replaced += [one.path for one in plan.later if one.op is Op.MKDIR]
            self._later += plan.later
            page += [*plan.now, *plan.fresh]
            if self.story.chance(0.5):
                yield page
                page = []
        yield page
        if gaps:
            self._later = []  # a survey with gaps deletes nothing

    def _execute(self, actions: list[Action]) -> int:
        """Does steps in any order, but that folders are made first."""
        if not actions:
            return 0
        self.story.random.shuffle(actions)
        actions.sort(key=lambda one: paths.key(one.path) if one.op is Op.MKDIR else LAST)
        for action in actions:
            if self._fault("cut"):
                raise CutError
            if self.story.chance(self._faults):
                self.people.act()
            self.story.tell(f"{action.op} {action.path}")
            self.story.covered[f"step {action.op}"] += 1
            STEPS[action.op](self, action)
        return len(actions)

    def _execute_deferred(self) -> int:
        later = sorted([*self._later, *self._guard.collected], key=lambda one: paths.key(one.path))
        later = self._guard.judge(later, self._inside)
        deletions = [one for one in reversed(later) if one.op is Op.DELETE]
        for action in deletions:
            self.story.tell(f"{action.op} {action.path}")
            self.story.covered["step delete"] += 1
            self._delete(action)
        return len(deletions) + self._execute([one for one in later if one.op is not Op.DELETE])

    def _inside(self, later: Sequence[Action]) -> list[str]:
        """Files in folders that are replaced, without those that are deleted one by one."""
        deleted = {one.path for one in later if one.op is Op.DELETE}
        return [
            one
            for action in later
            if action.op is Op.PUT
            for one in self.destination.below(action.path)[1:]
            if one not in deleted
            and (entry := self.destination.entry(one)) is not None
            and entry.kind != FOLDER
        ]

    # -- steps -------------------------------------------------------------------------------------

    def _agree(self, action: Action, result: Entry, content: str = "") -> None:
        """Records a step that is done."""
        if self._fault("cut before the record"):
            raise CutError
        assert action.source is not None
        near, far = (action.source, result) if self.upload else (result, action.source)
        folder, _, name = action.path.rpartition("/")
        self._base.setdefault(folder, {})[name] = agree(near, far, content)

    def _drop(self, action: Action) -> None:
        """Records that nothing is agreed on at a path and below it any more."""
        if action.op is not Op.FORGET and self._fault("cut before the record"):
            raise CutError
        folder, _, name = action.path.rpartition("/")
        self._base.get(folder, {}).pop(name, None)
        for below in [one for one in self._base if paths.is_below(one, action.path)]:
            del self._base[below]

    def _leave(self, action: Action) -> None:
        assert action.expected is not None
        self._agree(action, action.expected)

    def _make(self, action: Action) -> None:
        outcome = self.destination.do(action)
        if outcome.problem and outcome.problem.code is Code.NOT_A_FOLDER:
            self._make_room(action.path)
        if outcome.problem is None and outcome.result is not None:
            self._agree(action, outcome.result)

    def _make_room(self, path: str) -> None:
        """Something is in the way of a step: what replaces it waits for the guard."""
        step = obstacle(path, lambda one: (self.source.entry(one), self.destination.entry(one)))
        if step is not None and all(one.path != step.path for one in self._later):
            self._later.append(step)

    def _adopt(self, action: Action) -> None:
        assert action.source is not None and action.expected is not None
        at, source, expected = action.path, action.source, action.expected
        if (self.source.entry(at), self.destination.entry(at)) != (source, expected):
            return
        if self.source.read(at) == self.destination.read(at) and source.same_mode(expected):
            self._agree(action, expected, blake3(self.source.read(at)).hexdigest())
        elif self._guard.may(put := action._replace(op=Op.PUT)):
            self._put(put)

    def _put(self, action: Action) -> None:
        if self.source.entry(action.path) != action.source or action.source is None:
            return
        sink = self.destination.sink("")
        sink.begin(1, offers([Task(action, "")]))
        if action.source.kind == FILE:
            sink.whole(1, 0, memoryview(self.source.read(action.path)))
        [receipt] = commit(sink, 1)
        if receipt.code == Code.NOT_A_FOLDER:
            self._make_room(action.path)
        if receipt.code == "done":
            made = self.destination.entry(action.path)
            assert made is not None
            self._agree(action, made, receipt.hash)

    def _meta(self, action: Action) -> None:
        assert action.source is not None and action.expected is not None
        at, source = action.path, action.source
        if self.source.entry(at) != source:
            return
        if source.kind == FILE and blake3(self.source.read(at)).hexdigest() != action.hash:
            if self._guard.may(put := action._replace(op=Op.PUT)):
                self._put(put)
            return
        outcome = Outcome(action, source, action.expected)
        if not is_as_there(action, self.server):
            outcome = self.destination.do(as_known(action, self.server))
        if outcome.problem is None and outcome.result is not None:
            is_there = source.kind == FILE and self.destination.entry(at) == outcome.result
            if is_there and self.source.read(at) != self.destination.read(at):
                raise BrokenPromiseError(f"{at!r} counts as the same, and differs")
            self._agree(action, outcome.result, action.hash)

    def _delete(self, action: Action) -> None:
        if not self.propagate:
            raise BrokenPromiseError(f"{action.path!r} is deleted unasked")
        note_gone(self._base, action.path, near=self.upload)
        outcome = self.destination.do(action)
        if outcome.problem is None or outcome.problem.code is Code.NOT_EMPTY:
            self._drop(action)

    def _retire(self, action: Action) -> None:
        assert action.source is not None
        self.source.take_away(action.path, action.source, action.hash, "")


STEPS: Final[dict[Op, Step]] = {
    Op.MKDIR: PlannerHistory._make,
    Op.PUT: PlannerHistory._put,
    Op.ADOPT: PlannerHistory._adopt,
    Op.DELETE: PlannerHistory._delete,
    Op.FORGET: PlannerHistory._drop,
    Op.LEAVE: PlannerHistory._leave,
    Op.RETIRE: PlannerHistory._retire,
    Op.META: PlannerHistory._meta,
}
"""How each step is done here."""


def tell(
    seed: int, without: Collection[int] = (), history_of: type[PlannerHistory] = PlannerHistory
) -> Verdict:
    """Tells the history of one seed."""
    history = history_of(story := Story(seed, without))
    failure = ""
    try:
        history.tell()
    except BrokenPromiseError as error:
        failure = str(error)
    lost = sum(map(len, history.ledger.lost))
    return Verdict(
        seed, story.digest(), story.covered, failure, lost, story.lines, story.happenings
    )
