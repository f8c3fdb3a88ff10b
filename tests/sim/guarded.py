"""The guard of a history of the planner, and a count of its own that judges what it lets pass."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final

from cargo_sync.model.actions import Action, Op
from cargo_sync.model.entries import FOLDER
from cargo_sync.model.jobs import GuardRules
from cargo_sync.plan import guard
from cargo_sync.plan.guard import Guard, Harm, Touch, touches
from cargo_sync.state.holds import step
from tests.sim.people import DOCUMENT, NOISE, TEXT
from tests.sim.story import BrokenPromiseError, Story

RULES: Final = GuardRules()

Inside = Callable[[Sequence[Action]], Iterable[str]]
"""Gives the files in folders that steps would replace."""


class GuardJudge:
    """Counts what is displaced in a day without an approval, and knows nothing of the guard.

    What is elsewhere at the destination now was moved. What was moved and displaced later counts
    where it was last. A path counts once, with whatever was displaced there.

    covered  paths about which a person has decided for this run
    """

    def __init__(self) -> None:
        self.covered: set[str] = set()
        self._displaced: dict[bytes, dict[str, float]] = {}
        self._rewritten: dict[str, tuple[float, bool]] = {}
        self._most = 0

    def begin(self, tree: int) -> None:
        """A run begins, with so many files in base."""
        self.covered = set()
        self._most = max(self._most, tree)

    def approved(self) -> None:
        """The count begins anew."""
        self._displaced.clear()
        self._rewritten.clear()
        self._most = 0

    def displaced(
        self,
        gone: Iterable[tuple[str, bytes]],
        there: Collection[bytes] = (),
        now: float = 0.0,
    ) -> None:
        """These files went to the trash in a run, and no person has changed any meanwhile.

        Args:
            gone: their paths and contents.
            there: the contents of the destination now, if moves do not count.
            now: the time.
        """
        for path, content in gone:
            if path not in self.covered:
                self._displaced.setdefault(content, {}).pop(path, None)
                self._displaced[content][path] = now
        lately = set()
        for content, places in self._displaced.items():
            path, at = list(places.items())[-1]
            if now - at < RULES.window and content not in there:
                lately.add(path)
        if len(lately) > max(RULES.at_least, self._most * RULES.share):
            raise BrokenPromiseError("more was displaced in a day than the guard lets pass")

    def rewritten(
        self, gone: Iterable[tuple[str, bytes]], there: Mapping[str, bytes], now: float
    ) -> None:
        """As `displaced`, of files sent from here: few texts may have become noise.

        The name says what is a text: what has another name by then is not judged.

        Args:
            gone: paths and contents that went to the trash in a run.
            there: the files of the destination now.
            now: the time.
        """
        for path, content in gone:
            if path in there and path not in self.covered:
                was_text = path.endswith(DOCUMENT) and content.startswith(TEXT)
                self._rewritten[path] = now, was_text and there[path].startswith(NOISE)
        lately = [lost for at, lost in self._rewritten.values() if now - at < RULES.window]
        if sum(lately) > max(guard.LOST_AT_LEAST, len(lately) * guard.LOST_SHARE):
            raise BrokenPromiseError("texts became noise, and the guard let them pass")


class GuardedSide:
    """One side of a job whose runs are guarded. All runs are within one window."""

    def __init__(self, story: Story) -> None:
        self._story = story
        self._window: dict[str, Harm] = {}
        self._largest = 0
        self._hold: dict[str, str] = {}
        self._approved = False
        self._guard = Guard(RULES, 0)
        self.collected: list[Action] = []
        self.count = GuardJudge()

    @property
    def holds(self) -> bool:
        """Something is held."""
        return bool(self._hold)

    def begin(self, tree: int, *, approved: bool) -> None:
        """A run begins. `approved`: before it, a person approves what is held."""
        self.collected = []
        if approved and self._hold and not self._approved:
            self._approved = True
            self._window.clear()
            self.count.approved()
            self._largest = 0
        if not self._approved:
            self._largest = max(self._largest, tree)
        self.count.begin(tree)
        before, waits = len(self._window), bool(self._hold)
        self._guard = Guard(RULES, max(tree, self._largest), before=before, waits=waits)

    def may(self, action: Action) -> bool:
        """Whether a step may be done before the survey has ended; if not, it is collected."""
        touched = touches([action]) if action.op is Op.PUT else []
        for path, *_ in touched:
            if not self._guard.may_overwrite(known=self._window.get(path)):
                self.collected.append(action)
                return False
            self._window[path] = Harm.OVERWRITTEN
        return True

    def judge(self, later: Sequence[Action], inside: Inside) -> list[Action]:
        """The steps that pass at the end of the survey."""
        decided = [one for one in later if self._approved and self._hold.get(one.path) == step(one)]
        paths = {one.path for one in decided}
        left = [one for one in later if one.path not in paths]
        gone = [touch for touch in touches(decided) if touch.harm is Harm.DELETED]
        self._guard.shrink(len(gone))
        touched = [*touches(left), *(Touch(one, Harm.OVERWRITTEN) for one in inside(left))]
        self._guard.count(touched, self._window)
        self._approved = False
        self.count.covered = paths | set(inside(decided))
        if self._guard.held() is None:
            self._hold = {}
            self._window |= {path: harm for path, harm, _ in touched}
            return list(later)
        self._story.covered["step held"] += 1
        self._hold = {one.path: step(one) for one in left}
        return [one for one in decided if not _deletes_folder(one)]


def _deletes_folder(action: Action) -> bool:
    there = action.expected
    return action.op is Op.DELETE and there is not None and there.kind == FOLDER
