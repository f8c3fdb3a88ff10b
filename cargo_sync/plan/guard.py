"""The guard: no silent mass deletion or rewrite.

Half of a tree does not change in normal work. It changes when a disk was replaced, a folder was
renamed, or a program encrypts all files. So the guard counts what is *touched* at a destination:
the files that are deleted or overwritten there. It counts over a sliding window (a day) and not for
each run: a slow `rm -r` is many small runs. A path counts once in a window, however often it is
written. The count is compared with the largest tree of the window, because a tree that is being
deleted gets smaller.

In a run, only few overwrites are done at once. All others are collected until the survey ends, as
deletions are, and then all of them pass or all are held. What is held waits for a person, and
everything else goes on. What a person approves is not counted, and then the count begins anew, with
the tree as it is afterwards: more than was approved is judged by itself. A deleted file whose
content was brought to another path lately is not counted either: it was moved (`moved_content`).

Half of a large tree is much. So the guard also holds far fewer overwrites if too many of them look
like the work of a program that encrypts: the files do not begin as files of their type do
(`file_types`).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from cargo_sync.model.actions import Action, Op
from cargo_sync.model.entries import DAMAGED, FOLDER
from cargo_sync.model.jobs import DAY, GuardRules

AT_ONCE: Final = 10
"""Overwrites that a run does before its survey has ended."""
SHOWN: Final = 5
"""The paths that a held job names."""
LOST_AT_LEAST: Final = 20
LOST_SHARE: Final = 0.2
"""More overwrites than this, and more than this part of all of them, may not lose their type."""


class Harm(StrEnum):
    """What happens to a file of the destination."""

    DELETED = "deleted"
    OVERWRITTEN = "overwritten"
    LOST_TYPE = "lost_type"
    """Overwritten by what does not begin as files of its type do."""
    MOVED = "moved"
    """Deleted after its content was brought to another path: this is not counted."""


NO_HARMS: Final[Mapping[str, Harm]] = MappingProxyType({})
_HARMS: Final = {Op.DELETE: Harm.DELETED, Op.PUT: Harm.OVERWRITTEN, Op.MKDIR: Harm.OVERWRITTEN}


class Touch(NamedTuple):
    """A file of the destination that is deleted or overwritten; `hash` of what is deleted."""

    path: str
    harm: Harm
    hash: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """Why steps are held: what a person needs to decide.

    deletions, overwrites  what waits for the person
    tree                   files that the job looks after, at most, in the window
    before                 files that were touched in the window, and passed
    window                 its length in seconds
    first                  the first paths that wait
    id                     names exactly these steps
    where                  the side, of a job that writes to both: "on the server"
    lost                   files that lost their type in the window, if this holds the steps: then
                           `first` names some of them
    rewritten              all overwrites of the window
    """

    deletions: int
    overwrites: int
    tree: int
    before: int = 0
    window: float = DAY
    first: Sequence[str] = ()
    id: str = ""
    where: str = ""
    lost: int = 0
    rewritten: int = 0

    def __str__(self) -> str:
        where = f" {self.where}" if self.where else ""
        if self.lost:
            return (
                f"{self.lost:,} of {self.rewritten:,} changed files no longer begin as files of "
                f"their type do{self._named(self.lost)}: is a program encrypting them? The job "
                f"would overwrite {self.overwrites:,} and delete {self.deletions:,} files{where}: "
                f"{_DECIDE}"
            )
        before = f", after {self.before:,} in the last {span(self.window)}" if self.before else ""
        named = self._named(self.deletions + self.overwrites)
        return (
            f"the job would delete {self.deletions:,} and overwrite {self.overwrites:,} "
            f"of {self.tree:,} files{where}{before}{named}: {_DECIDE}"
        )

    @property
    def brief(self) -> str:
        """The same in few words, for a list of jobs."""
        where = f" {self.where}" if self.where else ""
        if self.lost:
            return f"{self.lost:,} of {self.rewritten:,} changed files look encrypted"
        counted = f"would delete {self.deletions:,} and overwrite {self.overwrites:,}"
        return f"{counted} of {self.tree:,} files{where}"

    def _named(self, count: int) -> str:
        if not self.first:
            return ""
        more = count - len(self.first)
        names = ", ".join(map(repr, self.first))
        return f" ({names} and {more:,} more)" if more > 0 else f" ({names})"


_DECIDE: Final = (
    "look at `job plan`, then `job approve` to let exactly these pass, or `job reject` to keep "
    "what is there"
)


class Guard:
    """Counts what one run would delete and overwrite at one side.

    rules     None: everything passes
    tree      files in base, at most, in the window
    before    touched paths that the window has
    rewritten, lost  those of them that were overwritten, and those that lost their type by that
    waits     steps of an earlier run are held: nothing is overwritten at once
    deletions, overwrites  what the run would still do
    """

    def __init__(
        self,
        rules: GuardRules | None,
        tree: int,
        *,
        before: int = 0,
        rewritten: int = 0,
        lost: int = 0,
        waits: bool = False,
    ) -> None:
        self._rules = rules
        self._tree = tree
        self._before = before
        self._at_once = 0 if waits else AT_ONCE
        self._new = 0
        self._rewritten = rewritten
        self._lost = lost
        self._first: list[str] = []
        self._first_lost: list[str] = []
        self.deletions = 0
        self.overwrites = 0

    @property
    def counts(self) -> bool:
        """Something may be held."""
        return self._rules is not None

    def may_overwrite(self, harm: Harm = Harm.OVERWRITTEN, known: Harm | None = None) -> bool:
        """Whether a file may be overwritten before the survey has ended, and counts it.

        Args:
            harm: how it is overwritten.
            known: what the window has of its path: it costs no more.
        """
        if self._rules is None:
            return True
        more = int(known is None)
        rewritten, lost = _rewrites(harm, known)
        if self._at_once < 1 or not self._passes(more):
            return False
        if lost > 0 and not self._keeps_types(rewritten, lost):
            return False
        self._at_once -= more
        self._before += more
        self._rewritten += rewritten
        self._lost += lost
        return True

    def count(self, touched: Iterable[Touch], known: Mapping[str, Harm] = NO_HARMS) -> None:
        """Counts what collected steps would do.

        Args:
            touched: each path once.
            known: what the window has of these paths.
        """
        for path, harm, _ in touched:
            if harm is Harm.MOVED:
                continue
            if harm is Harm.DELETED:
                self.deletions += 1
            else:
                self.overwrites += 1
            self._new += path not in known
            rewritten, lost = _rewrites(harm, known.get(path))
            self._rewritten += rewritten
            self._lost += lost
            if len(self._first) < SHOWN:
                self._first.append(path)
            if harm is Harm.LOST_TYPE and len(self._first_lost) < SHOWN:
                self._first_lost.append(path)

    def shrink(self, files: int) -> None:
        """A person has approved that so many files are deleted: the tree is smaller then."""
        self._tree -= files

    def held(self) -> Held | None:
        """What holds the collected steps, or None if they pass."""
        if self._rules is None or not self.deletions + self.overwrites:
            return None
        types = not self._first_lost or self._keeps_types()
        if types and self._passes(0):
            return None
        held = Held(
            self.deletions,
            self.overwrites,
            self._tree,
            self._before,
            self._rules.window,
            tuple(self._first),
        )
        if types:
            return held
        first = tuple(self._first_lost)
        return replace(held, first=first, lost=self._lost, rewritten=self._rewritten)

    def _passes(self, more: int) -> bool:
        if self._rules is None:
            return True
        touched = self._before + self._new + more
        return touched <= max(self._rules.at_least, self._tree * self._rules.share)

    def _keeps_types(self, rewritten: int = 0, lost: int = 0) -> bool:
        """Whether few files have lost their type, with so many more."""
        most = max(LOST_AT_LEAST, (self._rewritten + rewritten) * LOST_SHARE)
        return self._lost + lost <= most


def _rewrites(harm: Harm, known: Harm | None) -> tuple[int, int]:
    """How many more files are overwritten, and have lost their type, by a touch.

    What the window had of its path does not count any more.
    """
    rewritten = (harm is not Harm.DELETED) - (known not in (None, Harm.DELETED))
    return rewritten, (harm is Harm.LOST_TYPE) - (known is Harm.LOST_TYPE)


def touches(actions: Iterable[Action], lost: Collection[str] = ()) -> list[Touch]:
    """What these steps delete and overwrite; `lost` are the paths that lose their type by that.

    Deleted folders do not count, because the size of the tree is its number of files; nor does what
    is damaged, and what changes a file's time or mode alone.
    """
    found = []
    for op, path, _, there, _, _, content, *_ in actions:
        if there is None or there.hash == DAMAGED or op not in _HARMS:
            continue
        if op is Op.PUT or there.kind != FOLDER:
            harm = Harm.LOST_TYPE if path in lost else _HARMS[op]
            found.append(Touch(path, harm, content if op is Op.DELETE else ""))
    return found


def taken_back(overwrites: Iterable[Action]) -> list[Action]:
    """The steps of the other direction that bring back what these would overwrite.

    The rejected version goes to the trash of its side. Only files that would replace files are
    taken back, because in the place of a folder there may be more than a person has seen.
    """
    return [
        Action(Op.PUT, path, there, source, "its change was rejected by a person", drifted=True)
        for op, path, source, there, *_ in overwrites
        if op is Op.PUT and source and there and FOLDER not in (source.kind, there.kind)
    ]


def span(seconds: float) -> str:
    """A window in words: "day", "7 days", "90 min"."""
    for length, one, many in ((DAY, "day", "days"), (3_600, "hour", "hours")):
        if seconds >= length and seconds % length == 0:
            return one if seconds == length else f"{seconds / length:g} {many}"
    return f"{seconds / 60:g} min"
