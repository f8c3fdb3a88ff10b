"""The counters of a run and its result: values for the supervisor, the feed and the history."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from cargo_sync.model.actions import Action
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import Code, Problem
from cargo_sync.plan.guard import Held

SHOWN: Final = 100
SOON: Final = 0.05
_NOTICES: Final = frozenset({Code.BAD_TIME, Code.SPECIAL})
"""Problems of names that are told once: nobody need do anything about them."""


@dataclass(slots=True)
class Progress:
    """The counters of one direction of a run. Totals grow during the survey.

    reading  the larger file that is compared now, because perhaps only its time changed
    """

    files_total: int = 0
    bytes_total: int = 0
    files_done: int = 0
    bytes_done: int = 0
    reading: Action | None = None

    def planned(self, files: int, size: int) -> None:
        self.files_total += files
        self.bytes_total += size

    def done(self, files: int, size: int) -> None:
        self.files_done += files
        self.bytes_done += size


class RunProgress:
    """The counters of one run, by direction, and their sums."""

    def __init__(self) -> None:
        self._by_mode = {Mode.UPLOAD: Progress(), Mode.DOWNLOAD: Progress()}

    def of(self, direction: Mode) -> Progress:
        """The counters of UPLOAD or DOWNLOAD."""
        return self._by_mode[direction]

    @property
    def reading(self) -> Action | None:
        """The larger file that is compared now."""
        return next((one.reading for one in self._by_mode.values() if one.reading), None)

    @property
    def files_total(self) -> int:
        return sum(one.files_total for one in self._by_mode.values())

    @property
    def bytes_total(self) -> int:
        return sum(one.bytes_total for one in self._by_mode.values())

    @property
    def files_done(self) -> int:
        return sum(one.files_done for one in self._by_mode.values())

    @property
    def bytes_done(self) -> int:
        return sum(one.bytes_done for one in self._by_mode.values())


@dataclass(slots=True)
class RunReport:
    """The result of one run so far.

    holds       what the guard of each direction holds
    full        why a full disk, or a quota, holds it, or ""
    problems    the first 100 problems of single files; `errors` counts all of them
    downloaded  how many of the files came from the server
    acted       files or folders were changed
    reached     both sides were there when it began
    advanced    the run got somewhere, even if it is cut: it changed something, stored a part of a
                listing, or went on with files further than the run before
    again_in    seconds after which another look is needed because files still changed; None if none
                did
    surveyed    seconds that the survey took
    whole       it was a survey of all folders
    missed      the first 100 problems of folders that could not be read
    left_out    the first 100 problems of names that were left out
    waiting     deletions and replacements that wait until all folders can be read
    notices     the first 100 about files whose copies get another time, or no attributes, and about
                what is no file, no folder and no link
    drifted     delivered files that the destination does not have as they were delivered
    reserved    names that were left out because they are Cargo's own; `first_reserved` is one
    links       symbolic links in what was compared that were left out, because the server has none;
                `first_link` is one
    """

    run: str
    started: float
    ended: float = 0.0
    holds: dict[Mode, Held] = field(default_factory=dict)
    full: str = ""
    problems: list[Problem] = field(default_factory=list)
    errors: int = 0
    files: int = 0
    downloaded: int = 0
    bytes: int = 0
    acted: bool = False
    reached: bool = False
    advanced: bool = False
    again_in: float | None = None
    surveyed: float = 0.0
    whole: bool = False
    missed: list[Problem] = field(default_factory=list)
    left_out: list[Problem] = field(default_factory=list)
    waiting: int = 0
    notices: list[Problem] = field(default_factory=list)
    drifted: int = 0
    reserved: int = 0
    first_reserved: str = ""
    links: int = 0
    first_link: str = ""

    @property
    def held(self) -> str:
        """Why a part of it is held, or "". What the guard holds waits for a person in any case."""
        return "; ".join(map(str, self.holds.values())) or self.full

    @property
    def approvable(self) -> bool:
        """A person may approve what is held."""
        return bool(self.holds)

    @property
    def deletions(self) -> int:
        """Deletions that the guard holds."""
        return sum(held.deletions for held in self.holds.values())

    @property
    def overwrites(self) -> int:
        """Overwrites that the guard holds."""
        return sum(held.overwrites for held in self.holds.values())

    def hold(self, direction: Mode, held: Held) -> None:
        """The guard holds steps of a direction: a person must approve them."""
        self.holds[direction] = held

    def fill(self, problem: Problem) -> None:
        """The destination has no room: its disk is full, or the quota used up."""
        self.full = str(problem)

    def look_again(self, seconds: float) -> None:
        """A file was not ready yet; look again after `seconds`."""
        self.again_in = max(seconds, SOON)

    def leave_out(self, problems: Iterable[Problem]) -> None:
        """Names were left out: each fails alone, unless a person need not do anything about it.

        That is so for Cargo's own names, for sockets and pipes (programs make them), and
        for files with another time than their copies get, which were not left out.
        """
        for problem in problems:
            if problem.code is Code.RESERVED_NAME:
                self.reserved += 1
                self.first_reserved = self.first_reserved or problem.path
            elif problem.code in _NOTICES:
                self.notice(problem)
            else:
                _keep(self.left_out, problem)
                self.failed_alone(problem)

    def leave_out_link(self, path: str) -> None:
        """A symbolic link was left out, because the server has none."""
        self.links += 1
        self.first_link = self.first_link or path

    def notice(self, problem: Problem) -> None:
        """Something is to be said about a file, although nothing failed."""
        _keep(self.notices, problem)

    def miss(self, problem: Problem) -> None:
        """A folder could not be read: nothing is known about what is in and below it."""
        _keep(self.missed, problem)
        self.failed_alone(problem)

    def failed_alone(self, problem: Problem) -> None:
        self.errors += 1
        _keep(self.problems, problem)


def _keep(problems: list[Problem], problem: Problem) -> None:
    if len(problems) < SHOWN:
        problems.append(problem)
