"""External changes: files that other programs write are recorded once they are complete.

A watcher's hint says where to look, down to the names. Changes without a hint (after an overflow,
on a network file system) are found by a full scan, at the start and at intervals: long ones where
each change is hinted, short ones elsewhere. A new or changed file is recorded when two looks,
`settle` seconds of our own clock apart, saw the same: no other clock is used. Only a scan, which
may find millions of files, trusts a file's times if they are more than a minute old.

What could not be looked at is not left until the next full scan: a folder that could not be read is
scanned again soon, with all below it, and so is everything after a failure of the whole. The waits
grow while it fails.
"""

import asyncio
import logging
import math
from collections.abc import Callable, Iterable
from functools import partial
from typing import Final, NamedTuple

from cargo_sync.local.inotify import Inotify
from cargo_sync.local.watch import Watch
from cargo_sync.local.watched import ChangedFolders, ChangedNames
from cargo_sync.machines.retry import Failures, delay
from cargo_sync.machines.settling import Settling
from cargo_sync.machines.trash_limits import TrashLimits
from cargo_sync.model.entries import Entry
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.world import World
from cargo_sync.server.workspace.folder.comparison import Compared, Still
from cargo_sync.server.workspace.folder.workspace import FolderWorkspace
from cargo_sync.server.workspace.refusals import is_elsewhere

AGED: Final = 60.0
"""Seconds since a file's last change after which a scan takes it as complete."""
SOON: Final = 0.05
"""Seconds from a hint to the look: hints come in groups."""
SLICE: Final = 0.05
"""Seconds of scanning at a time; in between, others can use the workspace."""
NAMES: Final = 20_000
"""Names in a folder that are looked at one by one; if there are more, all of it is."""
AWAY: Final = 5.0
"""Seconds until a folder that is not there is tried again, unless a scan comes first."""
TIDY: Final = 3_600.0
TIDY_LIMITED: Final = 60.0
"""Seconds between two upkeeps of the trash; the second, if its size is limited."""

_log = logging.getLogger(__name__)


class _Due(NamedTuple):
    """A look at a folder, or at some names in it, and when it is due."""

    at: float
    names: ChangedNames


