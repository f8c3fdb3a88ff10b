"""Deferred steps: what waits for the end of the survey, on disk, and what the guard says of it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Final

from blake3 import blake3

from cargo_sync.engine.context import RunContext
from cargo_sync.engine.planners.moves_by_content import MovesByContent
from cargo_sync.engine.planners.rejections import forget_old
from cargo_sync.model.actions import Action, Op
from cargo_sync.model.entries import FILE, FOLDER
from cargo_sync.model.jobs import GuardRules, Mode
from cargo_sync.model.world import Offload
from cargo_sync.plan.file_types import BEGINNING, Beginning, is_judged, judge
from cargo_sync.plan.guard import Guard, Harm, Held, Touch, taken_back, touches
from cargo_sync.plan.moved_content import MovedContent
from cargo_sync.state.holds import INSIDE, Hold, Ruling, step
from cargo_sync.state.planned import Planned
from cargo_sync.trees.contract import NearTree

DROPPED: Final = 2_000
"""Actions that are deleted at a time: others write to the state in between."""
PAGE: Final = 1000
_SIDES: Final = {Mode.UPLOAD: "on the server", Mode.DOWNLOAD: "in the local folder"}
"""Where each direction writes, in words."""

Inside = Callable[[Sequence[Action], bool], Iterator[Sequence[str]]]
"""Gives the files in the folders that steps would replace, folder by folder: those without a
deletion of their own, or all of them."""


class Deferred:
    """The steps of one run, in one direction, that wait for the end of the survey.

    They grow with the changes, not with the tree, so they are on disk. The guard counts them: all
    of them pass, or all are held. Steps about which a person has decided are not counted.

    count    how many there are
    waiting  how many of them wait until all folders can be read
    judged   the guard was asked: no more steps may be added
    still_true  leaves out those that renames have made wrong since; it runs in a thread
    """

    def __init__(self, context: RunContext, direction: Mode, near: NearTree) -> None:
        self.count = self.waiting = 0
        self.judged = False
        self.still_true: Callable[[Sequence[Action]], list[Action]] = list
        self._rules = context.rules.guard
        two_way = context.rules.mode is Mode.BIDIRECTIONAL
        self._where = _SIDES[direction] if two_way else ""
        self._memory = context.memory
        self._world = context.world
        self._report = context.report
        self._job = context.rules.name
        self._near = near
        self._direction = direction
        self._side = side = "far" if direction is Mode.UPLOAD else "near"
        self._key = f"{context.report.run} {side}"
        self._guard = Guard(None, 0)
        self._tree = 0
        self._moves = MovesByContent(context, direction)
        self._moved = MovedContent()
        self._inside: Inside = _nothing_inside
        self._hold: Hold | None = None
        self._held: Held | None = None
        self._takes_back = context.rules.mode is Mode.BIDIRECTIONAL
        self._rejections = self._gaps = self._some_lost = False
        self._adding = asyncio.Lock()
        """The planner of both directions adds steps, and so does the execution of this one."""

    # -- while the survey runs ---------------------------------------------------------------------

    async def begin(self) -> Guard:
        """Asks what the window has. Returns the guard of this run."""
        tree, _ = await self._world.offload(self._memory.folders.counts)
        await self._world.offload(self._begin, tree)
        return self._guard

    def _begin(self, tree: int) -> None:
        window, rules, side = self._memory.window, self._rules, self._side
        if rules is None:
            self._memory.holds.close(side)
            self._guard = Guard(None, tree)
            return
        self._tree = tree
        self._moves.begin()
        self._hold = self._memory.holds.get(side)
        self._guard = self._new_guard(rules)
        if self._ruling is not Ruling.APPROVED:  # that one makes the tree smaller
            window.grow(side, self._world.lived(), tree)
        self._rejections = self._memory.holds.rejections() > 0

    def _new_guard(self, rules: GuardRules) -> Guard:
        """A guard that knows what the window has now."""
        before = self._memory.window.sums(self._side, rules.window, self._world.lived())
        return Guard(
            rules,
            max(self._tree, before.tree),
            before=before.touched,
            rewritten=before.rewritten,
            lost=before.lost,
            waits=self._hold is not None,
        )

    async def add(self, actions: Sequence[Action]) -> None:
        """Keeps steps."""
        planned, offload = self._memory.planned, self._world.offload
        async with self._adding:
            if not self.count:
                await offload(planned.begin, self._key, self._job, self._world.lived())
            self.count += len(actions)
            await offload(planned.add, self._key, actions, self._direction)

    async def at_once(self, puts: list[Action]) -> list[Action]:
        """The PUTs that need not wait: what displaces nothing, and few overwrites.

        What a person has rejected is left out; in a two-way job it is taken back.
        """
        touched = touches(puts)
        if not touched or not self._guard.counts:
            return puts
        overwrites = {touch.path for touch in touched}
        may = await self._world.offload(self._may_overwrite, puts, await self._lost(puts))
        rejected = may["rejected"]
        if self._takes_back:
            rejected = rejected - {one.path for one in taken_back(puts)}
        later = [one for one in puts if one.path in overwrites - may["now"] - rejected]
        if later:
            await self.add(later)
        return [one for one in puts if one.path not in overwrites or one.path in may["now"]]

    def _may_overwrite(self, puts: Sequence[Action], lost: Collection[str]) -> dict[str, set[str]]:
        """The paths of those that may be overwritten now, and of those that are rejected."""
        window, side = self._memory.window, self._side
        touched, rejected = touches(puts, lost), self._rejected(puts)
        known = window.known(side, [touch.path for touch in touched])
        now = [
            touch
            for touch in touched
            if touch.path not in rejected
            and self._guard.may_overwrite(touch.harm, known.get(touch.path))
        ]
        if now:
            window.add(side, now, self._world.lived(), self._report.run)
        return {"now": {touch.path for touch in now}, "rejected": rejected}

    # -- when it has ended -------------------------------------------------------------------------

    async def judge(self, inside: Inside, *, gaps: bool) -> None:
        """Asks the guard about all steps.

        Args:
            inside: see Inside.
            gaps: not everything could be read: only overwrites may be done.
        """
        self._gaps, self._inside, self.judged = gaps, inside, True
        digest = blake3(self._side.encode())
        began = self._world.steady()
        async for actions in self.pages():
            lost = await self._lost(actions)
            self._some_lost |= bool(lost)
            await self._world.offload(self._count, actions, digest, lost)
        if (held := self._guard.held()) is not None and not held.lost:
            held = await self._held_without_moves()
        self._report.surveyed += self._world.steady() - began
        if held is None and gaps and self._hold is not None and self._ruling is None:
            held = self._hold.held  # what is missing in this count may be what could not be read
        if held is not None:
            id = held.id or digest.hexdigest()[:8]
            self._held = replace(held, id=id, where=self._where)
            self._report.hold(self._direction, self._held)

    async def _held_without_moves(self) -> Held | None:
        """What the guard holds if moves do not count; it counts all steps once more."""
        assert self._rules is not None
        self._moved = await self._moves.among(self.pages())
        self._guard = await self._world.offload(self._new_guard, self._rules)
        async for actions in self.pages():
            lost = await self._lost(actions) if self._some_lost else set[str]()
            await self._world.offload(self._count, actions, None, lost)
        self._moved.take_again()
        return self._guard.held()

    async def weigh(self, actions: Sequence[Action]) -> None:
        """Counts the steps of a preview."""
        lost = await self._lost(actions)
        await self._world.offload(self._count, actions, None, lost)

    async def weigh_inside(self, actions: Sequence[Action], inside: Inside) -> None:
        """Counts what is in the folders that steps of a preview would replace."""
        self._inside = inside
        await self._world.offload(self._count_inside, actions)

    @property
    def held(self) -> bool:
        """The guard holds the steps that were counted."""
        return self._guard.held() is not None

    async def _lost(self, actions: Sequence[Action]) -> set[str]:
        """The paths of overwrites whose new content does not begin as files of their type do.

        Only sources on this machine are looked at: the other machine looks at its own.
        """
        if self._direction is Mode.DOWNLOAD or not self._guard.counts:
            return set()
        sources = {
            one.path: one.source
            for one in actions
            if one.source is not None
            and one.source.kind == FILE
            and _replaces_file(one)
            and is_judged(one.path, one.source.size)
        }
        if not sources:
            return set()
        read = await self._near.beginnings(list(sources.items()), BEGINNING)
        return {
            path
            for path, content in zip(sources, read, strict=True)
            if isinstance(content, bytes) and judge(path, content) is Beginning.LOST
        }

    def _count(
        self, actions: Sequence[Action], digest: blake3 | None, lost: Collection[str]
    ) -> None:
        """Counts steps; `digest`: for the first time, they become part of the hold's id."""
        decided, left = self._parted(actions)
        if self._ruling is Ruling.APPROVED:
            deleted = [touch for touch in touches(decided) if touch.harm is Harm.DELETED]
            self._guard.shrink(len(deleted))
        for touched, known in self._touched(left, lost):
            self._guard.count(touched, known)
        if digest is not None:
            self.waiting += sum(not self._is_due(one) for one in actions)
            digest.update("\0".join(f"{one.path}\0{step(one)}" for one in left).encode())

    def _count_inside(self, actions: Sequence[Action]) -> None:
        for some in self._inside(actions, False):
            self._guard.count([Touch(path, Harm.OVERWRITTEN) for path in some])

    def _touched(
        self, actions: Sequence[Action], lost: Collection[str]
    ) -> Iterator[tuple[Sequence[Touch], Mapping[str, Harm]]]:
        """What steps touch, also in folders that they replace; and what the window has of that.

        Deletions that are rejected now are not counted; so a step must not do them that replaces
        the folder above, and that the person has not seen like this.
        """
        inside = self._inside(actions, self._ruling is Ruling.REJECTED)
        replaced = ([Touch(path, Harm.OVERWRITTEN) for path in some] for some in inside)
        for touched in chain([touches(actions, lost)], replaced):
            known = self._memory.window.known(self._side, [touch.path for touch in touched])
            yield [self._as_moved(one) if one.path not in known else one for one in touched], known

    def _as_moved(self, touch: Touch) -> Touch:
        """A deletion that is a move; what was overwritten or deleted before counts in any case."""
        if touch.harm is Harm.DELETED and self._moved.take(touch.hash):
            return touch._replace(harm=Harm.MOVED)
        return touch

    async def passing(self, *, backwards: bool = False) -> AsyncIterator[list[Action]]:
        """The steps that pass, page by page: each is noted in the window before it is done.

        Args:
            backwards: only deletions; what is below a folder comes before the folder itself.
                Otherwise all others.
        """
        async for actions in self.pages(backwards=backwards):
            turn = [one for one in actions if (one.op is Op.DELETE) is backwards]
            lost = await self._lost(turn) if self._some_lost else set[str]()
            yield await self._world.offload(self._pass, turn, lost)

    def _pass(self, actions: Sequence[Action], lost: Collection[str]) -> list[Action]:
        decided, left = self._parted(actions)
        passing = decided if self._ruling is Ruling.APPROVED else []
        if self._held is None:
            now = self._world.lived()
            for touched, _ in self._touched(left, lost) if self._rules else ():
                self._memory.window.add(self._side, touched, now, self._report.run)
            return [*passing, *left]
        # A folder waits for all that is below it.
        return [one for one in passing if one.op is not Op.DELETE or not _is_folder(one)]

    async def rejected(self) -> AsyncIterator[list[Action]]:
        """The steps that a person has rejected now, page by page.

        Overwrites among them are put off. In a two-way job they come until they are taken back.
        """
        if self._ruling is Ruling.REJECTED or (self._takes_back and self._rejections):
            async for actions in self.pages():
                yield await self._world.offload(self._reject, actions)

    def _reject(self, actions: Sequence[Action]) -> list[Action]:
        earlier = self._rejected(actions) if self._takes_back else set()
        found = [one for one in actions if one.path in earlier]
        if self._ruling is Ruling.REJECTED:
            decided, _ = self._parted(actions)
            overwrites = [one for one in decided if one.op is not Op.DELETE]
            self._memory.holds.reject(self._side, overwrites)
            # What is in a folder counts anew once its rejected deletions are agreed on: then the
            # step that replaces the folder does not look like what the person has seen any more.
            self._rejections |= bool(overwrites)
            found += [one for one in decided if one.path not in earlier]
        return found

    async def end(self) -> None:
        """Keeps what is held, ends a hold that is not needed any more, and drops the steps."""
        offload, holds, side = self._world.offload, self._memory.holds, self._side
        held = self._held
        if self._gaps:
            pass  # the next look that sees everything decides
        elif held is None:
            if self._hold is not None:
                await offload(holds.close, side)
        elif self._ruling is not None or self._hold is None or self._hold.held.id != held.id:
            if self._ruling is not None:
                await offload(holds.close, side)
            if await offload(holds.begin, side):
                async for actions in self.pages():
                    await offload(self._keep, actions)
                await offload(holds.hold, side, held)
        if self._rejections and self._report.whole and not self._gaps:
            await forget_old(self._memory, self._direction, side, offload)
        await self._drop()

    async def _drop(self) -> None:
        if self.count:
            while await self._world.offload(self._memory.planned.drop, self._key, DROPPED):
                pass

    def _keep(self, actions: Sequence[Action]) -> None:
        """Stores steps that are held, and what is in the folders that they would replace."""
        _, left = self._parted(actions)
        self._memory.holds.add(self._side, [(one.path, step(one)) for one in left])
        for some in self._inside(left, False):
            self._memory.holds.add(self._side, [(path, INSIDE) for path in some])

    @property
    def _ruling(self) -> Ruling | None:
        return self._hold.ruling if self._hold is not None else None

    def _parted(self, actions: Sequence[Action]) -> tuple[list[Action], list[Action]]:
        """The steps about which a person has decided, and the others, without rejected ones.

        After a survey with gaps, both without what must wait for one without.
        """
        due = [one for one in actions if self._is_due(one)]
        rejected = self._rejected(due)
        decided: set[str] = set()
        if self._ruling is not None and due:
            decided = self._decided(due)
        left = [one for one in due if one.path not in decided and one.path not in rejected]
        return [one for one in due if one.path in decided], left

    def _decided(self, actions: Sequence[Action]) -> set[str]:
        """The paths of those of these steps that a person has seen exactly like this."""
        holds, side = self._memory.holds, self._side
        found = holds.covered(side, [(one.path, step(one)) for one in actions])
        for one in actions:
            if one.path in found and one.replaces_folder:
                for some in self._inside([one], False):
                    inside = [(path, INSIDE) for path in some]
                    if len(holds.covered(side, inside)) < len(inside):
                        found.discard(one.path)  # there is more in this folder now
        return found

    def _is_due(self, action: Action) -> bool:
        return not self._gaps or _replaces_file(action)

    def _rejected(self, actions: Sequence[Action]) -> set[str]:
        """The paths of overwrites that a person has rejected earlier."""
        if not self._rejections or not actions:
            return set()
        overwrites = [one for one in actions if one.op is not Op.DELETE]
        return self._memory.holds.rejected(self._side, overwrites)

    async def replaced(self) -> list[str]:
        """The folders that steps would replace by files or links, with all that is in them."""
        return [one.path async for some in self.pages() for one in some if one.replaces_folder]

    async def pages(self, *, backwards: bool = False) -> AsyncIterator[list[Action]]:
        """All steps; backwards, what is below a folder comes before the folder itself."""
        if self.count:
            planned, offload = self._memory.planned, self._world.offload
            way = self._direction
            async for some in planned_steps(planned, self._key, way, offload, backwards=backwards):
                yield await offload(self.still_true, some)


async def planned_steps(
    planned: Planned, key: str, direction: Mode, offload: Offload, *, backwards: bool = False
) -> AsyncIterator[list[Action]]:
    """The steps of one direction of a plan that is on disk, page by page."""
    turn = planned.back if backwards else planned.page
    mark = 2**62 if backwards else 0
    while (page := await offload(turn, key, mark, PAGE, direction)) and page.actions:
        mark = page.actions[-1].number
        yield [one.action for one in page.actions]


def _nothing_inside(_: Sequence[Action], __: bool) -> Iterator[Sequence[str]]:
    return iter(())


def _replaces_file(action: Action) -> bool:
    """Whether a step replaces a file by its newer content: that needs no look at other folders."""
    there = action.expected
    return action.op is Op.PUT and there is not None and not _is_folder(action)


def _is_folder(action: Action) -> bool:
    return action.expected is not None and action.expected.kind == FOLDER
