"""What must have come of an epoch of a two-way job: of changes on two sides of equal right.

As in `epoch`, the rules know nothing of the planner:

- What people changed on one side alone, and nobody above or below it on the other one, is on both
  sides. What nobody changed is as it was.
- What was deleted on one side and changed on the other, both before a run, is kept.
- What was changed on both sides, both before a run: both contents are there, on both sides.
- A file whose content one side at most has changed has the time and the mode that either side gave
  it. If both did, it is the one with the new content, or else the server.
- A conflict, or a deletion, has a reason: people have changed that path, on both sides or on the
  other one.
- Both sides have the same.

What a step renames on one side, because people did so on the other one, takes along what people
have changed in it: from then on that is expected at the new path.
"""

from collections.abc import Callable, Iterable
from typing import Final

from cargo_sync.model import paths
from cargo_sync.model.entries import FILE, FOLDER
from cargo_sync.model.subtrees import Subtrees
from tests.sim.changes import Change, Changes, inherit_gone, relocate, taken_by_others
from tests.sim.epoch import State, is_folder, renames, state
from tests.sim.ledger import CountedTree
from tests.sim.pairs import Pairs
from tests.sim.story import BrokenPromiseError

COPY: Final = " (conflict"
"""In the name of each conflict copy."""


class PeersEpoch:
    """What people changed since both sides rested.

    moment  goes on when a run begins, and when it ends
    unsure  whether nothing is expected of a path (it was left out by a filter)
    """

    def __init__(
        self,
        near: CountedTree,
        far: CountedTree,
        unsure: Callable[[str], bool],
        one_sided: set[str],
        *,
        both: bool,
    ) -> None:
        """An epoch begins.

        Args:
            near: one side.
            far: the other.
            unsure: see above.
            one_sided: folders that the job says to keep on one side.
            both: of a conflict, both contents stay.
        """
        self.moment = 0
        self._sides = (near, far)
        self._unsure = unsure
        self._one_sided = one_sided
        self._both = both
        self._before = {path: state(near, path) for path in near.all()}
        self._changes: dict[str, Changes] = {near.part: {}, far.part: {}}
        self._first: dict[str, dict[int, int]] = {near.part: {}, far.part: {}}
        """By its ident, when people changed something first, under any name."""
        self._copies: dict[str, Changes] = {near.part: {}, far.part: {}}
        """What people changed in what is a conflict copy now."""
        self._pairs = Pairs(near, far)
        self._passed_on: set[str] = set()
        """Where an exchange has put what stood in the way: it goes on from there."""
        self._forgotten = self._suspicious = False
        self._unrecorded: set[str] = set()
        self._unrecorded_tops = Subtrees()
        self._renamed = Subtrees()
        self._copies_changed = False

    def touched(self, tree: CountedTree, some: Iterable[str]) -> None:
        """People have changed these paths of one side."""
        changes = self._changes[tree.part]
        for path in some:
            self._copies_changed |= COPY in path
            old = changes.get(path)
            times, first = (old.times + 1, old.first) if old else (1, self.moment)
            entry = tree.entry(path)
            ident = entry.ident if entry is not None else 0
            if ident:  # people may have changed it before they gave it this name
                first = min(first, self._first[tree.part].setdefault(ident, first))
            change = Change(state(tree, path), times, first, self.moment, ident)
            if tree is self._sides[1]:
                self._pairs.changed(path, old, change)
            changes[path] = change

    def forget(self) -> None:
        """What was agreed on is not known any more: it is first contact again."""
        self._forgotten = True

    def suspect(self) -> None:
        """What people changed here may be taken for damaged, and fetched again."""
        self._suspicious = True

    def unrecorded(self, path: str) -> None:
        """A step was done, and nobody knows: what it brought looks like somebody's change."""
        self._unrecorded.add(path)

    def brought(self, path: str) -> None:
        """A step brought something to a side: both have the same there, if nobody changed it."""
        self._pairs.meet(path)

    def copied(self, at: CountedTree, path: str, copy: str) -> None:
        """A step makes the loser of a conflict a conflict copy."""
        if (change := self._changes[at.part].get(path)) is not None:
            self._copies[at.part][copy] = change

    def renamed(self, at: CountedTree, one: str, to: str, *, exchange: bool) -> None:
        """A step renames something of a side, with what people have changed in it.

        Raises:
            BrokenPromiseError: nobody has renamed it on the other side.
        """
        mine, [other] = self._changes[at.part], [side for side in self._sides if side is not at]
        theirs = self._changes[other.part]
        if (copied := self._copies[at.part].pop(one, None)) is not None:
            mine.setdefault(one, copied)
        moved = to in theirs and (one in theirs or one in mine or one in self._passed_on)
        if not moved and self._is_expected(one) and self._is_expected(to):
            raise BrokenPromiseError(f"{one!r} is renamed to {to!r}, and nobody did so")
        self._renamed.add(one)
        self._renamed.add(to)
        if exchange:
            self._passed_on.add(one)
        elif one in mine and mine[one].state is None and is_folder(state(at, to)):
            self._unrecorded.add(to)  # people had renamed it, and a step made its old name again
        gone_before = self._take_along(at, theirs, one, to, exchange=exchange)
        moves = [(one, to), (to, one)] if exchange else [(one, to)]
        inherit_gone(theirs, moves)
        for source, target in moves:
            self._left_behind(at, other, source, target)
        self._only_moved(mine, theirs, [target for _, target in moves], gone_before)
        for path in at.below(to):
            self._pairs.meet(path)

    def _only_moved(
        self, mine: Changes, theirs: Changes, tops: Iterable[str], gone_before: set[str]
    ) -> None:
        """Forgets changes of the other side that are nothing but the rename.

        Args:
            mine: the changes of the side of the step.
            theirs: those of the other side.
            tops: where the step has put something.
            gone_before: what was gone from this side before.
        """
        for path, change in list(theirs.items()):
            below = any(paths.is_below(path, top) for top in tops)
            if not below or change.state is None or change.state != self._before.get(path):
                continue
            if path in gone_before:
                mine.pop(path, None)  # that is another matter
            if path not in mine or change.last <= mine[path].first:
                del theirs[path]  # it was moved there, and not changed
            # Else it may be changed back: it had come here as this side had changed it.

    def _take_along(
        self, at: CountedTree, theirs: Changes, one: str, to: str, *, exchange: bool
    ) -> set[str]:
        """What was and what people changed at the old path is, and is changed, at the new one.

        Returns:
            The paths of this side that were gone before.
        """
        mine = self._changes[at.part]
        gone_before = {path for path, change in mine.items() if change.state is None}
        others = {} if exchange else taken_by_others(self._before, mine, theirs, one, to)
        left = {path: mine[path]._replace(state=None, ident=0) for path in others}
        for path in others:
            del self._before[path]
        stays = None if exchange else self._is_another(at, mine)
        for source, target in renames(one, to, exchange=exchange):
            gone_before -= relocate(mine, source, target, stays)
            relocate(self._before, source, target)
        self._before |= others
        for path, change in left.items():
            mine.setdefault(path, change)
        return gone_before

    def _left_behind(self, at: CountedTree, other: CountedTree, source: str, target: str) -> None:
        """A step brought something to a folder's old name, just when people had renamed it.

        It looks as if people had taken it out of the renamed folder, also if people of this side
        have renamed it in there.
        """
        changes, mine = self._changes[other.part], self._changes[at.part]
        for path in other.below(source):
            now, left = target + path[len(source) :], changes.get(path)
            by_step = left is None or left.state is None
            was_here = at.entry(now) is not None or now in mine
            if path != source and by_step and not other.entry(now) and was_here:
                self._unrecorded |= {path, now}

    def _is_another(self, at: CountedTree, changes: Changes) -> Callable[[str, str], bool]:
        """Whether something else than what people left at a path was renamed from there."""

        def is_another(path: str, now: str) -> bool:
            left, there = changes[path].state, state(at, now)
            if left is None or there is None:
                return False
            if left[0] == there[0] == FILE:
                return left[1] != there[1]
            return left[0] != there[0]

        return is_another

    def half_renamed(self, path: str) -> None:
        """A rename from or to here was done, and nobody knows."""
        self._unrecorded_tops.add(path)

    # -- while runs go on --------------------------------------------------------------------------

    def conflicts(self, path: str) -> None:
        """The job sees a conflict.

        Raises:
            BrokenPromiseError: people did not change the path on both sides.
        """
        near, far = (self._changes[side.part] for side in self._sides)
        if not self._is_expected(path):
            return
        touched = [self._is_touched(one, path) for one in (near, far)]
        if COPY in path and path not in self._before and any(touched):
            return  # a copy of this epoch, and a person gave its name to something else
        if not all(touched):
            raise BrokenPromiseError(f"{path!r} is a conflict, and only one side was changed")

    def deletes(self, path: str, at: CountedTree, ident: int = 0) -> None:
        """The job deletes what is at this path of a side, and has this ident.

        Raises:
            BrokenPromiseError: nobody has deleted or replaced it on the other side.
        """
        [other] = [side for side in self._sides if side is not at]
        left = self._changes[at.part].get(path) if at is self._sides[0] else None
        if left is not None and left.ident == ident and self._is_renamed_apart(path, left):
            return
        if self._is_expected(path) and path not in self._changes[other.part]:
            raise BrokenPromiseError(f"{path!r} is deleted, and nobody did so on the other side")

    def _is_renamed_apart(self, path: str, near: Change | None) -> bool:
        """Whether both sides renamed something, the near one to this path.

        The other side's name counts. If it cannot get that name here, because something else has
        it or the rename fails, it is sent there anew, and goes from this path.
        """
        return near is not None and near.state is not None and self._pairs.is_elsewhere(path, near)

    def _is_expected(self, path: str) -> bool:
        """Whether something is expected of a path.

        Of a folder nothing is, if it may stay for something in it that is left out, or of which the
        job does not know that it brought it.
        """
        if self._unrecorded_tops.meets(path):
            return False
        below = {path, *(one for side in self._sides for one in side.below(path))}
        if self._suspicious and below & self._changes[self._sides[0].part].keys():
            return False
        unclear = any(map(self._unsure, below)) or below & self._unrecorded
        return not (self._forgotten or unclear)

    def _is_touched(self, changes: Changes, path: str) -> bool:
        """Whether people of a side have changed the path, or what is below it."""
        return path in changes or any(paths.is_below(one, path) for one in changes)

    # -- at rest -----------------------------------------------------------------------------------

    def judge(self) -> None:
        """Both sides rest again.

        Raises:
            BrokenPromiseError: a path is not as it should be.
        """
        near, far = self._sides
        ours, theirs = self._changes[near.part], self._changes[far.part]
        for path in {*self._before, *near.all(), *far.all(), *ours, *theirs}:
            if self._unsure(path):
                continue
            now, one, other = state(near, path), ours.get(path), theirs.get(path)
            self._judge_same(path, now, state(far, path))
            if not self._is_expected(path):
                continue
            if now is None and self._is_renamed_apart(path, one):
                continue
            if one and other:
                self._judge_collision(path, now, one, other)
            elif one or other:
                self._judge_one_sided(path, now, one or other, theirs if one else ours)
            elif COPY not in path:
                self._expect(path, now, self._before.get(path), "what nobody changed")

    def _judge_same(self, path: str, here: State, there: State) -> None:
        """Both sides have the same; but at first contact folders keep their own modes."""
        if here == there or (here and there and here[0] == there[0] == FOLDER):
            return
        if path in self._one_sided and (here or there or ("",))[0] == FOLDER:
            return
        raise BrokenPromiseError(f"at rest {path!r} is {here} here, and {there} there")

    def _judge_one_sided(
        self, path: str, now: State, change: Change | None, others: Changes
    ) -> None:
        assert change is not None
        if change.state is None and change.times > 1:
            return  # a newer version may have arrived, and nobody has heard of it
        if change.state is None and COPY in path and path not in self._before:
            return  # a copy of this epoch went, and another one may have got its name
        in_the_way = change.state is None or change.state[0] != FOLDER
        if in_the_way and any(paths.is_below(one, path) for one in others):
            return  # the other side has changed what was below it
        before = self._before.get(path)
        is_mode = before and change.state and before[0] == change.state[0] == FOLDER
        for side in self._sides if is_mode and change.times == 1 else ():
            self._expect(path, state(side, path), change.state, "a new mode on one side alone")
        if change.state is None or change.state[0] != FOLDER or now is None or now[0] != FOLDER:
            self._expect(path, now, change.state, "a change on one side alone")

    def _judge_collision(self, path: str, now: State, one: Change, other: Change) -> None:
        moments = {one.first, one.last, other.first, other.last}
        if len(moments) > 1 or moments.pop() % 2:
            return  # one may be the answer to the other
        near, far = self._sides
        if one.state is None and other.state is None:
            self._expect(path, now, None, "what is gone on both sides")
        elif one.state is None or other.state is None:
            self._judge_kept(path, now, one.state or other.state)
        elif one.times == other.times == 1 and self._is_merged(path, one.state, other.state):
            self._judge_merged(path, now, one.state, other.state)
        elif self._both or FOLDER in (one.state[0], other.state[0]):
            before = (self._before.get(path) or (None, None))[1]
            states = [change.state for change in (one, other) if change.state]
            contents = {there[1] for there in states if there[0] == FILE} - {before}
            for side in (near, far):
                live = contents & set(side.files().values())
                enough = bool(live) if path in self._renamed else live == contents
                if contents and not enough and not self._copies_changed:
                    raise BrokenPromiseError(f"of the conflict at {path!r} one content is away")

    def _is_merged(self, path: str, here: State, there: State) -> bool:
        """Whether one side at most has another content, and nothing else is another kind."""
        before = self._before.get(path)
        if not (before and here and there and before[0] == here[0] == there[0] == FILE):
            return False
        return before[1] in (here[1], there[1])

    def _judge_merged(self, path: str, now: State, here: State, there: State) -> None:
        """What each side changed of a file's content, time and mode, the other side has too."""
        before = self._before[path]
        assert before and here and there
        first, second = (here, there) if there[1] == before[1] != here[1] else (there, here)
        each = zip(before, first, second, strict=True)
        merged = (one if one != was else other for was, one, other in each)
        self._expect(path, now, tuple(merged), "what both sides changed, merged")

    def _judge_kept(self, path: str, now: State, changed: State) -> None:
        """What is gone on one side, and changed on the other: at least its content is kept."""
        before = self._before.get(path)
        if before is None and COPY in path:
            return  # a copy of this epoch: perhaps only its time or its mode was changed
        if before and changed and before[:2] == changed[:2] and before[0] == FILE:
            return  # its time or its mode alone was changed: that goes with it
        if before and changed and before[0] == changed[0] != FILE:
            return
        self._expect(path, now, changed, "gone on one side, and changed on the other")

    def _expect(self, path: str, now: State, wanted: State, what: str) -> None:
        if now == wanted:
            return
        is_folder = now is not None and now[0] == FOLDER
        if wanted is None and is_folder and any(len(one.below(path)) > 1 for one in self._sides):
            return  # it stays for what is in it
        raise BrokenPromiseError(f"{what}: {path!r} should be {wanted}, and is {now}")
