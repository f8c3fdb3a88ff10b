"""A memory tree that feels the weather: the near or the far side of a whole run."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any, Literal, Protocol

from cargo_sync.lanes.ports import Reader, Sink, Source, Wake
from cargo_sync.machines.client_fence import JobClient
from cargo_sync.machines.newest_change import NOTHING_SEEN, SeenChange
from cargo_sync.machines.own_changes import NO_CHANGES, OwnChanges, OwnLog
from cargo_sync.model import entries, paths
from cargo_sync.model.actions import Action, Op, Outcome
from cargo_sync.model.entries import Entry, EntryColumns, PlacedEntries
from cargo_sync.model.jobs import Identity, Mode
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.transfers import Finished, Offer, Receipt, Unread, Want
from cargo_sync.model.world import World
from cargo_sync.testing.disk import read_one_by_one
from cargo_sync.testing.tree import TreeSink
from cargo_sync.trees.contract import (
    Brought,
    Delta,
    Missed,
    NearTree,
    NoFolder,
    Observation,
    Task,
    Whole,
)
from tests.sim.lanes import MemoryLanes
from tests.sim.ledger import CountedTree, Ledger
from tests.sim.weather import Weather, line_cut


class Judge(Protocol):
    """Called when a run does something."""

    missed: bool

    def left_out(self, path: str) -> bool: ...

    def brought(self, offer: Offer) -> None: ...

    def displaced(self, path: str, content: bytes) -> None: ...

    def replaced(self) -> None: ...

    def deleted(self, path: str, entry: Entry) -> None: ...

    def touched(self, action: Action) -> None: ...

    def done(self, action: Action) -> None: ...


class LivelyTree(CountedTree):
    """A memory tree on which things happen.

    ever     contents that stood here
    hand     paths that people changed; removed: those that they changed since the run began
    lanes    how content reaches it; None: without lanes
    own      far: what the daemon has changed here since its last look, and need not read again
    pages    far: by the cursor at the end of a page that it gave, its newest change at that time
    """

    def __init__(
        self, part: Literal["near", "far"], weather: Weather, oracle: Judge, ledger: Ledger
    ) -> None:
        super().__init__(part, ledger)
        self.weather = weather
        self.oracle = oracle
        self.ever: set[bytes] = set()
        self.hand: set[str] = set()
        self.removed: set[str] = set()
        self.hint: Callable[[frozenset[str]], None] = lambda folders: None
        self.lanes: MemoryLanes | None = None
        self.world: Callable[[], World] | None = None
        self.own = OwnLog()
        self.pages: dict[int, int] = {}
        self._opened_at = 0
        self._lives: list[tuple[int, str]] = [(0, part)]
        self._epoch = 0

    def by_hand(self, some: Sequence[str]) -> None:
        """People have changed what is at these paths."""
        self.hand.update(some)
        self.removed.update(some)

    def _keep(self, path: str, content: bytes) -> None:
        self.ever.add(content)
        super()._keep(path, content)

    def _put(self, path: str, *rest: Any) -> Entry:
        entry = super()._put(path, *rest)
        self._hint([path])
        return entry

    def remove(self, path: str) -> None:
        gone = self.below(path)
        super().remove(path)
        self._hint(gone)

    def move(self, path: str, to: str) -> None:
        super().move(path, to)
        self._hint(self.below(to))

    def set_mode(self, path: str, mode: int) -> None:
        super().set_mode(path, mode)
        self._hint([path])

    def _hint(self, some: Sequence[str]) -> None:
        self.hint(frozenset(map(paths.parent, some)))

    @property
    def sequence(self) -> int:
        """The number of the newest change."""
        return len(self._log)

    # -- disasters ---------------------------------------------------------------------------------

    def backup(self) -> Callable[[], None]:
        """Copies everything, and returns what restores it: changes since then are gone."""
        kept = dict(self._entries), dict(self._contents), len(self._log), self._idents
        met = dict(self.met)

        def restore() -> None:
            with self.ledger.person():
                for path in list(self._contents):
                    self._drop(path)
                for path, content in kept[1].items():
                    self._keep(path, content)
            self._entries = dict(kept[0])
            del self._log[kept[2] :]
            self._floor = min(self._floor, kept[2])
            self._idents = kept[3]
            self.met = dict(met)
            self.begin_life()

        return restore

    def begin_life(self) -> None:
        """The server starts: changes from now on belong to another lineage."""
        since = len(self._log)
        self._lives = [one for one in self._lives if one[0] < since or not one[0]]
        self._lives.append((since, f"life {self.weather.story.random.random()}"))

    def begin_epoch(self) -> None:
        """The server's catalogue was lost: another one is made of what is in its folder."""
        self._epoch += 1
        there = dict(self._entries)
        self._log, self._floor, self._lives = [], 0, []
        self.begin_life()
        for path, entry in there.items():
            fresh = self._renumbered(entry)
            self._entries[path] = fresh
            self._log.append((path, fresh))

    def become_another_root(self) -> None:
        """The folder was copied to another disk."""
        self._identity += "'"

    @property
    def life(self) -> str:
        return self._lives[-1][1]

    def lineage_at(self, number: int) -> str:
        return next(name for since, name in reversed(self._lives) if since < number or not since)

    # -- the contract, with weather ----------------------------------------------------------------

    def reach(self, what: str, *, in_lane: bool = False) -> None:
        """This side is asked to do something."""
        if self.part == "far":
            self.weather.remote(what, in_lane=in_lane)
        else:
            self.weather.moment(what, in_lane=in_lane)

    async def open(
        self,
        cursor: int = 0,
        newest: SeenChange = NOTHING_SEEN,
        client: JobClient | None = None,
    ) -> Identity:
        self.reach("open")
        identity = await super().open(cursor, newest, client)
        if self.part == "near":
            return identity
        self._opened_at, own = cursor, self.own.changes()
        if own.newest > len(self._log) or self.lineage_at(own.newest) != own.lineage:
            self.own.clear()
            identity = replace(identity, lost=identity.lost or bool(own.left_out))
        return replace(identity, epoch=str(self._epoch))

    async def observe(self, cursor: int) -> AsyncIterator[Observation]:
        if self.part == "far":
            for delta in self._deltas(cursor):
                yield delta
            return
        missed: list[str] = []
        together = self._together()
        async for seen in super().observe(cursor):
            assert not isinstance(seen, Delta)
            path = seen[0].path
            if any(paths.is_below(path, one) for one in missed) or self.oracle.left_out(path):
                continue
            if path and self.entry(path) is None:
                continue  # gone while the scan went on
            for part in self._parts(path, together):
                if isinstance(part, Missed):
                    missed.append(path)
                yield [part]
                if self.weather.fails("listing repeated"):
                    yield [part]

    def _deltas(self, cursor: int) -> Iterator[Delta]:
        """The changes since `cursor`, in pages; one may come twice, or no more.

        Each is as the server is when it makes it. They end where the server was at the beginning.
        """
        self.reach("changes")
        upto = len(self._log)
        told = own = self.own.changes() if cursor == self._opened_at else NO_CHANGES
        self.own.clear()
        size, more = self.weather.story.one_of((2, 5, 1000)), True
        while more:
            changes = self._since(cursor, own)
            more = len(changes) > size
            cursor = self._listed = changes[size - 1][0] if more else len(self._log)
            more &= cursor < upto
            self.pages[cursor] = len(self._log)
            self.show(len(self._log), by=self.life)
            delta = Delta(_changes(changes[:size]), cursor, (), told)
            told = NO_CHANGES
            yield delta
            if self.weather.fails("listing repeated"):
                yield delta._replace(own=NO_CHANGES)  # its own changes are told once
            if self.weather.fails("listing cut"):
                raise line_cut("a listing")
            if more:
                self.confirm()

    def _since(self, cursor: int, own: OwnChanges) -> list[tuple[int, str, Entry | None]]:
        """The changes since `cursor`, each path once, at its last number; without the `own`."""
        newest = {path: number for number, (path, _) in enumerate(self._log, 1)}
        return [
            (number, path, entry)
            for number, (path, entry) in enumerate(self._log, 1)
            if number > cursor
            and newest[path] == number
            and not any(first <= number <= last for first, last in own.left_out)
            and (number > self._floor or self._entries.get(path) is entry is not None)
        ]

    async def observe_some(
        self, some: Sequence[str], *, unfiltered: bool = False
    ) -> AsyncIterator[Sequence[Whole | Missed | NoFolder]]:
        for path in some:
            if not unfiltered and self.oracle.left_out(path):
                continue
            if path not in self.folders():
                yield [NoFolder(path)]
                continue
            for part in self._parts(path, self._together(), unfiltered=unfiltered):
                yield [part]

    def _together(self) -> int:
        """How many names a part of a folder has; 0: folders are whole."""
        return self.weather.story.one_of((0, 0, 1, 2))

    def _parts(
        self, path: str, together: int, *, unfiltered: bool = False
    ) -> Iterator[Whole | Missed]:
        """A folder as a scan sees it, part by part."""
        opened, names = self.entry(path), sorted(self._names(path))
        starts = ["", *names[together::together]] if together else [""]
        for start, end in zip(starts, [*starts[1:], ""], strict=True):
            self.reach(f"listing {path!r} {start!r}")
            if self.weather.fails("side replaced", 4):
                self.become_another_root()
                self.oracle.replaced()
            if self.weather.fails("unreadable folder", 0.5) or self.entry(path) != opened:
                self.weather.story.tell(f"missed {path!r}")
                self.oracle.missed = True
                yield Missed(path, Problem(Code.UNREADABLE, "this folder cannot be read", path))
                return
            yield self._names_seen(path, start, end, names, unfiltered=unfiltered)

    def _names(self, folder: str) -> list[str]:
        return [paths.name(path) for path in self._entries if paths.parent(path) == folder]

    def _names_seen(
        self, folder: str, first: str, end: str, names: Sequence[str], *, unfiltered: bool
    ) -> Whole:
        """What a scan sees of some names of a folder; not those that are excluded."""
        kept = [
            entry
            for entry in entries.decode(self._listing(folder).listing)
            if entry.name in names
            and first <= entry.name
            and (not end or entry.name < end)
            and (unfiltered or not self.oracle.left_out(paths.join(folder, entry.name)))
        ]
        return Whole(folder, entries.encode(tuple(kept)), len(kept), (), first, end)

    async def hashes(
        self, items: Sequence[tuple[str, Entry]], *, reread: bool = False
    ) -> list[str | Problem]:
        found: list[str | Problem] = []
        for item in items:
            self.reach(f"hash {item[0]}")
            bad = Problem(Code.UNREADABLE, "this file cannot be read", item[0])
            unreadable = self.weather.fails("unreadable file")
            found += [bad] if unreadable else await super().hashes([item], reread=reread)
        return found

    async def apply(self, actions: Sequence[Action], run: str) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for action in actions:
            self.reach(f"{action.op} {action.path}")
            if self.weather.fails("bad disk"):
                problem = Problem(Code.DISK_ERROR, "a bad disk", action.path)
                outcomes.append(Outcome(action, problem=problem))
                continue
            before = self.entry(action.path)
            outcome = self.do(action)
            if outcome.problem is None:
                self.weather.story.covered[f"step {action.op}"] += 1
                self.oracle.done(action)
                # Without a reason it is damaged by an unclean stop, and fetched again.
                if action.op is Op.DELETE and before is not None and action.why:
                    self.oracle.deleted(action.path, before)
                if action.op is Op.META and action.hash:
                    self.oracle.touched(action)
            outcomes.append(outcome)
        if self.part == "far":
            self.weather.replied("applied")
            self.show(len(self._log))
        return outcomes

    def renamed(self, outcomes: Sequence[Outcome]) -> None:
        if self.part == "far" and self.weather.story.chance(0.9):
            for one in outcomes:
                self.own.add_renames(one.places, one.lineage)

    async def retire(
        self, path: str, entry: Entry, content: str, move_to: str, run: str
    ) -> str | Problem:
        self.reach(f"retire {path}")
        if self.weather.fails("bad disk"):
            return Problem(Code.DISK_ERROR, "a bad disk", path)
        self.weather.story.covered["step retire"] += 1
        return await super().retire(path, entry, content, move_to, run)

    def source(self) -> Source:
        return _LivelySource(super().source(), self)

    def sink(self, run: str) -> Sink:
        return _LivelySink(self)

    async def transfer(
        self,
        mode: Mode,
        near: NearTree,
        batches: AsyncIterator[Sequence[Task]],
        speed: int | None,
        run: str,
    ) -> AsyncGenerator[Brought, None]:
        """As `_moved`; notes what need not be read again.

        When it is closed, nothing of it goes on: so it is with the client of a real server.
        """
        lineage = self.life
        async with aclosing(self._moved(mode, near, batches, speed, run)) as results:
            async for brought in results:
                yield brought
                if mode is Mode.UPLOAD and self.weather.story.chance(0.9):
                    folders = (paths.parent(task.action.path) for task in brought.done)
                    self.own.add([one.version for one in brought.receipts], folders, lineage)

    async def _moved(
        self,
        mode: Mode,
        near: NearTree,
        batches: AsyncIterator[Sequence[Task]],
        speed: int | None,
        run: str,
    ) -> AsyncGenerator[Brought, None]:
        """By lanes, if there are some. Batches are taken before the results of earlier ones."""
        if self.lanes is not None and self.world is not None:
            moving = self.lanes.transfer(mode, near, batches, run, self.world())
            async with aclosing(moving) as results:
                async for brought in results:
                    if mode is Mode.UPLOAD:
                        self.show(max((one.version for one in brought.receipts), default=0))
                    yield brought
            return

        async def ahead() -> AsyncGenerator[Sequence[Task], None]:
            taken: list[Sequence[Task]] = []
            async for tasks in batches:
                taken.append(tasks)
                if len(taken) > 2:
                    yield taken.pop(0)
            for tasks in taken:
                yield tasks

        async with aclosing(super().transfer(mode, near, ahead(), speed, run)) as results:
            async for brought in results:
                yield brought


