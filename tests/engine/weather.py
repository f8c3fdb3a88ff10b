"""What may happen at each moment of a run: people, failures, cuts; and trees that feel it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from random import Random
from typing import Any, Literal, Protocol

from cargo_sync.lanes.ports import Reader, Sink, Source
from cargo_sync.model import entries, paths
from cargo_sync.model.actions import Action, Op, Outcome
from cargo_sync.model.entries import FOLDER, Entry
from cargo_sync.model.jobs import Identity, Mode
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.transfers import Offer, Receipt, Unread, Want
from cargo_sync.testing.disk import read_one_by_one
from cargo_sync.testing.tree import MemoryTree
from cargo_sync.trees.contract import Brought, Missed, NearTree, NoFolder, Observation, Task, Whole
from tests.offloads import T, Ts


class Judge(Protocol):
    """Called when a run does something."""

    missed: bool

    def left_out(self, path: str) -> bool: ...

    def brought(self, offer: Offer) -> None: ...

    def deleted(self, path: str, entry: Entry) -> None: ...


class Weather:
    """What happens at each moment of a run: mostly nothing."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.trace: list[str] = []
        self.person: Callable[[], None] = lambda: None
        self.acting = self.failing = 0.0
        self.cancel_in = -1
        self._within = False

    def calm(self) -> None:
        self.acting, self.failing, self.cancel_in = 0.0, 0.0, -1

    def moment(self, what: str) -> None:
        """A moment when a person may do something, and when a run may be cancelled."""
        self.trace.append(what)
        if self.random.random() < self.acting:
            self.person()
        if self.cancel_in >= 0:
            self.cancel_in -= 1
            if self.cancel_in < 0:
                self.trace.append("cancelled")
                raise asyncio.CancelledError

    def fails(self) -> bool:
        return self.random.random() < self.failing

    def cut(self, what: str) -> None:
        """A moment when the connection may break."""
        self.moment(what)
        if self.random.random() < self.failing / 10:
            self.trace.append("cut")
            raise ProblemError(Problem(Code.CUT, f"cut at {what}"))

    def statement(self, sql: str) -> None:
        """A statement of the state, which may fail; nothing else happens within a transaction."""
        if self.random.random() < self.failing / 50:
            self.trace.append("state fails")
            raise ProblemError(Problem(Code.STATE_ERROR, "the state cannot be written"))

    async def offload(self, work: Callable[[*Ts], T], *args: *Ts) -> T:
        """Work in a thread: its caller may be cancelled before it begins and while it runs."""
        self.moment(f"do {getattr(work, '__name__', 'work')}")
        done = work(*args)
        if self.cancel_in == 0:
            self.moment("done, but nobody waits any more")
        return done


