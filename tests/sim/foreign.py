"""Histories in which the far side is somebody else's server: it lists everything, and keeps less.

Each tier is one of the others with such a far side. What the server does not keep is left out when
both sides are compared (`CountedTree.kept`); and people's times differ by more than its step, or by
so little that they are one time for it.
"""

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

from cargo_sync.machines.client_fence import JobClient
from cargo_sync.machines.newest_change import NOTHING_SEEN, SeenChange
from cargo_sync.model import paths
from cargo_sync.model.abilities import SECOND, Abilities, Replacing
from cargo_sync.model.entries import BY_UMASK, FILE, FOLDER, LINK, Entry, decode
from cargo_sync.model.jobs import Identity
from cargo_sync.model.problems import Code, Problem
from cargo_sync.testing.foreign import ForeignTree
from cargo_sync.trees.contract import Missed, Observation, Whole
from tests.sim import planner, system, two_way
from tests.sim.ledger import CountedTree
from tests.sim.lively import LivelyTree
from tests.sim.oracle import Oracle
from tests.sim.people import People
from tests.sim.planner import PlannerHistory, RowsTree
from tests.sim.story import BrokenPromiseError, Story, Verdict
from tests.sim.system import SystemHistory, Teller
from tests.sim.two_way import TwoWayHistory
from tests.sim.two_way_system import PeersOracle, TwoWaySystemHistory
from tests.sim.weather import line_cut

BETWEEN: Final = ("restart", "state reopened", "filter", "clock jumps", "another root")
"""What may happen between two runs: such a server does not say that it was restored."""
_LEAST: Final = Abilities(
    None,
    modes=False,
    links=False,
    idents=False,
    exchange=False,
    hashes=False,
    feed=False,
    replacing=Replacing.LOOKED_AT,
)
SERVERS: Final = (
    _LEAST,
    replace(_LEAST, time_step=SECOND),
    replace(_LEAST, time_step=SECOND, modes=True, links=True, atomic=False),
    replace(_LEAST, time_step=1, links=True, atomic=False),
)
STEP: Final = 10
"""In place of a second, where clocks count from one."""


def _what_is_kept(server: Abilities) -> Callable[[Entry], Entry]:
    def kept(entry: Entry) -> Entry:
        step = server.time_step
        time = 0 if step is None else entry.mtime_ns // step * step
        mode = entry.mode if server.modes else BY_UMASK
        return entry._replace(mtime_ns=time, mode=mode) if entry.kind == FILE else _kept(entry)

    def _kept(entry: Entry) -> Entry:
        return entry if server.modes else entry._replace(mode=BY_UMASK)

    return kept


def _let_keep(server: Abilities, people: People, near: CountedTree, far: CountedTree) -> None:
    people.step = server.time_step or 1
    near.kept = far.kept = _what_is_kept(server)
    far.keeps_links = server.links


def _counted(server: Abilities) -> Abilities:
    return server if server.time_step != SECOND else replace(server, time_step=STEP)


# -- the planners ----------------------------------------------------------------------------------


class ForeignRows(ForeignTree, RowsTree):
    """The far side of the planners' tiers."""


class ForeignPlannerHistory(PlannerHistory):
    """A job in one direction."""

    def __init__(self, story: Story) -> None:
        self._server = _counted(story.one_of(SERVERS))
        super().__init__(story)
        _let_keep(self._server, self.people, self.near, self.far)
        self.near.keeps_links = self._server.links  # the engine leaves them out, no planner does

    @property
    def server(self) -> Abilities:
        return self._server

    def _far(self) -> RowsTree:
        far = ForeignRows("far", self.ledger)
        far.server = self._server
        return far

    def _now(self) -> int:
        now = super()._now()
        return now * 10 * STEP + now % 7


class ForeignTwoWayHistory(TwoWayHistory):
    """A job in both directions."""

    def __init__(self, story: Story) -> None:
        self._server = _counted(story.one_of(SERVERS))
        super().__init__(story)
        _let_keep(self._server, self.people, self.near, self.far)
        self.near.keeps_links = self._server.links

    @property
    def server(self) -> Abilities:
        return self._server

    def _far(self) -> RowsTree:
        far = ForeignRows("far", self.ledger)
        far.server = self._server
        return far

    def _now(self) -> int:
        now = super()._now()
        return now * 10 * STEP + now % 7


def tell_planner(seed: int, without: Collection[int] = ()) -> Verdict:
    return planner.tell(seed, without, ForeignPlannerHistory)


def tell_two_way(seed: int, without: Collection[int] = ()) -> Verdict:
    return two_way.tell(seed, without, ForeignTwoWayHistory)


# -- whole runs ------------------------------------------------------------------------------------


