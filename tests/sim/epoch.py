"""An epoch: from a moment at which both sides rest, over changes by people, to the next rest.

Then it is judged, path by path, against rules that know nothing of the planner:

- What people changed on one side alone survives: the other side follows, or leaves it alone, as the
  job says (`Direction`).
- What people deleted at the source and changed at the destination stays there, unless it is again
  what was delivered: the very file, moved away and back, also if both sides rested in between.
- What nobody changed is as it was. But a file that people put in the place of a folder makes room
  for what is new in that folder at the source.
- Where else both sides were changed, nothing is expected but that no content is lost (`ledger`).
"""

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from cargo_sync.model import paths
from cargo_sync.model.entries import FILE, FOLDER, PERMISSIONS
from tests.sim.ledger import CountedTree
from tests.sim.story import BrokenPromiseError

State = tuple[object, ...] | None
"""What a person sees at a path; None for nothing."""


def state(tree: CountedTree, path: str) -> State:
    found = tree.entry(path)
    if found is None:
        return None
    entry = tree.kept(found)
    if entry.kind == FILE:
        return FILE, tree.read(path), entry.mtime_ns, entry.mode & PERMISSIONS
    return (entry.kind, entry.target or entry.mode & PERMISSIONS)


def is_folder(one: State) -> bool:
    return one is not None and one[0] == FOLDER


class Direction(NamedTuple):
    """What a job does with changes on one side alone.

    propagate  what is deleted at the source is deleted at the destination
    """

    propagate: bool


Evidence = tuple[int, int] | None
"""Version and ident of what is at a path; None for nothing."""


def evidence(tree: CountedTree, path: str) -> Evidence:
    entry = tree.entry(path)
    return None if entry is None else (entry.version, entry.ident)


class _Change(NamedTuple):
    """How people left a path, and how often they changed it."""

    state: State
    times: int
    evidence: Evidence = None


_GONE: Final = _Change(None, 1)


def renames(here: str, path: str, *, exchange: bool) -> list[tuple[str, str]]:
    """The renames of one step, one after the other."""
    return [(path, "aside"), (here, path), ("aside", here)] if exchange else [(here, path)]


def relocate(some: set[str], one: str, to: str) -> None:
    """Paths at or below `one` are at or below `to` now."""
    moved = {path for path in some if paths.is_below(path, one)}
    some -= moved
    some |= {to + path[len(one) :] for path in moved}