class LivelyTree(MemoryTree):
    """A memory tree on which things happen, and which remembers what stood on it.

    ever   contents that stood here; excused: those that a person took away with their own hand
    hand   paths that a person did something to
    """

    def __init__(self, part: Literal["near", "far"], weather: Weather, oracle: Judge) -> None:
        super().__init__(part, part)
        self.weather = weather
        self.oracle = oracle
        self.ever: set[bytes] = set()
        self.excused: set[bytes] = set()
        self.hand: set[str] = set()
        self.removed: set[str] = set()
        self.hint: Callable[[frozenset[str]], None] = lambda folders: None

    def by_hand(self, path: str) -> None:
        """A person changes what is at `path`, and so deletes what was there."""
        self.excused |= {one for at, one in self._contents.items() if paths.is_below(at, path)}
        self.removed |= {at for at in self._entries if paths.is_below(at, path)}
        self.hand.add(path)

    def write(self, path: str, content: bytes, mtime_ns: int = 0, mode: int = 0o644) -> Entry:
        self.ever.add(content)
        return super().write(path, content, mtime_ns, mode)

    def _put(self, path: str, *rest: Any) -> Entry:
        entry = super()._put(path, *rest)
        self.hint(frozenset({paths.parent(path)}))
        return entry

    def remove(self, path: str) -> None:
        gone = {at for at in self._entries if paths.is_below(at, path)}
        self.removed |= gone
        super().remove(path)
        self.hint(frozenset(map(paths.parent, gone)))

    def folders(self) -> list[str]:
        return ["", *(path for path, entry in self._entries.items() if entry.kind == FOLDER)]

    def all(self) -> dict[str, Entry]:
        return dict(self._entries)

    def lost(self) -> set[bytes]:
        trash = {content for _, content in self.trash}
        return self.ever - self.excused - trash - set(self._contents.values())

    # -- the contract, with weather ----------------------------------------------------------------

    async def open(self, cursor: int = 0) -> Identity:
        self.weather.cut("open")
        return await super().open()

    async def observe(self, cursor: int) -> AsyncIterator[Observation]:
        missed: list[str] = []
        together = self._together()
        async for seen in super().observe(cursor):
            if isinstance(seen, tuple):
                self.weather.cut("changes")
                yield seen
                continue
            path = seen[0].path
            if any(paths.is_below(path, one) for one in missed) or self.oracle.left_out(path):
                continue
            if path and self.entry(path) is None:
                continue  # gone while the scan went on
            for part in self._parts(path, together):
                if isinstance(part, Missed):
                    missed.append(path)
                yield [part]

    async def observe_some(
        self, some: Sequence[str]
    ) -> AsyncIterator[Sequence[Whole | Missed | NoFolder]]:
        for path in some:
            if self.oracle.left_out(path):
                continue
            if path not in self.folders():
                yield [NoFolder(path)]
                continue
            for part in self._parts(path, self._together()):
                yield [part]

    def _together(self) -> int:
        """How many names a part of a folder has; 0: folders are whole."""
        return self.weather.random.choice([0, 0, 1, 2])

    def _parts(self, path: str, together: int) -> Iterator[Whole | Missed]:
        """A folder as a scan sees it, part by part."""
        opened, names = self.entry(path), sorted(self._names(path))
        starts = ["", *names[together::together]] if together else [""]
        for start, end in zip(starts, [*starts[1:], ""], strict=True):
            self.weather.cut(f"listing {path!r} {start!r}")
            if self.weather.fails() or self.entry(path) != opened:
                self.weather.trace.append(f"missed {path!r}")
                self.oracle.missed = True
                yield Missed(path, Problem(Code.UNREADABLE, "this folder cannot be read", path))
                return
            yield self._filtered(path, start, end, names)

    def _names(self, folder: str) -> list[str]:
        return [paths.name(path) for path in self._entries if paths.parent(path) == folder]

    def _filtered(self, folder: str, first: str, end: str, names: Sequence[str]) -> Whole:
        """What a scan sees of some names of a folder; not those that are excluded."""
        kept = [
            entry
            for entry in entries.decode(self._listing(folder).listing)
            if entry.name in names
            and first <= entry.name
            and (not end or entry.name < end)
            and not self.oracle.left_out(paths.join(folder, entry.name))
        ]
        return Whole(folder, entries.encode(tuple(kept)), len(kept), (), first, end)

    async def hashes(self, items: Sequence[tuple[str, Entry]]) -> list[str | Problem]:
        found: list[str | Problem] = []
        for item in items:
            self.weather.cut(f"hash {item[0]}")
            bad = Problem(Code.UNREADABLE, "this file cannot be read", item[0])
            found += [bad] if self.weather.fails() else await super().hashes([item])
        return found

    async def apply(self, actions: Sequence[Action], run: str) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for action in actions:
            self.weather.cut(f"{action.op} {action.path}")
            if self.weather.fails():
                outcomes.append(
                    Outcome(action, problem=Problem(Code.DISK_ERROR, "a bad disk", action.path))
                )
                continue
            before = self.entry(action.path)
            [outcome] = await super().apply([action], run)
            if outcome.problem is None and action.op is Op.DELETE and before is not None:
                self.oracle.deleted(action.path, before)
            outcomes.append(outcome)
        self.weather.cut("applied")
        return outcomes

    async def retire(
        self, path: str, entry: Entry, content: str, move_to: str, run: str
    ) -> Problem | None:
        self.weather.cut(f"retire {path}")
        if self.weather.fails():
            return Problem(Code.DISK_ERROR, "a bad disk", path)
        return await super().retire(path, entry, content, move_to, run)

    def source(self) -> Source:
        return _LivelySource(super().source(), self.weather)

    def sink(self, run: str) -> Sink:
        return _LivelySink(super().sink(run), self.weather, self.oracle)

    async def transfer(
        self,
        mode: Mode,
        near: NearTree,
        batches: AsyncIterator[Sequence[Task]],
        speed: int | None,
        run: str,
    ) -> AsyncGenerator[Brought, None]:
        """Batches are taken before the results of earlier ones come, as by lanes."""

        async def ahead() -> AsyncGenerator[Sequence[Task], None]:
            taken: list[Sequence[Task]] = []
            async for tasks in batches:
                taken.append(tasks)
                if len(taken) > 2:
                    yield taken.pop(0)
            for tasks in taken:
                yield tasks

        async for brought in super().transfer(mode, near, ahead(), speed, run):
            yield brought


class _LivelySource:
    def __init__(self, source: Source, weather: Weather) -> None:
        self._source = source
        self._weather = weather

    def open(self, offer: Offer) -> Reader:
        self._weather.moment(f"open {offer.path}")
        if self._weather.fails():
            raise ProblemError(Problem(Code.UNREADABLE, "this file cannot be read", offer.path))
        return self._source.open(offer)

    def read(self, offers: Sequence[Offer], views: Sequence[memoryview]) -> Unread | None:
        return read_one_by_one(self, offers, views)


class _LivelySink:
    def __init__(self, sink: Sink, weather: Weather, oracle: Judge) -> None:
        self._sink = sink
        self._weather = weather
        self._oracle = oracle
        self._offers: dict[int, Sequence[Offer]] = {}
        self.whole, self.part, self.settle = sink.whole, sink.part, sink.settle
        self.failed, self.checkpoint, self.close = sink.failed, sink.checkpoint, sink.close

    def begin(self, batch: int, offers: Sequence[Offer]) -> list[Want]:
        self._weather.cut("begin")
        self._offers[batch] = offers
        return self._sink.begin(batch, offers)

    def commit(self, batch: int) -> list[Receipt]:
        self._weather.cut("commit")
        for index, offer in enumerate(self._offers[batch]):
            if self._weather.fails():
                code = self._weather.random.choice([Code.DISK_FULL, Code.DISK_ERROR])
                self._sink.failed(batch, index, Problem(code, "the disk", offer.path))
        receipts = self._sink.commit(batch)
        for offer, receipt in zip(self._offers[batch], receipts, strict=True):
            if receipt.code == "done":
                self._oracle.brought(offer)
        self._weather.cut("told")
        return receipts