class ForeignLively(ForeignTree, LivelyTree):
    """The far side of whole runs."""

    async def open(
        self,
        cursor: int = 0,
        newest: SeenChange = NOTHING_SEEN,
        client: JobClient | None = None,
    ) -> Identity:
        self.reach("open")
        return await super().open(cursor, newest, client)

    async def observe(self, cursor: int) -> AsyncIterator[Observation]:
        """Folders in any order, and what is in a folder only after it."""
        random, waiting = self.weather.story.random, [""]
        while waiting:
            path = waiting.pop(random.randrange(len(waiting)))
            entry = self.entry(path)
            if path and (entry is None or entry.kind != FOLDER):
                self.oracle.missed = True
                yield [Missed(path, Problem(Code.VANISHED, f"{path!r} is gone", path))]
                continue
            for part in self._parts(path, self._together(), unfiltered=True):
                yield [part]
                if self.weather.fails("listing repeated"):
                    yield [part]
                if isinstance(part, Whole):
                    waiting += [paths.join(path, name) for name in _folders(part)]
            if self.weather.fails("listing cut", 3):
                raise line_cut("a listing")


def _folders(seen: Whole) -> list[str]:
    listed = decode(seen.listing)
    return [entry.name for entry in listed if entry.kind == FOLDER]


class _Links:
    """Where the local folder has, or had, links that such a server cannot have."""

    def __init__(self, near: CountedTree, server: Abilities) -> None:
        self._near = near
        self._left_out = not server.links
        self._ever: set[str] = set()
        self._seen: set[str] = set()
        """Links that were there when the run began."""

    def begin(self) -> None:
        """A run begins."""
        self._seen = set(filter(self._is_link, self._near.all()))

    def touched(self, tree: CountedTree, some: Iterable[str]) -> None:
        if self._left_out and tree is self._near:
            self._ever.update(path for path in some if self._is_link(path))

    def were_above(self, path: str) -> bool:
        """Whether nothing is expected of a path."""
        return any(one in self._ever for one in paths.upwards(path))

    def check(self, path: str) -> None:
        """A step deletes something of the server."""
        hidden = any(one in self._seen and self._is_link(one) for one in paths.upwards(path))
        if self._left_out and hidden:
            raise BrokenPromiseError(f"{path!r} is deleted, and a link hides it")

    def _is_link(self, path: str) -> bool:
        entry = self._near.entry(path)
        return entry is not None and entry.kind == LINK


class _ForeignOracle(Oracle):
    """As `Oracle`; `links` are left out."""

    links: _Links

    def begin(self) -> None:
        self.links.begin()
        super().begin()

    def unexpected(self, path: str) -> bool:
        return self.links.were_above(path) or super().unexpected(path)

    def deleted(self, path: str, entry: Entry) -> None:
        if self.destination.part == "far":
            self.links.check(path)
        super().deleted(path, entry)


class _ForeignPeersOracle(PeersOracle):
    """As `PeersOracle`; `links` are left out."""

    links: _Links

    def begin(self) -> None:
        self.links.begin()
        super().begin()

    def deleted_at(self, part: str, path: str, entry: Entry) -> None:
        if part == "far":
            self.links.check(path)
        super().deleted_at(part, path, entry)


class _ForeignRuns(SystemHistory):
    """What whole runs of both kinds of jobs have in common."""

    def __init__(self, story: Story, *rest: Any) -> None:
        self.server = story.one_of(SERVERS)
        super().__init__(story, *rest)
        self._disasters = [name for name in self._disasters if name in BETWEEN]
        _let_keep(self.server, self.people, self.near, self.far)

    def _far(self) -> LivelyTree:
        far = ForeignLively("far", self.weather, self.oracle.at("far"), self.ledger)
        far.server = self.server
        self.links = _Links(self.near, self.server)
        assert isinstance(self.oracle, _ForeignOracle | _ForeignPeersOracle)
        self.oracle.links = self.links
        return far

    def _has_lanes(self) -> bool:
        return False

    def _touched(self, tree: CountedTree, some: Iterable[str]) -> None:
        some = list(some)
        self.links.touched(tree, some)
        super()._touched(tree, some)

    def _is_unsure(self, path: str) -> bool:
        return self.links.were_above(path) or super()._is_unsure(path)

    def _now(self) -> int:
        return int((self.system.now + self.system.ahead) // 10 * 10) * SECOND + 3 * 10**8


class ForeignSystemHistory(_ForeignRuns):
    """A job in one direction."""

    def _oracle(self) -> Oracle:
        return _ForeignOracle(self.system, self.ledger)


class ForeignTwoWaySystemHistory(_ForeignRuns, TwoWaySystemHistory):
    """A job in both directions."""

    def _oracle(self) -> PeersOracle:
        return _ForeignPeersOracle(self.system, self.ledger)


@contextmanager
def ready() -> Iterator[Teller]:
    with system.ready(ForeignSystemHistory) as teller:
        yield teller


@contextmanager
def ready_two_way() -> Iterator[Teller]:
    with system.ready(ForeignTwoWaySystemHistory) as teller:
        yield teller
