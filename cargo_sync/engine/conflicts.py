"""Conflicts of a two-way run: what the job's policy, or a person, says is done about them.

Theory. A row is written first, with what both sides have; then comes one step:

    local, remote  a PUT over the other version, which goes to the trash of its side
    keep_both      the loser gets the name of a conflict copy, where it is. Its old path is free
                   then, so the winner comes by a PUT to a free path, and the copy goes likewise
    nobody says    none

No journal is needed. Killed before the rename, the conflict is seen again. Killed after it, the
path is gone on one side and changed on the other: it comes back; and the copy is a new file. The
loser is the local entry: the server's is what others see already. But a folder keeps its name.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import groupby, islice
from typing import Final, NamedTuple

from cargo_sync.engine.commit import Commit, OnEvents
from cargo_sync.engine.context import RunContext
from cargo_sync.model import paths
from cargo_sync.model.actions import Action, Op, Outcome
from cargo_sync.model.agreed import Agreed
from cargo_sync.model.conflicts import Choice, Conflict, ConflictPolicy, Evidence
from cargo_sync.model.entries import FOLDER, Entry
from cargo_sync.model.events import Event, EventDetails, Happened, groups
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import Code
from cargo_sync.plan.conflict_names import copy_paths, safe_host
from cargo_sync.plan.conflict_policy import choose
from cargo_sync.plan.filters import Filters
from cargo_sync.state.conflicts import ConflictDecision, MadeCopy, Noted, SeenConflict
from cargo_sync.trees.contract import Tree
from cargo_sync.trees.recording import applied

DAY: Final = 86_400.0
NAMES: Final = 100
"""How many names of a copy are tried in one run, if they are taken."""
_WINS: Final = {
    Choice.LOCAL: "both sides changed it; the local version wins",
    Choice.REMOTE: "both sides changed it; the server's version wins",
}
_ASKS: Final = "both sides changed it; a person must decide"


class ConflictSteps(NamedTuple):
    """The steps that resolve conflicts, in each direction. They come before all others."""

    up: Sequence[Action]
    down: Sequence[Action]

    def of(self, direction: Mode) -> Sequence[Action]:
        return self.up if direction is Mode.UPLOAD else self.down


@dataclass(frozen=True, slots=True)
class _Loser:
    """An entry that gets the name of a copy.

    near     it is the local one
    action   the CONFLICT
    copy     the path that it gets
    others   paths that it may get if that is taken
    """

    conflict: Conflict
    near: bool
    action: Action
    copy: str
    others: Iterator[str]

    @property
    def entry(self) -> Entry:
        evidence = self.conflict.evidence
        return evidence.near if self.near else evidence.far

    @property
    def winner(self) -> Entry:
        evidence = self.conflict.evidence
        return evidence.far if self.near else evidence.near


class ConflictResolution:
    """Resolves the conflicts of one run."""

    def __init__(self, context: RunContext, near: Tree, far: Tree, on_events: OnEvents) -> None:
        self._rules = context.rules
        self._memory = context.memory
        self._world = context.world
        self._report = context.report
        self._server = context.server
        self._near = near
        self._far = far
        self._on_events = on_events
        self._commit = Commit(context, Mode.DOWNLOAD, on_events)
        self._host = safe_host(context.world.host)
        self._taken: set[str] = set()
        """Paths that a side has, or a copy will have, in the folders of a call."""
        self._still: set[int] = set()
        """Ids of conflicts that stay as they are."""

    @cached_property
    def _filters(self) -> Filters:
        """Made when it is needed: most runs have no conflict."""
        return Filters(self._rules.include, self._rules.exclude)

    async def __call__(self, actions: Sequence[Action]) -> ConflictSteps:
        """Does what must come first, and returns the steps that follow.

        Args:
            actions: CONFLICT, as the planner gives them.

        Raises:
            ProblemError: a side cannot be reached.
        """
        up: list[Action] = []
        down: list[Action] = []
        losers: list[_Loser] = []
        for action, conflict in zip(actions, await self._note(actions), strict=True):
            near, far = conflict.evidence.near, conflict.evidence.far
            match conflict.choice:
                case None:
                    self._still.add(conflict.id)
                    self._memory.failures.succeeded(action.path)  # nothing is left to try
                case Choice.LOCAL:
                    up.append(_over(action.path, near, far, "the local version wins"))
                case Choice.REMOTE:
                    down.append(_over(action.path, far, near, "the server's version wins"))
                case Choice.KEEP_BOTH:
                    losers.append(self._loser(action, conflict))
        for loser, moved in await self._rename(losers):
            ways = (down, up) if loser.near else (up, down)
            self._follow(*ways, loser, moved)
        return ConflictSteps(up, down)

    async def finish(self) -> None:
        """Closes the conflicts that are none any more; both sides must be surveyed."""
        await self._world.offload(self._close)

    def _close(self) -> None:
        conflicts = self._memory.conflicts
        conflicts.close_others(self._still, self._world.lived())
        conflicts.count()

    # -- what is decided ---------------------------------------------------------------------------

    async def _note(self, actions: Sequence[Action]) -> Sequence[Conflict]:
        """Stores the conflicts, and what will be done about each; in the order of the actions."""
        if not actions:
            return ()
        noted = await self._world.offload(self._noted, actions)
        if noted.events:
            self._on_events(groups(noted.events, noted.cursor))
        return noted.conflicts

    def _noted(self, actions: Sequence[Action]) -> Noted:
        rules, rows = self._rules, self._memory.conflicts
        newest = rules.conflicts is ConflictPolicy.NEWEST
        jumped = newest and rows.clock_jumped(self._world.lived() - DAY)
        self._taken = set()
        seen: list[SeenConflict] = []
        for folder, some in groupby(actions, key=lambda action: paths.parent(action.path)):
            seen += self._seen(folder, list(some))

        def decide(one: SeenConflict) -> ConflictDecision:
            return self._decision(one, clock_jumped=jumped)

        return rows.note(seen, self._report.run, rules.conflicts, decide, self._world.wall())

    def _seen(self, folder: str, actions: Sequence[Action]) -> Iterator[SeenConflict]:
        """The evidence of conflicts in one folder; notes the paths in it."""
        base: dict[str, Agreed] = {}
        for state in self._memory.folders.parts(folder, [paths.name(one.path) for one in actions]):
            base |= {row.name: row for row in state.base or ()}
            for side in state.sides:
                self._taken.update(
                    paths.join(folder, name) for name in (side.names if side else ())
                )
        for action in actions:
            assert action.source is not None and action.expected is not None
            evidence = Evidence(base.get(paths.name(action.path)), action.source, action.expected)
            yield SeenConflict(action.path, evidence)

    def _decision(self, seen: SeenConflict, *, clock_jumped: bool) -> ConflictDecision:
        near, far = seen.evidence.near, seen.evidence.far
        wall = self._world.wall()
        policy, server = self._rules.conflicts, self._server()
        choice = choose(policy, near, far, server, wall=wall, clock_jumped=clock_jumped)
        if choice is Choice.KEEP_BOTH:
            names = copy_paths(seen.path, self._host, wall)
            copy = next(path for path in names if path not in self._taken)
            self._taken.add(copy)
            return ConflictDecision(choice, copy)
        message = _ASKS if choice is None else _WINS[choice]
        return ConflictDecision(choice, event=self._told(seen.path, far, message, choice))

    def _loser(self, action: Action, conflict: Conflict) -> _Loser:
        near, far = conflict.evidence.near, conflict.evidence.far
        loses_near = near.kind != FOLDER or far.kind == FOLDER
        names = self._copy_names(conflict)
        return _Loser(conflict, loses_near, action, next(names), names)

    def _copy_names(self, conflict: Conflict) -> Iterator[str]:
        if conflict.copy:
            yield conflict.copy
        names = copy_paths(conflict.path, self._host, self._world.wall())
        yield from (path for path in islice(names, NAMES) if path not in self._taken)

    # -- both are kept -----------------------------------------------------------------------------

    async def _rename(self, losers: Sequence[_Loser]) -> list[tuple[_Loser, MadeCopy]]:
        """Gives the losers of conflicts the names of copies; what fails is recorded."""
        made: list[tuple[_Loser, MadeCopy]] = []
        for near, tree in ((True, self._near), (False, self._far)):
            pending = [loser for loser in losers if loser.near is near]
            while pending:
                losers_of = {one.copy: one for one in pending}
                moves = [_move(loser) for loser in pending]
                outcomes: list[Outcome] = []
                record = partial(self._record, losers_of, made, outcomes)
                await applied(tree, moves, self._report.run, record)
                failed = [one for one in outcomes if one.problem is not None]
                pending = await self._failed([(losers_of[one.action.path], one) for one in failed])
        return made

    async def _record(
        self,
        losers: Mapping[str, _Loser],
        made: list[tuple[_Loser, MadeCopy]],
        all_outcomes: list[Outcome],
        outcomes: Sequence[Outcome],
    ) -> None:
        """Records what has another name now, and adds it to `made`.

        Args:
            losers: by the names of their copies.
            made: gets what was renamed.
            all_outcomes: gets the outcomes.
            outcomes: of the renames.
        """
        all_outcomes += outcomes
        copies: list[tuple[_Loser, MadeCopy]] = []
        events: list[Event] = []
        for outcome in outcomes:
            copy, entry = outcome.action.path, outcome.result
            if outcome.problem is not None or entry is None:
                continue
            loser = losers[copy]
            path = loser.action.path
            copies.append((loser, MadeCopy(loser.conflict.id, path, copy, entry, loser.near)))
            whose = "the local" if loser.near else "the server's"
            message = f"both sides changed it; {whose} version is now {copy!r}"
            events.append(self._told(path, loser.winner, message, Choice.KEEP_BOTH, copy))
        if copies:
            store, rows = self._memory.conflicts.copied, [copy for _, copy in copies]
            cursor = await self._world.offload(store, rows, events, self._world.lived())
            self._report.acted = self._report.advanced = True
            self._on_events(groups(events, cursor))
        made += copies

    async def _failed(self, failed: Sequence[tuple[_Loser, Outcome]]) -> list[_Loser]:
        """Records what could not be renamed; returns those that get another name."""
        again: list[_Loser] = []
        outcomes: list[Outcome] = []
        for loser, outcome in failed:
            problem = outcome.problem
            taken = problem is not None and problem.code is Code.OCCUPIED
            if taken and (other := next(loser.others, None)) is not None:
                again.append(replace(loser, copy=other))
            else:
                outcomes.append(Outcome(loser.action, problem=problem))
        await self._commit(outcomes)
        return again

    def _follow(
        self, here: list[Action], there: list[Action], loser: _Loser, made: MadeCopy
    ) -> None:
        """Adds the steps after a rename.

        Args:
            here: those towards the side of the loser.
            there: those towards the other side.
            loser: what was renamed.
            made: its copy.
        """
        winner = loser.winner
        op = Op.MKDIR if winner.kind == FOLDER else Op.PUT
        here.append(Action(op, made.path, winner, why="the other side's, after a conflict"))
        if not self._filters.excluded(made.copy, False):
            there.append(Action(Op.PUT, made.copy, made.entry, why="conflict copy"))
        if op is Op.MKDIR:
            self._report.look_again(0.0)  # for what is in it

    def _told(
        self, path: str, entry: Entry, message: str, choice: Choice | None, copy: str = ""
    ) -> Event:
        details = EventDetails(message, choice=choice and choice.value, copy=copy or None)
        return self._rules.event(Happened.CONFLICT, self._world.wall(), path, entry.size, details)


def _over(path: str, source: Entry, there: Entry, why: str) -> Action:
    """Replaces the version that loses; that is told."""
    return Action(Op.PUT, path, source, there, f"conflict: {why}", drifted=True)


def _move(loser: _Loser) -> Action:
    path, entry, why = loser.action.path, loser.entry, "conflict copy"
    return Action(Op.MOVE, loser.copy, expected=entry, why=why, moved_from=path)