class _LivelySource:
    def __init__(self, source: Source, tree: LivelyTree) -> None:
        self._source = source
        self._tree = tree

    def wakes(self, wake: Wake) -> None:
        self._source.wakes(wake)

    def coming(self, offers: Iterable[Offer]) -> None:
        self._source.coming(offers)

    def open(self, offer: Offer) -> Reader:
        self._tree.reach(f"open {offer.path}", in_lane=self._tree.weather.lanes)
        if self._tree.weather.fails("unreadable file"):
            raise ProblemError(Problem(Code.UNREADABLE, "this file cannot be read", offer.path))
        return self._source.open(offer)

    def holes(self, offer: Offer) -> int:
        return self._source.holes(offer)

    def read(self, offers: Sequence[Offer], views: Sequence[memoryview]) -> Unread | None:
        return read_one_by_one(self, offers, views)

    def close(self) -> None:
        """Nothing stays open."""


class _LivelySink(TreeSink):
    def __init__(self, tree: LivelyTree) -> None:
        super().__init__(tree)
        self._lively = tree
        self._weather = tree.weather
        self._sync_fails = False
        self._due: list[int] = []
        self._wake: Wake | None = None

    def wakes(self, wake: Wake) -> None:
        self._wake = wake

    def submit(self, batch: int) -> None:
        """Every other batch of a lane is published some time later, as by another machine."""
        if not self._weather.lanes or batch % 2 == 0:
            super().submit(batch)
            return
        asyncio.get_running_loop().call_later(0.5, self._later, batch)

    def finished(self) -> list[Finished]:
        due, self._due = self._due, []
        for batch in due:
            super().submit(batch)
        return super().finished()

    def _later(self, batch: int) -> None:
        if batch in self._batches and self._wake is not None:  # its lane may have ended
            self._weather.story.covered["published later"] += 1
            self._due.append(batch)
            self._wake()

    def begin(self, batch: int, offers: Sequence[Offer]) -> list[Want]:
        self._reach("begin")
        return super().begin(batch, offers)

    def commit(self, batch: int) -> list[Receipt]:
        self._reach("commit")
        self._sync_fails = self._weather.fails("sync fails")
        receipts = super().commit(batch)
        if self._lively.part == "far":
            self._weather.replied("committed")
        return receipts

    def publish(self, offer: Offer, content: bytes, problem: Problem | None) -> Receipt:
        self._reach(f"publish {offer.path}")
        if self._sync_fails or self._weather.fails("bad disk"):
            problem = Problem(Code.DISK_ERROR, "the disk", offer.path)
        elif self._weather.fails("full disk"):
            problem = Problem(Code.DISK_FULL, "the disk", offer.path)
        trash = len(self._lively.trash)
        receipt = super().publish(offer, content, problem)
        for path, gone in self._lively.trash[trash:]:
            self._lively.oracle.displaced(path, gone)
        if receipt.code == "done":
            self._weather.story.covered["step put"] += 1
            self._lively.oracle.brought(offer)
        return receipt

    def _reach(self, what: str) -> None:
        self._lively.reach(what, in_lane=self._weather.lanes)


def _changes(
    some: Sequence[tuple[int, str, Entry | None]],
) -> Sequence[tuple[str, Entry | None]]:
    """The changes, as a server's answer has them: by column, if there is an entry at each path."""
    live = [(path, entry) for _, path, entry in some if entry is not None]
    if len(live) < len(some):
        return [(path, entry) for _, path, entry in some]
    return PlacedEntries([path for path, _ in live], EntryColumns.of([entry for _, entry in live]))
