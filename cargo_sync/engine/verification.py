"""Verification: after an unclean stop, what was written lately is checked before it is believed.

It runs before the survey, because the listings from before the stop say what was seen. A damaged
file at the destination goes to the trash and is fetched again; one at the source is held. A two-way
job's file is judged as one at the destination if it came from the server last, else as one at the
source; in either case it is fetched again if the server has it.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple, Protocol

from cargo_sync.engine.commit import Commit, OnEvents
from cargo_sync.engine.context import RunContext
from cargo_sync.machines.suspects import KnownFile, Suspects, Verdict, judge
from cargo_sync.model import paths
from cargo_sync.model.actions import Action, Op, Outcome, Puts
from cargo_sync.model.agreed import Agreed
from cargo_sync.model.displaced import DisplacedVersion, TrashCause
from cargo_sync.model.entries import DAMAGED, FILE, Entry
from cargo_sync.model.events import Event, EventDetails, Happened, groups
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import Code, Problem, ProblemError, damaged, damaged_there
from cargo_sync.state.folders import FolderState
from cargo_sync.state.suspects import Committed, HeldFile
from cargo_sync.trees.contract import NearTree
from cargo_sync.trees.recording import applied

FILES: Final = 10_000
"""Files that are checked together: a large folder's listing is read once for so many."""
FOLDERS: Final = 100
_REPLACED: Final = "damaged by an unclean stop: it is fetched again"


class _Suspect(NamedTuple):
    """A file to check.

    source  it is judged as a file at the source of a job
    there   the server has it, so that it can be fetched again; False if it never can
    """

    known: KnownFile
    source: bool
    there: bool


Found = tuple[_Suspect, Entry]


class _Checked(NamedTuple):
    """What became of suspects: `damaged` ones, and those that cannot be read now."""

    damaged: list[Found]
    unread: list[_Suspect]

    def leave(self, one: _Suspect, problem: Problem) -> None:
        """A file cannot be read. Without descriptors nothing can: then the run must begin anew."""
        if problem.code is Code.NO_DESCRIPTORS:
            raise ProblemError(problem)
        self.unread.append(one)


