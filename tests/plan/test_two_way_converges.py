"""Reconciling converges, is idempotent, and treats both sides alike, whatever they have."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Final, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cargo_sync.model.actions import Action, Op
from cargo_sync.model.agreed import Agreed, AgreedColumns, agree
from cargo_sync.model.entries import FILE, FOLDER, LINK, Entry, EntryColumns
from cargo_sync.plan.filters import Filters
from cargo_sync.plan.one_way import FolderPlan
from cargo_sync.plan.reconciliation import MERGED, TwoWayPlan
from cargo_sync.plan.two_way import decide, plan_folder, two_way_view

VIEW: Final = two_way_view(Filters().excluded, propagate=True)
PASSES: Final = 5


class Face(NamedTuple):
    """What a person sees at a path."""

    kind: str
    content: str = ""
    mtime: int = 0


Side = dict[str, Entry]


@dataclass
class Folder:
    """One folder on both sides, and its base. Each file has its content in its hash.

    hidden  local files are not hashed until somebody asks, as in a real folder
    """

    hidden: bool
    near: Side = field(default_factory=dict)
    far: Side = field(default_factory=dict)
    base: dict[str, Agreed] = field(default_factory=dict)
    clock: int = 0

    def entry(self, name: str, face: Face) -> Entry:
        self.clock += 1
        content = face.content if face.kind == FILE else ""
        target = face.content if face.kind == LINK else ""
        size = 1 if face.kind == FILE else 0
        return Entry(
            name, face.kind, size, face.mtime, 0o644, self.clock, self.clock, content, target
        )

    def plan(self) -> TwoWayPlan:
        seen = [self.near, self.far]
        if self.hidden:
            seen[0] = {name: entry._replace(hash="") for name, entry in self.near.items()}
        near, far = (EntryColumns.of([one[name] for name in sorted(one)]) for one in seen)
        base = AgreedColumns.of(tuple(self.base[name] for name in sorted(self.base)))
        return plan_folder("", near, far, base, VIEW)

    def apply(self, plan: TwoWayPlan) -> None:
        """Does all steps; of a conflict, the local one takes another name."""
        for action in plan.conflicts:
            side = self.far if action.source and action.source.kind == FOLDER else self.near
            moved = side.pop(action.path)._replace(name=f"{action.path}'")
            side[moved.name] = moved
            self.base.pop(action.path, None)
        self._steps(plan.up, self.near, self.far, lambda source, made: agree(source, made))
        self._steps(plan.down, self.far, self.near, lambda source, made: agree(made, source))
        for row in plan.unproven:
            near, far = self.near.get(row.path), self.far.get(row.path)
            found = decide(row, near.hash if near else "", far.hash if far else "", VIEW)
            assert not found.unproven, "a hash proves it"
            self.apply(found)

    def _steps(
        self, plan: FolderPlan, source: Side, there: Side, agreed: Callable[[Entry, Entry], Agreed]
    ) -> None:
        for action in (*plan.now, *plan.fresh, *plan.later):
            name = action.path
            if action.op is Op.FORGET:
                self.base.pop(name, None)
            elif action.op is Op.DELETE:
                del there[name]
                self.base.pop(name, None)
            elif action.why == MERGED:
                assert action.source is not None
                self.clock += 1
                content, ident = there[name].hash, there[name].ident
                there[name] = action.source._replace(version=self.clock, ident=ident, hash=content)
            else:
                if action.op in (Op.PUT, Op.MKDIR, Op.META) or self._differs(action, source, there):
                    self.clock += 1
                    given = source[name]
                    there[name] = given._replace(version=self.clock, ident=self.clock)
                self.base[name] = agreed(source[name], there[name])

    def _differs(self, action: Action, source: Side, there: Side) -> bool:
        same = source[action.path].hash == there[action.path].hash
        assert same or not action.hash, "only what is the same is adopted without a look"
        return action.op is Op.ADOPT and not same

    def faces(self) -> list[dict[str, Face]]:
        return [{name: face(entry) for name, entry in side.items()} for side in self.sides()]

    def sides(self) -> list[Side]:
        return [self.near, self.far]

    def mirrored(self) -> "Folder":
        base = {
            name: row._replace(
                near_version=row.far_version,
                near_ident=row.far_ident,
                far_version=row.near_version,
                far_ident=row.near_ident,
            )
            for name, row in self.base.items()
        }
        return replace(self, near=dict(self.far), far=dict(self.near), base=base)


def face(entry: Entry) -> Face:
    return Face(entry.kind, entry.hash or entry.target, entry.mtime_ns)


FACES: Final = (
    *(Face(FILE, content, mtime) for content in "xyz" for mtime in (1, 2)),
    *(Face(LINK, content) for content in "xy"),
    Face(FOLDER),
)
SAME: Final = "as agreed"
PATHS: Final = tuple(product((None, *FACES), (SAME, None, *FACES), (SAME, None, *FACES)))
"""All that can be: what was agreed on, and what then became of it on each side."""


def folder(hidden: bool, numbers: list[int]) -> Folder:
    """The folder of these numbers of `PATHS`."""
    made = Folder(hidden)
    for name, number in zip("abc", numbers, strict=False):
        before, *changes = PATHS[number]
        if isinstance(before, Face):
            near, far = made.entry(name, before), made.entry(name, before)
            made.near[name], made.far[name] = near, far
            made.base[name] = agree(near, far)
        for side, change in zip(made.sides(), changes, strict=True):
            if isinstance(change, Face):
                side[name] = made.entry(name, change)
            elif change is None:
                side.pop(name, None)
    return made


def folders() -> st.SearchStrategy[Folder]:
    numbers = st.integers(0, len(PATHS) - 1)
    return st.builds(folder, st.booleans(), st.lists(numbers, min_size=1, max_size=3))


@given(folders())
@settings(derandomize=True, max_examples=60)
def test_both_sides_become_the_same_and_then_nothing_is_left_to_do(made: Folder) -> None:
    _converge(made)


@pytest.mark.parametrize("hidden", [True, False])
def test_all_that_can_become_of_one_path_converges(hidden: bool) -> None:
    for number in range(len(PATHS)):
        _converge(folder(hidden, [number]))


def _converge(made: Folder) -> None:
    before, base = made.faces(), dict(made.base)
    passes = 0
    while not (plan := made.plan()).empty:
        made.apply(plan)
        passes += 1
        assert passes <= PASSES, "it goes on without an end"
    near, far = made.faces()
    assert near == far
    _judge(before, base, near)


def _judge(before: list[dict[str, Face]], base: dict[str, Agreed], after: dict[str, Face]) -> None:
    """A change on one side alone survives, and no content that both sides changed is lost."""
    contents = {one[:2] for one in after.values()}
    for name in {*before[0], *before[1], *base}:
        was = base.get(name)
        agreed = Face(was.kind, was.hash or was.target, was.mtime_ns) if was else None
        here, there = (side.get(name) for side in before)
        if here == agreed or there == agreed:
            wanted = there if here == agreed else here
            assert after.get(name) == wanted
        else:
            kept = {one[:2] for one in (here, there) if one and one[:2] != (agreed or (None,))[:2]}
            assert kept <= contents


@given(folders())
@settings(derandomize=True, max_examples=50)
def test_planning_twice_gives_the_same_plan(made: Folder) -> None:
    assert made.plan() == made.plan()


@given(folders())
@settings(derandomize=True, max_examples=100)
def test_swapped_sides_swap_the_plan_but_for_ties(made: Folder) -> None:
    made.hidden = False
    plan, swapped = made.plan(), made.mirrored().plan()
    ties = (Op.ADOPT, Op.LEAVE, Op.FORGET, Op.META)

    def steps(one: FolderPlan) -> list[tuple[Op, str]]:
        return [(step.op, step.path) for step in (*one.now, *one.later) if step.op not in ties]

    assert (steps(plan.up), steps(plan.down)) == (steps(swapped.down), steps(swapped.up))
    assert plan.closed_up == swapped.closed_down
    assert plan.closed_down == swapped.closed_up
    pairs = [[(one.path, one.source, one.expected) for one in plan.conflicts]]
    pairs.append([(one.path, one.expected, one.source) for one in swapped.conflicts])
    assert pairs[0] == pairs[1]