class Epoch:
    """What people changed since both sides rested.

    unsure  whether nothing is expected of a path (it was left out by a filter, or a run was killed
            before it recorded what it had done there)
    own     paths that people have changed at the destination since they were delivered, also
            if they look the same; kept from one epoch to the next
    """

    def __init__(
        self,
        source: CountedTree,
        destination: CountedTree,
        direction: Direction,
        unsure: Callable[[str], bool],
        own: set[str],
    ) -> None:
        self._source = source
        self._destination = destination
        self._direction = direction
        self._unsure = unsure
        self._before = {
            path: (state(source, path), state(destination, path))
            for path in {**source.all(), **destination.all()}
        }
        self._rested = {evidence(destination, path) for path in destination.all()}
        """What was at the destination when both sides rested, under any name."""
        self._own = own
        self._forgotten = self._suspicious = False
        self._no_folders = {
            path for path, (there, _) in self._before.items() if there and there[0] != FOLDER
        }
        """Where the source has, or had, a file or a link."""
        self._changes: dict[str, dict[str, _Change]] = {source.part: {}, destination.part: {}}

    def touched(self, tree: CountedTree, some: Iterable[str]) -> None:
        """People have changed these paths of one side."""
        changes = self._changes[tree.part]
        for path in some:
            times = changes[path].times + 1 if path in changes else 1
            changes[path] = change = _Change(state(tree, path), times, evidence(tree, path))
            if tree is self._source and change.state and change.state[0] != FOLDER:
                self._no_folders.add(path)

    def renamed(self, one: str, to: str) -> None:
        """A step has renamed something at the destination, with what is its own below it.

        What people changed there and a step has replaced since stays behind: it is in the trash.
        """
        theirs = self._changes[self._destination.part]
        present = {entry.ident for entry in self._destination.all().values()}
        for path in [path for path in theirs if paths.is_below(path, one)]:
            found = theirs[path].evidence
            if found is None or found[1] in present:
                new = to + path[len(one) :]
                theirs[new] = theirs.pop(path)
        relocate(self._own, one, to)
        for path, (there, here) in list(self._before.items()):
            if paths.is_below(path, one) and there is None:
                del self._before[path]
                new = to + path[len(one) :]
                self._before[new] = (self._before.get(new, (None, None))[0], here)

    def suspect(self) -> None:
        """What people changed at the destination may be taken for damaged, and fetched again."""
        self._suspicious = True

    def forget(self) -> None:
        """What was agreed on before is not known any more: only contents are counted."""
        self._forgotten = True

    def judge(self) -> None:
        """Both sides rest again.

        Raises:
            BrokenPromiseError: a path is not as it should be.
        """
        self._own.update(self._changes[self._destination.part])
        if self._forgotten:
            self._own.update(self._destination.all())
            return
        ours, theirs = self._changes[self._source.part], self._changes[self._destination.part]
        for path in {*self._before, *ours, *theirs, *self._destination.all()}:
            if self._unsure(path) or self._is_covered(path):
                continue
            now = state(self._destination, path)
            source, before = self._before.get(path, (None, None))
            one, other = ours.get(path), theirs.get(path)
            if one and other:
                self._judge_two_sided(path, now, one, other, source)
            elif one:
                self._judge_one_sided(path, now, one, source, before)
            elif self._is_fetched_again(path, now):
                continue
            elif other:
                self._expect(path, now, other.state, "a change at the destination alone")
            else:
                self._expect(path, now, before, "what nobody changed")

    def _judge_two_sided(
        self, path: str, now: State, one: _Change, other: _Change, source: State
    ) -> None:
        """Both sides were changed."""
        kept = other.state is not None and not is_folder(other.state)
        if one != _GONE or not kept or self._suspicious:
            return
        # What was moved away and back has the version that was delivered.
        is_back = other.state == source and other.evidence in self._rested
        if now is not None or not is_back:
            self._expect(path, now, other.state, "what is gone here and changed there")

    def _makes_room(self, path: str, there: State) -> bool:
        """Whether a file was in the place of a folder in which the source had something new.

        What a filter left out in between counts as new when it does so no longer.
        """
        if there is None or is_folder(there):
            return False
        changes = self._changes[self._source.part].items()
        new = [one for one, change in changes if change.state or change.times > 1]
        new += filter(self._unsure, self._source.all())
        return any(one != path and paths.is_below(one, path) for one in new)

    def _is_fetched_again(self, path: str, now: State) -> bool:
        """Whether something that people changed at the destination was taken for damaged."""
        is_own = self._suspicious and path in self._own
        return is_own and now is not None and now == state(self._source, path)

    def _judge_one_sided(
        self, path: str, now: State, change: _Change, source: State, before: State
    ) -> None:
        """The source alone was changed."""
        if change.state == source != before:
            return  # it is again as it was; what was delivered of it before is unknown here
        if (
            is_folder(change.state)
            and is_folder(now)
            and (change.times > 1 or not is_folder(source))
        ):
            self._own.discard(path)  # who made a folder first has chosen its mode
        elif change.state is not None:
            self._expect(path, now, change.state, "a change at the source alone")
            self._own.discard(path)
        elif not self._direction.propagate:
            if change.times == 1:
                self._expect(path, now, before, "what is gone at the source, and is to be kept")
        elif change.times > 1:
            return  # a newer version may have arrived, and nobody has heard of it
        elif source == before and not any(one in self._own for one in paths.upwards(path)):
            self._expect(path, now, None, "what is gone at the source")
        elif now is not None and now[0] != FOLDER:
            self._expect(path, now, before, "the destination's own")

    def _expect(self, path: str, now: State, wanted: State, what: str) -> None:
        if now == wanted or self._is_needed_folder(path, now, wanted):
            return
        if self._makes_room(path, wanted):
            return
        raise BrokenPromiseError(f"{what}: {path!r} should be {wanted}, and is {now}")

    def _is_needed_folder(self, path: str, now: State, wanted: State) -> bool:
        """Whether a folder is there only for what is in it."""
        if wanted is not None or now is None or now[0] != FOLDER:
            return False
        if len(self._destination.below(path)) > 1 or self._source.entry(path) is not None:
            return True
        # It may have held something of the destination's own when it was to be deleted.
        return any(paths.is_below(one, path) for one in self._changes[self._destination.part])

    def _is_covered(self, path: str) -> bool:
        """Whether the source had a file or a link in the place of a folder above it."""
        return any(above in self._no_folders for above in paths.upwards(paths.parent(path)))