class ExternalChanges:
    """The external changes of one workspace. `run` never ends; `scan` and `look` are steps."""

    def __init__(
        self,
        workspace: FolderWorkspace,
        world: World,
        settle: float,
        interval: float,
        full_interval: float,
        trash: TrashLimits,
        inotify: Inotify | None,
    ) -> None:
        self._workspace = workspace
        self._world = world
        self._settle = settle
        self._interval = interval
        self._full_interval = full_interval
        self._trash = trash
        self._settling = Settling(settle)
        self._woken = asyncio.Event()
        self._sleeps_until = -math.inf
        """Until when `run` waits; in the past while it works."""
        self._due: dict[str, _Due] = {}
        self._rest: dict[str, float] = {}
        self._scan_at = self._tidy_at = self._attach_at = world.steady()
        self._watch: Watch | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._logged: Problem | None = None
        self._unoffered = workspace.names
        self._failures = Failures()
        """The folders that could not be read."""
        self._tries = 0
        self._lost = False
        """Hints were lost since the last scan began."""
        self._native = inotify

    async def run(self) -> None:
        """Looks where and when it is due, for ever. A failure is logged once, and tried again."""
        self._workspace.watched_by(self)
        try:
            while True:
                await self._step()
                self._woken.clear()
                self._sleeps_until = self._next()
                try:
                    left = max(0.0, self._sleeps_until - self._world.steady())
                    async with asyncio.timeout(left):
                        await self._woken.wait()
                except TimeoutError:
                    pass
                self._sleeps_until = -math.inf
        finally:
            self._workspace.watched_by(None)
            watch, self._watch = self._watch, None
            if watch is not None:
                watch.stop()

    def hint(self, folders: ChangedFolders) -> None:
        """Something changed in these folders, or somewhere (None). For the loop's thread."""
        now, first = self._world.steady(), math.inf
        if folders is None:
            self._lost = True
            first = self._scan_at = min(self._scan_at, max(now, self._rest.get("", now)))
        for folder, names in (folders or {}).items():
            if names is not None and not names:
                if self._workspace.has_made(folder):
                    continue
                names = None
            at = max(now + SOON, self._rest.get(folder, 0.0))
            first = min(first, at)
            self._due_at(folder, at, names)
        if first < self._sleeps_until:
            self._woken.set()

    def attach_soon(self) -> None:
        """The folder may be another server's now. For the loop's thread."""
        self._attach_at = self._world.steady()
        self._woken.set()

    def comes(self, folder: str, place: str) -> None:
        """A folder with recorded files is about to be there. Any thread may call it.

        It is watched before it is there. So what was hinted of the empty folder in its place means
        nothing any more, and each later change is hinted.
        """
        watch = self._watch
        if watch is not None and watch.take_over(folder, place):
            self._call_soon(self._due.pop, folder, None)

    def look_at(self, folder: str) -> None:
        """A folder did not come, or was not recorded. Any thread may call it."""
        below = set() if (watch := self._watch) is None else watch.not_taken(folder)
        self._call_soon(self.hint, dict.fromkeys({folder, *below}))

    async def scan(self) -> None:
        """Looks at all folders.

        Raises:
            ProblemError: nothing could be read.
        """
        await self._attach()
        pending = [""]
        self._due.clear()
        self._unoffered.begin_scan()
        while pending:
            await self._world.offload(self._slice, pending)
        self._unoffered.end_scan()
        await self._world.offload(self._workspace.verify)

    async def look(self) -> None:
        """Looks at the folders that are due, and again below those that could not be read.

        Raises:
            ProblemError: the whole folder is not there.
        """
        now = self._world.steady()
        again = self._failures.overdue(now)
        while again:
            await self._world.offload(self._slice, again)
        due = [(folder, one.names) for folder, one in self._due.items() if one.at <= now]
        for folder, _ in due:
            del self._due[folder]
        while due:
            await self._world.offload(self._look_at, due)
        self._rest = {folder: at for folder, at in self._rest.items() if at > self._world.steady()}

    # -- internals ---------------------------------------------------------------------------------

    async def _step(self) -> None:
        try:
            if self._world.steady() >= self._attach_at and await self._attach():
                self._scan_at = self._world.steady()
            if self._world.steady() >= self._scan_at:
                await self._scan_all()
                self._log_once(None)
            if not self._workspace.attached:
                return  # why was logged by the scan, which is tried again
            await self.look()
        except ProblemError as error:
            self._log_once(error.problem)
            self._scan_soon()
        else:
            await self._tidy()

    async def _attach(self) -> bool:
        """Opens the folder if it must be; returns whether it is watched anew. Raises ProblemError.

        A folder that is mounted anew, so that it can be written to, is not hinted.
        """
        opened = await self._world.offload(self._workspace.attach)
        self._attach_at = self._world.steady() + self._interval
        self._workspace.age()
        if not opened and self._watch is not None:
            return False
        await self._watch_anew()
        return True

    async def _scan_all(self) -> None:
        """Scans, and says when to scan again.

        If hints were lost meanwhile, that is soon, but others have as much time as the scan took.
        """
        began, self._lost = self._world.steady(), False
        await self.scan()
        ended = self._world.steady()
        interval = self._full_interval if self._watches_all else self._interval
        rest = ended - began if self._lost else interval
        self._scan_at, self._tries = ended + min(rest, interval), 0

    @property
    def _watches_all(self) -> bool:
        """Whether each change is hinted."""
        return self._watch is not None and self._watch.complete

    def _scan_soon(self) -> None:
        """After a failure of the whole, everything is scanned again."""
        self._tries += 1
        wait = delay(self._tries, self._world.chance()) if self._workspace.attached else AWAY
        now = self._world.steady()
        again = now + min(wait, self._interval)
        self._scan_at = min(self._scan_at, again) if self._scan_at > now else again

    async def _tidy(self) -> None:
        if self._world.steady() < self._tidy_at:
            return
        limited = self._trash.most is not None
        self._tidy_at = self._world.steady() + (TIDY_LIMITED if limited else TIDY)
        try:
            await self._world.offload(self._workspace.tidy, self._trash)
        except ProblemError as error:
            self._log_once(error.problem)

    def _next(self) -> float:
        if not self._workspace.attached:
            return self._scan_at
        again = self._failures.next_at()
        times = [self._scan_at, self._attach_at, self._tidy_at]
        times += [one.at for one in self._due.values()]
        return min(times if again is None else [*times, again])

    def _slice(self, pending: list[str]) -> None:
        """A part of a scan, in a thread; `pending` are the remaining folders."""
        end = self._world.steady() + SLICE
        still = partial(self._still, self._world.wall() - AGED)
        while pending:
            pending += reversed(self._compare(pending.pop(), still).below)
            if self._world.steady() >= end:
                break
        self._workspace.finish()

    def _look_at(self, due: list[tuple[str, ChangedNames]]) -> None:
        """Looks at some hinted folders and new folders below them, in a thread."""
        end = self._world.steady() + SLICE
        still = partial(self._still, 0.0)
        while due:
            begun = self._world.steady()
            folder, names = due.pop()
            found = self._compare(folder, still, names)
            due += [(fresh, None) for fresh in found.fresh]
            ended = self._world.steady()
            # A large folder takes long: let others come first. Our own files, which come by
            # thousands, are settled and take little.
            patience = self._settle if names is None or found.unsettled else 0.0
            self._rest[folder] = ended + max(SOON, patience, 4 * (ended - begun))
            if ended >= end:
                break
        self._workspace.finish()

    def _compare(self, folder: str, still: Still, names: ChangedNames = None) -> Compared:
        """Records what changed in one folder, or to some names in it.

        A folder that cannot be read changes nothing.

        Raises:
            ProblemError: the whole folder is not there.
        """
        try:
            found = self._workspace.compare(folder, still, names)
        except ProblemError as error:
            if (
                error.problem.code in (Code.ROOT_GONE, Code.DISK_FULL, Code.STATE_DAMAGED)
                or not folder
            ):
                raise
            if error.problem.code in (Code.VANISHED, Code.NOT_A_FOLDER):
                self._failures.succeeded(folder)
            else:
                self._say([error.problem])
                now, chance = self._world.steady(), self._world.chance()
                self._failures.failed(folder, error.problem, now, chance)
            return Compared([], [], False)
        self._failures.succeeded(folder)
        self._say(found.problems)
        if found.unsettled:
            self._due_at(folder, self._world.steady() + max(SOON, self._settle), names)
        if found.late:
            self._due_at(folder, self._world.steady() + SOON, found.late)
        return found

    def _still(self, wall: float, path: str, entry: Entry) -> bool:
        """Whether a file is complete. Its times count before `wall`; 0 for only what was seen."""
        still = self._settling.is_still(path, entry, wall, self._world.steady())
        if still:
            self._settling.forget(path)  # it is recorded now, and others need the room
        return still

    def _due_at(self, folder: str, at: float, names: ChangedNames) -> None:
        if (known := self._due.get(folder)) is not None:
            at = min(at, known.at)
            names = None if names is None or known.names is None else names | known.names
        if names is not None and len(names) > NAMES:
            names = None
        self._due[folder] = _Due(at, names)

    async def _watch_anew(self) -> None:
        """Watches the folder that was opened. If it cannot be watched, only scans find changes."""
        if self._watch is not None:
            await self._world.offload(self._watch.stop)
        self._loop = asyncio.get_running_loop()
        on_hint = partial(self._call_soon, self.hint)
        self._watch = Watch(self._workspace.path, on_hint, self._native)
        if problem := await self._world.offload(self._watch.start):
            _log.warning("%s", problem)

    def _call_soon(self, call: Callable[..., object], *arguments: object) -> None:
        """Calls something in the loop's thread, from another one."""
        if self._loop is not None:
            try:
                self._loop.call_soon_threadsafe(call, *arguments)
            except RuntimeError:
                return  # the loop has ended: nobody needs it

    def _say(self, problems: Iterable[Problem]) -> None:
        for line in self._unoffered.news(problems):
            _log.warning("%s: %s", self._workspace.path, line)

    def _log_once(self, problem: Problem | None) -> None:
        """Logs a problem once, not at every try."""
        if problem is not None and problem != self._logged:
            level = logging.INFO if is_elsewhere(problem) else logging.ERROR
            _log.log(level, "%s: %s", self._workspace.path, problem)
        self._logged = problem