class Verification:
    """Checks the suspects of one job on its near side."""

    def __init__(self, context: RunContext, near: NearTree, on_events: OnEvents) -> None:
        self._rules = context.rules
        self._memory = context.memory
        self._world = context.world
        self._run = context.report.run
        self._near = near
        self._on_events = on_events
        self._mode = context.rules.mode

    async def __call__(self, suspects: Suspects) -> None:
        """Checks all of them. If it is stopped, the next run begins anew.

        Raises:
            ProblemError: the state cannot be written, the near side is gone, or there are no
                descriptors to look at it.
        """
        async for some in self._suspects(suspects):
            checked = await self._check(some, rebooted=suspects.rebooted)
            lost = [one for one in checked.damaged if one[0].there]
            await self._hold(
                [one for one in checked.damaged if not one[0].there],
                [one for one in checked.unread if one.source],
            )
            await self._fetch_again(lost)
        await self._world.offload(self._memory.suspects.checked)

    # -- which files -------------------------------------------------------------------------------

    async def _suspects(self, suspects: Suspects) -> AsyncIterator[list[_Suspect]]:
        """The suspects with what is known about them, page by page."""
        offload, cursor = self._world.offload, suspects.after
        while rows := await offload(self._memory.suspects.committed, cursor, FILES):
            cursor = rows[-1].cursor
            yield await offload(self._committed, rows, suspects.since_ns)
        after: bytes | None = None
        while self._mode.sends and (
            page := await offload(self._memory.folders.unsettled, after, None, FOLDERS)
        ):
            after = page[-1].key
            yield [
                _Suspect(one, source=True, there=False)
                for state in page
                for one in _seen(state, suspects.since_ns)
            ]

    def _committed(self, rows: Sequence[Committed], since_ns: int) -> list[_Suspect]:
        """What was agreed about these files; of those that did not move, about the newest.

        What a destination could not fetch again, because its source is gone, is left out.
        """
        moved: dict[str, dict[str, Happened]] = {}
        for row in rows:
            moved.setdefault(paths.parent(row.path), {})[paths.name(row.path)] = row.happened
        found, one_way = [], self._mode is not Mode.BIDIRECTIONAL
        for folder, names in moved.items():
            for state in self._memory.folders.parts(folder, names):
                far = {entry.name for entry in state.far or ()}
                for one in state.base or ():
                    if one.kind != FILE or one.name not in names:
                        continue
                    happened = names[one.name]
                    if happened is Happened.ADOPTED and one.near_version < since_ns:
                        continue
                    source = self._is_source(happened)
                    # What both sides of a two-way job agreed on, the server had: if it is gone
                    # there, it goes here.
                    there = one.name in far if self._mode is Mode.DOWNLOAD else not one_way
                    if source or there:
                        known = _agreed(paths.join(folder, one.name), one)
                        found.append(_Suspect(known, source, there))
        return found

    def _is_source(self, happened: Happened) -> bool:
        if self._mode is Mode.BIDIRECTIONAL:
            return happened is not Happened.DOWNLOADED
        return self._mode is Mode.UPLOAD

    # -- what became of them -----------------------------------------------------------------------

    async def _check(self, some: Sequence[_Suspect], *, rebooted: bool) -> _Checked:
        checked = _Checked([], [])
        if not some:
            return checked
        read: list[Found] = []
        found = await self._near.entries([one.known.path for one in some])
        for one, entry in zip(some, found, strict=True):
            if isinstance(entry, Problem):
                checked.leave(one, entry)
                continue
            verdict = judge(one.known, entry, source=one.source, rebooted=rebooted)
            if entry is not None and verdict is Verdict.DAMAGED:
                checked.damaged.append((one, entry))
            elif entry is not None and verdict is Verdict.READ:
                read.append((one, entry))
        read = await self._blank(read, checked)
        hashes = await self._near.hashes([(one.known.path, entry) for one, entry in read])
        for file, content in zip(read, hashes, strict=True):
            if isinstance(content, Problem):
                checked.leave(file[0], content)
            elif content != file[0].known.hash:
                checked.damaged.append(file)
        return checked

    async def _blank(self, files: Sequence[Found], checked: _Checked) -> list[Found]:
        """Without those at the source that are something else than zeros."""
        at_source = [(one.known.path, entry) for one, entry in files if one.source]
        answers = dict(zip(at_source, await self._near.blank(at_source), strict=True))
        left = []
        for file in files:
            answer = answers.get((file[0].known.path, file[1]), True)
            if isinstance(answer, Problem):
                checked.leave(file[0], answer)
            elif answer:
                left.append(file)
        return left

    async def _hold(self, damaged_files: Sequence[Found], unread: Sequence[_Suspect]) -> None:
        """Source files are not sent. Those that no plan will name are reported now.

        What could not be read is checked again when it would be sent.
        """
        files = [one.known for one in (*(one for one, _ in damaged_files), *unread)]
        held = [HeldFile(one.path, one.size, one.mtime_ns) for one in files]
        if held:
            await self._world.offload(self._memory.suspects.hold, held)
        await self._record(
            self._event(Happened.FAILED, one, EventDetails(str(problem), problem.code_text))
            for (one, _, _), entry in damaged_files
            if one.hash
            and (entry.version, entry.size) == (one.version, one.size)
            and (problem := damaged(one.path, self._rules.name))
        )

    async def _fetch_again(self, damaged_files: Sequence[Found]) -> None:
        """Files at the destination go to the trash, and their agreement is forgotten before that.

        So the plan of this run fetches them as new ones, which the guard does not count.
        """
        if not damaged_files:
            return
        gone = [(one.known.path, None) for one, _ in damaged_files]
        await self._world.offload(self._memory.folders.agree, gone)
        deletions = [
            Action(Op.DELETE, one.known.path, expected=entry) for one, entry in damaged_files
        ]
        files = {one.known.path: (one.known, entry) for one, entry in damaged_files}
        await applied(self._near, deletions, self._run, partial(self._record_displaced, files))

    async def _record_displaced(
        self, files: Mapping[str, tuple[KnownFile, Entry]], outcomes: Sequence[Outcome]
    ) -> None:
        done = [(*files[one.action.path], one.displaced) for one in outcomes if one.problem is None]
        events = [
            self._event(Happened.DISPLACED, known, EventDetails(_REPLACED, displaced=place))
            for known, _, place in done
        ]
        displaced = [
            DisplacedVersion.of(entry, known.path, place, TrashCause.DAMAGED)
            for known, entry, place in done
        ]
        await self._record(events, displaced)

    def _event(self, happened: Happened, one: KnownFile, details: EventDetails) -> Event:
        return self._rules.event(happened, self._world.wall(), one.path, one.size, details)

    async def _record(
        self, events: Iterable[Event], displaced: Sequence[DisplacedVersion] = ()
    ) -> None:
        if told := list(events):
            cursor = await self._world.offload(self._store, told, displaced)
            self._on_events(groups(told, cursor))

    def _store(self, events: Sequence[Event], displaced: Sequence[DisplacedVersion]) -> int:
        with self._memory.ledger.together():
            self._memory.ledger.add(displaced)
            return self._memory.folders.agree([], events)


