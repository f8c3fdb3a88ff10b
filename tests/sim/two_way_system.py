"""Whole runs of two-way jobs: as the tier `system`, but both sides have equal rights.

`peers` says what must have come of what people did. What a run did before it was cut or killed may
be unknown to the job: then it looks like somebody's change, and nothing is expected of that path
but that both sides become the same, and that nothing is lost.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final

from blake3 import blake3

from cargo_sync.engine.commit import HOLDS_OTHERS
from cargo_sync.engine.report import RunReport
from cargo_sync.model import paths
from cargo_sync.model.actions import Action, Op
from cargo_sync.model.conflicts import ConflictPolicy
from cargo_sync.model.entries import FOLDER, Entry
from cargo_sync.model.events import Happened
from cargo_sync.model.jobs import Mode
from cargo_sync.model.transfers import Offer
from cargo_sync.plan.conflict_policy import allowed
from cargo_sync.state.conflicts import Conflicts
from tests.engine.world import System
from tests.sim import system
from tests.sim.ledger import Ledger
from tests.sim.lively import Judge, LivelyTree
from tests.sim.oracle import LEFT_OUT
from tests.sim.peers import PeersEpoch
from tests.sim.people import Peers, People
from tests.sim.story import BrokenPromiseError
from tests.sim.system import SystemHistory, Teller

POLICIES: Final = (
    ConflictPolicy.KEEP_BOTH,
    ConflictPolicy.KEEP_BOTH,
    ConflictPolicy.LOCAL,
    ConflictPolicy.REMOTE,
    ConflictPolicy.NEWEST,
    ConflictPolicy.ASK,
)


class PeersOracle:
    """What must never happen in a run of a two-way job, checked when it would happen.

    epoch  what people have changed
    steps  paths at which the run has done something
    one_sided  folders that the job says to keep on one side
    renames  of these, the paths from and to which it has renamed something
    """

    def __init__(self, job: System, ledger: Ledger) -> None:
        self.system = job
        self.ledger = ledger
        self.epoch: PeersEpoch | None = None
        self.missed = False
        self.on_replaced: Callable[[], None] = lambda: None
        self.steps: set[str] = set()
        self.one_sided: set[str] = set()
        self.renames: list[str] = []
        self._replaced = False
        self._events = 0

    @property
    def source(self) -> LivelyTree:
        assert isinstance(self.system.near, LivelyTree)
        return self.system.near

    @property
    def destination(self) -> LivelyTree:
        assert isinstance(self.system.far, LivelyTree)
        return self.system.far

    def at(self, part: str) -> Judge:
        return _SideOracle(self, part)

    def begin(self) -> None:
        if self._replaced:
            self.forget()
        self.missed = self._replaced = False
        self.steps, self.renames = set(), []

    def end(self) -> None:
        """A run has ended, in whatever way."""
        for event in self.system.events[self._events :]:
            if event.happened is Happened.CONFLICT and self.epoch is not None:
                self.epoch.conflicts(event.path)
            if event.happened is Happened.KEPT and event.details.message == HOLDS_OTHERS:
                self.one_sided.add(event.path)
        self._events = len(self.system.events)

    def replaced(self) -> None:
        """Another folder or catalogue took the place of one side while it was looked at."""
        self._replaced = True
        self.on_replaced()

    def suspect(self) -> None:
        """What arrived lately may be taken for damaged: `PeersEpoch.suspect`."""

    def forget(self) -> None:
        """Both sides are compared afresh: `PeersEpoch.forget`."""

    def left_out(self, path: str) -> bool:
        return bool(self.system.rules.exclude) and LEFT_OUT in path.split("/")

    def nothing_is_lost(self) -> None:
        if self.ledger.lost:
            raise BrokenPromiseError(f"the last copies of {sorted(self.ledger.lost)} are gone")

    def rests(self) -> None:
        """Both sides rest: `PeersEpoch.judge`."""

    def brought_to(self, part: str, offer: Offer) -> None:
        """A file arrived at a side."""
        here, there = (self.source, self.destination)
        if part == "far":
            here, there = there, here
        self.steps.add(offer.path)
        if self.left_out(offer.path):
            raise BrokenPromiseError(f"{offer.path!r} is left out, and sent")
        if not offer.target and here.read(offer.path) not in there.ever:
            raise BrokenPromiseError(f"{offer.path!r} is not what was on the other side")
        if self.epoch is not None:
            self.epoch.brought(offer.path)

    def deleted_at(self, part: str, path: str, entry: Entry) -> None:
        """Something was deleted on a side."""
        side = self.source if part == "near" else self.destination
        if self._replaced:
            raise BrokenPromiseError(f"{path!r} is deleted although a side was replaced")
        if self.missed:
            raise BrokenPromiseError(f"{path!r} is deleted although not everything was seen")
        if self.left_out(path):
            raise BrokenPromiseError(f"{path!r} is left out, and deleted")
        if self.epoch is not None:
            self.epoch.deletes(path, side, entry.ident)

    def renamed_at(self, part: str, action: Action) -> None:
        """Something was renamed on a side, because people did so on the other one."""
        assert action.moved_from is not None
        self._count(action, here=part == "near")
        side = self.source if part == "near" else self.destination
        if self._replaced:
            raise BrokenPromiseError(f"{action.path!r} is renamed although a side was replaced")
        if self.left_out(action.path) or self.left_out(action.moved_from):
            raise BrokenPromiseError(f"{action.path!r} is left out, and renamed")
        self.renames += [action.moved_from, action.path]
        if self.epoch is not None:
            exchange = action.occupant is not None
            self.epoch.renamed(side, action.moved_from, action.path, exchange=exchange)

    def copied_at(self, part: str, action: Action) -> None:
        """The loser of a conflict, on a side, has the name of a copy now."""
        assert action.moved_from is not None
        if self.epoch is not None:
            side = self.source if part == "near" else self.destination
            self.epoch.copied(side, action.moved_from, action.path)

    def _count(self, action: Action, *, here: bool) -> None:
        """Says which kinds of renames were met."""
        there, covered = action.expected, self.source.weather.story.covered
        assert there is not None
        covered["step rename folder" if there.kind == FOLDER else "step rename"] += 1
        if action.occupant is not None:
            covered["step exchange"] += 1
        base = self.system.memory.folders.entry(action.moved_from)[2]
        changed = base is None or not (base.stays_near(there) if here else base.far_is(there))
        if changed:
            covered["step rename changed"] += 1

    def touched_at(self, part: str, action: Action) -> None:
        """A file of a side got another time and mode, and counts as the same as the other one."""
        here, there = (self.source, self.destination)
        if part == "far":
            here, there = there, here
        same = blake3(here.read(action.path)).hexdigest() == action.hash
        if there.entry(action.path) == action.source:
            same = same and blake3(there.read(action.path)).hexdigest() == action.hash
        if not same:
            raise BrokenPromiseError(f"{action.path!r} counts as the same, and differs")


class _SideOracle:
    """The oracle, as one side calls it."""

    def __init__(self, oracle: PeersOracle, part: str) -> None:
        self._oracle = oracle
        self._part = part

    @property
    def missed(self) -> bool:
        return self._oracle.missed

    @missed.setter
    def missed(self, is_missed: bool) -> None:
        self._oracle.missed = is_missed

    def left_out(self, path: str) -> bool:
        return self._oracle.left_out(path)

    def brought(self, offer: Offer) -> None:
        self._oracle.brought_to(self._part, offer)

    def displaced(self, path: str, content: bytes) -> None:
        """The ledger knows it."""

    def replaced(self) -> None:
        self._oracle.replaced()

    def deleted(self, path: str, entry: Entry) -> None:
        self._oracle.deleted_at(self._part, path, entry)

    def touched(self, action: Action) -> None:
        self._oracle.touched_at(self._part, action)

    def done(self, action: Action) -> None:
        if action.op is Op.MOVE and action.source is not None:
            self._oracle.renamed_at(self._part, action)
        elif action.op is Op.MOVE:
            self._oracle.copied_at(self._part, action)
        elif action.op is Op.MKDIR and self._oracle.epoch is not None:
            self._oracle.epoch.brought(action.path)
        self._oracle.steps |= {action.path, action.moved_from or action.path}


class TwoWaySystemHistory(SystemHistory):
    """One two-way job from first contact until it rests for the last time."""

    oracle: PeersOracle
    _epoch: PeersEpoch
    _deciding = 0.5

    def _job(self) -> System:
        story = self.story
        return System(
            self.state.database,
            Mode.BIDIRECTIONAL,
            propagate=True,
            conflicts=story.one_of(POLICIES),
            settle=story.one_of((0.0, 2.0)),
        )

    def _oracle(self) -> PeersOracle:
        return PeersOracle(self.system, self.ledger)

    def _people(self) -> People:
        return Peers(self.story, self.near, self.far, self._now, self._touched)

    def _begin(self) -> PeersEpoch:
        both = self.system.rules.conflicts is ConflictPolicy.KEEP_BOTH
        epoch = PeersEpoch(self.near, self.far, self._is_unsure, self.oracle.one_sided, both=both)
        self.oracle.epoch = epoch
        return epoch

    async def rest(self, *, last: bool) -> None:
        self._deciding = 1.0
        await super().rest(last=last)
        self._deciding = 0.5

    def _decide(self) -> None:
        """A person decides conflicts that wait for it."""
        conflicts = Conflicts(self.system.database)
        for one in conflicts.page(None, open=True, after=0, limit=99):
            if one.choice is None and self.story.chance(self._deciding):
                near, far = one.evidence.near, one.evidence.far
                choice = self.story.one_of(allowed(near, far))
                self.story.covered["act decide"] += 1
                self.story.tell(f"decide {one.path} {choice}")
                self._order(partial(conflicts.choose, one.id, one.evidence, choice))

    async def look(self, *, approved: bool) -> RunReport | None:
        self._decide()
        self._epoch.moment += 1
        report = await super().look(approved=approved)
        if report is None:
            self.oracle.end()
        if report is None or report.errors:
            for path in self.oracle.steps:
                for one in paths.upwards(path):  # what is above it may have been made for it
                    self._epoch.unrecorded(one)
            for path in self.oracle.renames:
                self._epoch.half_renamed(path)
        self._epoch.moment += 1
        return report


@contextmanager
def ready() -> Iterator[Teller]:
    with system.ready(TwoWaySystemHistory) as teller:
        yield teller
