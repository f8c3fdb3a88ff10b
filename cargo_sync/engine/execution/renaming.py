"""Renames at the destination: done in their order, then recorded with their events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from cargo_sync.engine.commit import OnEvents
from cargo_sync.engine.context import RunContext
from cargo_sync.model import paths
from cargo_sync.model.actions import Action, Op, Outcome
from cargo_sync.model.agreed import Agreed
from cargo_sync.model.entries import FOLDER, Entry
from cargo_sync.model.events import Event, EventDetails, Happened, groups
from cargo_sync.model.jobs import Mode
from cargo_sync.plan.moves import Rename
from cargo_sync.state.moved_folders import RenamedEntry, Side, in_turn
from cargo_sync.trees.contract import Tree
from cargo_sync.trees.recording import applied


class Placed(NamedTuple):
    """What is at a path of the destination: as it is agreed on, and as it is there.

    changed  it was changed there too: the rename makes no agreement about that
    """

    agreed: Agreed
    there: Entry
    changed: bool = False


@dataclass(frozen=True, slots=True)
class PlannedRenames:
    """Renames, and what they are about.

    placed   by its path before all renames, each entry that is renamed
    origins  by its new path, where an entry was before
    sources  by its new path, the entry of the source
    """

    renames: Sequence[Rename]
    placed: dict[str, Placed]
    origins: dict[str, str]
    sources: dict[str, Entry]

    def action(self, rename: Rename) -> Action:
        occupant = None if rename.occupant is None else self.placed[rename.occupant].there
        return Action(
            Op.MOVE,
            rename.path,
            self.sources.get(rename.path),
            self.placed[rename.moved].there,
            f"was {rename.source!r}",
            moved_from=rename.source,
            occupant=occupant,
        )


class Renaming:
    """Does renames in one direction."""

    def __init__(
        self, context: RunContext, direction: Mode, destination: Tree, on_events: OnEvents
    ) -> None:
        self._recording = context.recording
        self._rules = context.rules
        self._memory = context.memory
        self._world = context.world
        self._report = context.report
        self._server = context.server
        self._direction = direction
        self._upload = direction is Mode.UPLOAD
        self._side: Side = "far" if self._upload else "near"
        self._destination = destination
        self._on_events = on_events

    async def __call__(self, planned: PlannedRenames) -> int:
        """Does renames, each only if what it renames is still as planned.

        What could not be renamed stays where it was: it is copied and deleted instead.

        Returns:
            How many were done.

        Raises:
            ProblemError: the destination cannot be reached.
        """
        done: list[RenamedEntry] = []
        for some in self._together(planned.renames):
            actions = [planned.action(rename) for rename in some]
            await self._world.offload(self._note_gone, some)
            record = partial(self._record_done, planned, {one.path: one for one in some}, done)
            await applied(self._destination, actions, self._report.run, record)
        return len(done)

    async def _record_done(
        self,
        planned: PlannedRenames,
        renames: Mapping[str, Rename],
        done: list[RenamedEntry],
        outcomes: Sequence[Outcome],
    ) -> None:
        """Records those of some renames that were done, and adds them to `done`."""
        outcomes = [one for one in outcomes if one.problem is None]
        renamed = [self._renamed(planned, renames[one.action.path], one) for one in outcomes]
        if self._upload and self._server().feed and any(map(_has_unseen, outcomes)):
            # What others have deleted in it until then is in our view of it, and its new path
            # has never had it: no listing of changes will name that.
            await self._world.offload(self._memory.jobs.mirror_anew, self._memory.name)
            self._report.look_again(0.0)
        await self._record(renamed)
        self._destination.renamed(outcomes)
        done += renamed

    def _note_gone(self, renames: Sequence[Rename]) -> None:
        """As `Commit.gone`: the source has none of it at its old path any more."""
        left = [one.source for one in renames]
        left += [one.path for one in renames if one.occupant is not None]
        self._memory.folders.note_gone(left, near=self._upload)

    def _together(self, renames: Sequence[Rename]) -> list[list[Rename]]:
        """Renames that can be asked for at once.

        A local file gets another ctime with each, and a server's entry without an ident perhaps
        another version: it can be renamed again when that is known.
        """
        if self._upload and self._server().idents:
            return [list(renames)] if renames else []
        found: list[list[Rename]] = []
        taken: set[str | None] = set()
        for rename in renames:
            if not found or taken & {rename.moved, rename.occupant}:
                found.append([])
                taken = set()
            found[-1].append(rename)
            taken |= {rename.moved, rename.occupant or rename.moved}
        return found

    def _renamed(self, planned: PlannedRenames, rename: Rename, outcome: Outcome) -> RenamedEntry:
        """What is true after a rename; it is kept in `planned` too."""
        assert outcome.result is not None
        source = planned.sources.get(rename.path)
        before = planned.placed[rename.moved]
        now = self._moved(before, outcome.result, source)
        planned.placed[rename.moved] = Placed(now, outcome.result, before.changed)
        if rename.occupant is None or outcome.exchanged is None:
            return RenamedEntry(rename.source, rename.path, now, outcome.result)
        there = outcome.exchanged
        occupant = planned.placed[rename.occupant]
        other = self._moved(occupant, there, None)
        planned.placed[rename.occupant] = Placed(other, there, occupant.changed)
        arrived = planned.origins.get(rename.source) == rename.occupant
        return RenamedEntry(
            rename.source, rename.path, now, outcome.result, (other, there), arrived
        )

    def _moved(self, before: Placed, there: Entry, source: Entry | None) -> Agreed:
        """An agreement about another path.

        A source that is as agreed but for the rename has another version by now.
        """
        moved = before.agreed._replace(name=there.name)
        if not before.changed and self._upload:
            moved = moved._replace(far_version=there.version, far_ident=there.ident)
        elif not before.changed:
            moved = moved._replace(near_version=there.version, near_ident=there.ident)
        if source is None:
            return moved
        if self._upload:
            now = moved._replace(near_version=source.version)
            return now if now.near_is(source) else moved
        # The server's entry keeps its version, but another run may have noted that it was gone.
        now = moved._replace(far_version=source.version)
        same = (now.size, now.mtime_ns, now.mode) == (source.size, source.mtime_ns, source.mode)
        return now if same else moved

    async def _record(self, renamed: Sequence[RenamedEntry]) -> None:
        for some in in_turn(renamed):
            events = [self._event(one.agreed, one.path, one.source) for one in some]
            events += [
                self._event(one.exchanged[0], one.source, one.path)
                for one in some
                if one.exchanged and one.arrived
            ]
            cursor = await self._world.offload(self._follow, some, events)
            self._report.acted = self._report.advanced = True
            self._on_events(groups(events, cursor))

    def _follow(self, some: Sequence[RenamedEntry], events: Sequence[Event]) -> int:
        """Stores renames; returns the cursor of the newest event."""
        with self._recording():
            pass  # what is in a folder is stored in slices: the proof comes before them
        return self._memory.folders.follow(some, self._side, events)

    def _event(self, agreed: Agreed, path: str, source: str) -> Event:
        details = EventDetails(f"was {source!r}", moved_from=source)
        now = self._world.wall()
        return self._rules.event(Happened.MOVED, now, path, agreed.size, details, self._direction)


def _has_unseen(outcome: Outcome) -> bool:
    """Whether the server has moved a folder in which something is newer than its last listing."""
    moved = (outcome.result, outcome.exchanged)
    is_folder = any(one is not None and one.kind == FOLDER for one in moved)
    return outcome.problem is None and is_folder and not outcome.places


def parents(some: Sequence[str]) -> dict[str, set[str]]:
    """The names of these paths, by folder."""
    names: dict[str, set[str]] = {}
    for path in some:
        names.setdefault(paths.parent(path), set()).add(paths.name(path))
    return names