class DamagedFiles(Protocol):
    """The damaged files at the source of a job: they fail, and do not move."""

    async def left_out(self, actions: Sequence[Action]) -> Sequence[Action]:
        """Leaves out steps of damaged files."""


class DamagedThere:
    """Files that an unclean stop of the server has damaged, at the source of a download."""

    def __init__(self, commit: Commit) -> None:
        self._commit = commit

    async def left_out(self, actions: Sequence[Action]) -> Sequence[Action]:
        """Leaves out steps of files that the server calls damaged."""
        if isinstance(actions, Puts) and DAMAGED not in actions.sources.hashes:
            return actions
        failed = [one for one in actions if one.source and one.source.hash == DAMAGED]
        if not failed:
            return actions
        await self._commit([Outcome(one, problem=damaged_there(one.path)) for one in failed])
        return [one for one in actions if not one.source or one.source.hash != DAMAGED]


class DamagedSources:
    """Files that an unclean stop of the daemon has damaged, at the source of an upload."""

    def __init__(self, context: RunContext, near: NearTree, commit: Commit) -> None:
        self._rules = context.rules
        self._suspects = context.memory.suspects
        self._offload = context.world.offload
        self._near = near
        self._commit = commit

    async def left_out(self, actions: Sequence[Action]) -> Sequence[Action]:
        """Leaves out steps of damaged files.

        A file with a new time, or with its size and content again, was restored: it is sent.
        """
        if not await self._offload(self._suspects.holds_any):
            return actions
        held = await self._offload(self._suspects.held, [action.path for action in actions])
        failed = [
            Outcome(action, problem=problem)
            for action in actions
            if action.path in held and (problem := await self._problem(action, held[action.path]))
        ]
        stays = {outcome.action.path for outcome in failed}
        await self._offload(self._suspects.release, list(held.keys() - stays))
        if failed:
            await self._commit(failed)
        return [action for action in actions if action.path not in stays]

    async def _problem(self, action: Action, held: HeldFile) -> Problem | None:
        """Why a file is not sent: it is damaged, or it cannot be read to know that."""
        entry = action.source
        if entry is None or entry.kind != FILE or entry.mtime_ns != held.mtime_ns:
            return None
        blank: bool | Problem = entry.size < held.size
        if not blank:
            [blank] = await self._near.blank([(action.path, entry)])
        if isinstance(blank, Problem):
            return blank
        return damaged(action.path, self._rules.name) if blank else None


def _agreed(path: str, row: Agreed) -> KnownFile:
    return KnownFile(path, row.size, row.mtime_ns, row.near_version, row.near_ident, row.hash)


def _seen(state: FolderState, since_ns: int) -> Iterable[KnownFile]:
    """Files of a source folder that were seen lately and are not delivered as they were seen."""
    base = {row.name: row for row in state.base or ()}
    for entry in state.near or ():
        row = base.get(entry.name)
        if entry.kind == FILE and entry.version >= since_ns and not (row and row.near_is(entry)):
            path = paths.join(state.path, entry.name)
            yield KnownFile(path, entry.size, entry.mtime_ns, entry.version, entry.ident, "")
