"""The planner of two-way jobs, with an executor in memory, on random histories.

As the first tier (`planner`), but both sides have equal rights, and whatever people do collides.
Steps of both directions are done in any order, as two flows at once may do them.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Final, NamedTuple

from blake3 import blake3

from cargo_sync.lanes.waiting import commit
from cargo_sync.model import paths
from cargo_sync.model.abilities import CARGO, Abilities
from cargo_sync.model.actions import Action, Op, Outcome
from cargo_sync.model.agreed import ONE_SIDED, Agreed, AgreedColumns, agree
from cargo_sync.model.entries import FILE, FOLDER, Entry, EntryColumns, Listing
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import Code
from cargo_sync.model.subtrees import Subtrees
from cargo_sync.plan.metadata import as_known, is_as_there
from cargo_sync.plan.reconciliation import MERGED, Row, TwoWayPlan, TwoWayView
from cargo_sync.plan.two_way import decide, plan_folder, two_way_view
from cargo_sync.trees.contract import Task
from cargo_sync.trees.offers import offers
from tests.sim.guarded import GuardedSide
from tests.sim.ledger import CountedTree, Ledger
from tests.sim.peers import COPY, PeersEpoch
from tests.sim.people import Peers
from tests.sim.planner import LAST, LEFT_OUT, Bases, CutError, RowsTree, excluded, note_gone
from tests.sim.story import BrokenPromiseError, Story, Verdict

RUNS: Final = 10
"""Runs without a fault after which a job must rest."""
FAULTS: Final = ("cut", "cut before the record", "gap", "filter", "base lost")
POLICIES: Final = ("keep both", "keep both", "local", "remote")

Rows = tuple[Listing, Listing, tuple[Agreed, ...]]
"""A folder: near, far, base."""
Step = Callable[["TwoWayHistory", "Way", Action], None]


class Way(NamedTuple):
    """One direction of the job."""

    mode: Mode
    source: RowsTree
    destination: RowsTree


class TwoWayHistory:
    """One two-way job, from first contact until it rests for the last time."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.ledger = Ledger()
        near, far = RowsTree("near", self.ledger), self._far()
        self.near, self.far = near, far
        self.ways = (Way(Mode.UPLOAD, near, far), Way(Mode.DOWNLOAD, far, near))
        self.people = Peers(story, near, far, self._now, self._touched)
        self.policy = story.one_of(POLICIES)
        self._clock = self._copies = self._done = self._acts = 0
        self._base: Bases = {}
        self._settled: dict[str, Rows] = {}
        self._left_out = self._filtered = False
        self._faults = 0.0
        self._later: dict[Mode, list[Action]] = {}
        self._closed: dict[Mode, Subtrees] = {}
        self._guards = {way.mode: GuardedSide(story) for way in self.ways}
        self._one_sided: set[str] = set()
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

    def _begin(self) -> PeersEpoch:
        both = self.policy == "keep both"
        return PeersEpoch(self.near, self.far, self._is_unsure, self._one_sided, both=both)

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
            self._base.clear()
            self._settled.clear()
            self._epoch.forget()

    def _rest(self) -> None:
        """Nobody changes anything any more, and nothing fails."""
        for _ in range(RUNS):
            done = self._run(approved=True)
            if not done and not any(guard.holds for guard in self._guards.values()):
                break
        else:
            raise BrokenPromiseError(f"after {RUNS} runs there still is something to do")
        if self.ledger.lost:
            raise BrokenPromiseError(f"the last copies of {sorted(self.ledger.lost)} are gone")

    # -- a run -------------------------------------------------------------------------------------

    def _run(self, *, approved: bool) -> int:
        """One run; returns how many steps it did, also if it was cut."""
        self.story.tell("run")
        self._epoch.moment += 1
        tree = sum(row.kind != FOLDER for rows in self._base.values() for row in rows.values())
        self._later = {way.mode: [] for way in self.ways}
        self._closed = {way.mode: Subtrees() for way in self.ways}
        for guard in self._guards.values():
            guard.begin(tree, approved=approved)
        self._done, self._acts = 0, self.people.acts
        try:
            for some in self._pages():
                self._execute(some)
            for way in self.ways:
                self._execute_deferred(way)
        except CutError:
            self._done += 1
        self._epoch.moment += 1
        return self._done

    def _view(self) -> TwoWayView:
        filters = excluded(self._left_out)
        return two_way_view(
            filters.excluded,
            excludes_some=filters.excludes_some,
            ready=lambda entries: True,
            propagate=True,
            server=self.server,
        )

    def _pages(self) -> Iterator[list[tuple[Way, Action]]]:
        """The steps of all folders, page by page; those that must wait are kept."""
        page: list[tuple[Way, Action]] = []
        gaps: list[str] = []
        for folder, rows in self._rows():
            if any(paths.is_below(folder, one) for one in gaps):
                continue
            if self._fault("gap"):
                gaps.append(folder)
                continue
            if self._settled.get(folder) == rows:
                continue
            for plan in self._plans(folder, rows):
                for action in plan.conflicts:
                    self._resolve(action)
                    self._done += 1
                page += self._steps(plan)
            if self.story.chance(0.5):
                yield page
                page = []
        yield page
        if gaps:  # a survey with gaps deletes nothing
            self._later = {way.mode: [] for way in self.ways}

    def _rows(self) -> Iterator[tuple[str, Rows]]:
        """Each folder as it is at the beginning, before what is below it."""
        near, far = self.near.listings(), self.far.listings()
        base = {folder: tuple(sorted(rows.values())) for folder, rows in self._base.items() if rows}
        for folder in sorted({"", *near, *far, *base}, key=paths.key):
            yield folder, (near.get(folder, ()), far.get(folder, ()), base.get(folder, ()))

    def _plans(self, folder: str, rows: Rows) -> Iterator[TwoWayPlan]:
        """The plan of a folder, and of what was unproven in it."""
        view = self._view()
        columns = EntryColumns.of(rows[0]), EntryColumns.of(rows[1]), AgreedColumns.of(rows[2])
        closed = frozenset(mode for mode, some in self._closed.items() if folder in some)
        plan = plan_folder(folder, *columns, view, closed)
        if plan.empty:
            self._settled[folder] = rows
            return
        for mode, some in ((Mode.UPLOAD, plan.closed_up), (Mode.DOWNLOAD, plan.closed_down)):
            for path in some:
                self._closed[mode].add(path)
        yield plan
        yield from self._proven(plan.unproven, view, closed)

    def _proven(
        self, rows: list[Row], view: TwoWayView, closed: frozenset[Mode]
    ) -> Iterator[TwoWayPlan]:
        for row in rows:
            self.story.covered["step proof"] += 1
            if (self.near.entry(row.path), self.far.entry(row.path)) == (row.near, row.far):
                yield decide(
                    row, _hash(self.near, row.path), _hash(self.far, row.path), view, closed
                )

    def _steps(self, plan: TwoWayPlan) -> Iterator[tuple[Way, Action]]:
        for way, steps in zip(self.ways, (plan.up, plan.down), strict=True):
            self._later[way.mode] += steps.later
            for action in (*steps.now, *steps.fresh):
                yield way, action

    def _execute(self, some: list[tuple[Way, Action]], *, counted: bool = False) -> None:
        """Does steps of both directions in any order, but that folders are made first."""
        self.story.random.shuffle(some)
        some.sort(key=lambda one: paths.key(one[1].path) if one[1].op is Op.MKDIR else LAST)
        for way, action in some:
            if not counted and not self._guards[way.mode].may(action):
                continue
            if self._fault("cut"):
                raise CutError
            if self.story.chance(self._faults):
                self.people.act()
            self._do(way, action)

    def _do(self, way: Way, action: Action) -> None:
        self.story.tell(f"{action.op} {action.path} to {way.destination.part}")
        self.story.covered[f"step {action.op}"] += 1
        self._done += 1
        STEPS[action.op](self, way, action)

    def _execute_deferred(self, way: Way) -> None:
        guard = self._guards[way.mode]
        steps = [*self._later[way.mode], *guard.collected]
        later = guard.judge(sorted(steps, key=lambda one: paths.key(one.path)), lambda some: ())
        for action in reversed(later):
            if action.op is Op.DELETE:
                self._do(way, action)
        self._execute([(way, one) for one in later if one.op is not Op.DELETE], counted=True)

    # -- steps -------------------------------------------------------------------------------------

    def _agree(self, way: Way, action: Action, result: Entry, content: str = "") -> None:
        """Records a step that is done."""
        if self._fault("cut before the record"):
            self._epoch.unrecorded(action.path)
            raise CutError
        assert action.source is not None
        near, far = action.source, result
        if way.mode is Mode.DOWNLOAD:
            near, far = far, near
        folder, _, name = action.path.rpartition("/")
        self._base.setdefault(folder, {})[name] = agree(near, far, content)

    def _drop(self, way: Way, action: Action) -> None:
        """Records that nothing is agreed on at a path and below it any more."""
        if action.op is not Op.FORGET and self._fault("cut before the record"):
            raise CutError
        folder, _, name = action.path.rpartition("/")
        self._base.get(folder, {}).pop(name, None)
        for below in [one for one in self._base if paths.is_below(one, action.path)]:
            del self._base[below]

    def _leave(self, way: Way, action: Action) -> None:
        assert action.expected is not None
        self._agree(way, action, action.expected)

    def _make(self, way: Way, action: Action) -> None:
        outcome = way.destination.do(action)
        if outcome.problem is None and outcome.result is not None:
            self._agree(way, action, outcome.result)

    def _adopt(self, way: Way, action: Action) -> None:
        assert action.source is not None and action.expected is not None
        at, source, expected = action.path, action.source, action.expected
        if (way.source.entry(at), way.destination.entry(at)) != (source, expected):
            return
        content = _hash(way.source, at)
        if action.hash and not content == action.hash == _hash(way.destination, at):
            raise BrokenPromiseError(f"{at!r} is agreed on, and is not the same")
        same = content == _hash(way.destination, at)
        if same and (action.hash or source.same_mode(expected)):
            self._agree(way, action, expected, content)
        elif self._guards[way.mode].may(put := action._replace(op=Op.PUT)):
            self._put(way, put)

    def _meta(self, way: Way, action: Action) -> None:
        assert action.source is not None and action.expected is not None
        at = action.path
        if action.why == MERGED:
            way.destination.do(as_known(action, self.server))
            return
        if way.source.entry(at) != action.source:
            return
        if action.source.kind == FILE and _hash(way.source, at) != action.hash:
            if self._guards[way.mode].may(put := action._replace(op=Op.PUT, hash="")):
                self._put(way, put)
            return
        outcome = Outcome(action, action.source, action.expected)
        if not is_as_there(action, self.server):
            outcome = way.destination.do(as_known(action, self.server))
        if outcome.problem is None and outcome.result is not None:
            is_there = way.destination.entry(at) == outcome.result
            if is_there and _hash(way.source, at) != _hash(way.destination, at):
                raise BrokenPromiseError(f"{at!r} counts as the same, and differs")
            self._agree(way, action, outcome.result, action.hash)

    def _put(self, way: Way, action: Action) -> None:
        if way.source.entry(action.path) != action.source or action.source is None:
            return
        sink = way.destination.sink("")
        sink.begin(1, offers([Task(action, "")]))
        if action.source.kind == FILE:
            sink.whole(1, 0, memoryview(way.source.read(action.path)))
        [receipt] = commit(sink, 1)
        if receipt.code == "done":
            made = way.destination.entry(action.path)
            assert made is not None
            self._agree(way, action, made, receipt.hash)
        elif receipt.code == Code.NOT_A_FOLDER and self.people.acts == self._acts:
            raise BrokenPromiseError(f"{action.path!r} is brought into what is no folder there")

    def _delete(self, way: Way, action: Action) -> None:
        if self._left_out and LEFT_OUT in action.path.split("/"):
            raise BrokenPromiseError(f"{action.path!r} is left out, and deleted")
        self._epoch.deletes(action.path, way.destination)
        note_gone(self._base, action.path, near=way.mode is Mode.UPLOAD)
        outcome = way.destination.do(action)
        if outcome.problem is None:
            self._drop(way, action)
        elif outcome.problem.code is Code.NOT_EMPTY and (there := action.expected) is not None:
            self._one_sided.add(action.path)
            gone = there._replace(version=ONE_SIDED, ident=0)
            self._agree(way, action._replace(source=gone), there)

    def _resolve(self, action: Action) -> None:
        """Resolves a conflict as the policy says; a file never takes the place of a folder."""
        path, near, far = action.path, action.source, action.expected
        assert near is not None and far is not None
        self.story.tell(f"conflict {path}")
        self.story.covered["step conflict"] += 1
        self._epoch.conflicts(path)
        here, there = self.near.entry(path), self.far.entry(path)
        if here is None or there is None:
            return
        if not (near.same_state(here) and far.same_state(there)):
            return
        near, far = here, there  # how much is known of their contents is no difference
        up, down = self.ways
        if self.policy == "keep both" or FOLDER in (near.kind, far.kind):
            loser = self.far if near.kind == FOLDER else self.near
            self._copies += 1
            loser.move(path, f"{path}{COPY} {self._copies})")
            self._drop(up, Action(Op.FORGET, path))
        elif self.policy == "local":
            self._put(up, Action(Op.PUT, path, near, far))
        else:
            self._put(down, Action(Op.PUT, path, far, near))


STEPS: Final[dict[Op, Step]] = {
    Op.MKDIR: TwoWayHistory._make,
    Op.PUT: TwoWayHistory._put,
    Op.ADOPT: TwoWayHistory._adopt,
    Op.DELETE: TwoWayHistory._delete,
    Op.FORGET: TwoWayHistory._drop,
    Op.LEAVE: TwoWayHistory._leave,
    Op.META: TwoWayHistory._meta,
}
"""How each step is done here."""


def _hash(tree: RowsTree, path: str) -> str:
    entry = tree.entry(path)
    return blake3(tree.read(path)).hexdigest() if entry and entry.kind == FILE else ""


def tell(
    seed: int, without: Collection[int] = (), history_of: type[TwoWayHistory] = TwoWayHistory
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
