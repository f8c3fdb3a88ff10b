"""When snapshots are made, and how they get to the nodes.

One is made when something has changed that it is for, at most once in so many seconds; when a
person has a new recovery key; and when the server stops in order, if there is time. Each node that
is there gets it. One node that has it is enough; the others get the next one.
"""

import asyncio
import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, Final

from cargo_sync.local.read import Going
from cargo_sync.model.problems import Code, Problem, ProblemError, from_os_error
from cargo_sync.model.transfers import Offer
from cargo_sync.model.world import World
from cargo_sync.process.metrics import Family
from cargo_sync.process.wakeup import Wakeup
from cargo_sync.state.recovery import RecoveryRow, RecoveryRows
from cargo_sync.stores.blobs import for_blobs
from cargo_sync.stores.contract import Content
from cargo_sync.stores.nodes.store import NodeStore
from cargo_sync.stores.snapshots.making import SealedSnapshot, SnapshotMaker
from cargo_sync.stores.spool import BlobSpool

LOOK: Final = 60.0
"""Seconds between two looks whether one is due,"""
SOON: Final = 1.0
"""and if one is due while no node is there."""
LAST: Final = 1.5
"""Seconds that a server which stops has for its last one."""
_PIECE: Final = 1 << 20
_NO_KEY: Final = (
    "there are storage nodes, and no recovery key: if this machine is lost, the names of the files "
    "on them are lost; make a key with: cargo_ctl node recovery-key"
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SnapshotReport:
    """How well the state is kept on nodes.

    has_key  a person has a recovery key
    made     unix seconds of the last snapshot that a node has; None if there is none
    current  unix seconds when the state was last found to be in a snapshot; None if never
    nodes    how many nodes got the last one; None if none was made since the start
    """

    has_key: bool = False
    made: float | None = None
    current: float | None = None
    nodes: int | None = None


class Snapshots:
    """The snapshots of one server.

    report  as of the last look
    """

    def __init__(
        self, rows: RecoveryRows, maker: SnapshotMaker, store: NodeStore, world: World, every: float
    ) -> None:
        """At most one in `every` seconds."""
        self._rows = rows
        self._maker = maker
        self._store = store
        self._world = world
        self._every = every
        self._wakeup = Wakeup()
        self._turn = asyncio.Lock()
        self._tried: float | None = None
        self._is_ending = False
        self._waits = False
        """One is due, and no node is there."""
        self.report = SnapshotReport(has_key=True)
        """Before the first look nobody is told that there is none."""

    async def run(self) -> None:
        """Makes snapshots when they are due, until cancelled."""
        await self._world.offload(self._maker.clear)
        while True:
            await self.look()
            await self._wakeup.wait(SOON if self._waits else LOOK)

    async def set_key(self, sealing: bytes, verifier: bytes) -> None:
        """From now on snapshots are for another recovery key; one is made at once.

        Raises:
            ProblemError: the state cannot be written.
        """
        await self._world.offload(self._rows.set_key, sealing, verifier)
        self._tried = None
        self._wakeup.set()

    async def look(self) -> None:
        """Makes a snapshot if one is due. What goes wrong is logged, and tried again."""
        try:
            async with self._turn:
                await self._look(lambda: not self._is_ending, self._every)
        except ProblemError as error:
            self._tried = None
            if error.problem.code is not Code.STOPPED:
                _log.error("no snapshot of the state could be made: %s", error)

    async def last(self) -> None:
        """Makes one before the server stops, if something has changed and there is time."""
        self._is_ending = True
        end = self._world.steady() + LAST
        try:
            async with asyncio.timeout(LAST), self._turn:
                await self._look(lambda: self._world.steady() < end, 0.0)
        except (TimeoutError, ProblemError) as error:
            _log.warning("no snapshot was made of the last changes: %s", error or "no time")

    def warnings(self) -> list[str]:
        """What a person should do."""
        is_well = self.report.has_key or not self._store.fleet.members()
        return [] if is_well else [_NO_KEY]

    def families(self) -> Iterable[Family]:
        """The metrics."""
        found = self.report
        if found.current is not None:
            yield Family.one(
                "cargo_server_snapshot_age_seconds",
                "gauge",
                "Seconds since all of the state was found to be in a snapshot on nodes.",
                max(0.0, self._world.wall() - found.current),
            )
        if found.nodes is not None:
            yield Family.one(
                "cargo_server_snapshot_nodes",
                "gauge",
                "Storage nodes that got the last snapshot of the state.",
                found.nodes,
            )

    # -- within ------------------------------------------------------------------------------------

    async def _look(self, going: Going, every: float) -> None:
        offload, now = self._world.offload, self._world.steady()
        self._waits = False
        row = await offload(self._rows.get)
        if row is None:
            self.report = SnapshotReport()
            return
        of_state = await offload(self._rows.stamp)
        nodes = self.report.nodes
        current = self.report.current or row.made
        if row.covers == await offload(self._maker.stamp, of_state):
            self.report = SnapshotReport(True, row.made, self._world.wall(), nodes)
            return
        self.report = SnapshotReport(True, row.made, current, nodes)
        # Half a look early: it would be a whole look late else.
        if self._tried is not None and now - self._tried < every - LOOK / 2:
            return
        self._waits = not self._there()
        if self._waits:
            return
        self._tried = now
        await self._make(of_state, going)

    async def _make(self, of_state: str, going: Going) -> None:
        offload = self._world.offload
        row: RecoveryRow | None = await offload(self._rows.begin)
        assert row is not None, "it was there"
        try:
            made = await offload(self._maker.make, row, of_state, going)
            nodes = await self._send(made)
        finally:
            await offload(self._maker.clear)
        now = made.snapshot.made
        await offload(self._rows.made, made.stamp, now, made.verifier)
        self.report = SnapshotReport(True, now, now, nodes)
        _log.info("a snapshot of the state is on %d nodes", nodes)

    async def _send(self, made: SealedSnapshot) -> int:
        """Sends it to all nodes that are there; returns how many have it. At least one has."""
        store = self._store
        content = await self._world.offload(spooled, store.spool, made.path, self._world.token())
        try:
            tries = [self._to_node(node, content, made) for node in self._there()]
            problems = await asyncio.gather(*tries)
        finally:
            await self._world.offload(store.release, [content])
        failed = [why for why in problems if why is not None]
        for why in failed:
            _log.warning("a node did not get the snapshot of the state: %s", why)
        if len(failed) == len(problems):
            words = "no storage node could take it"
            raise ProblemError(failed[0] if failed else Problem(Code.UNREACHABLE, words))
        return len(problems) - len(failed)

    async def _to_node(self, node: int, content: Content, made: SealedSnapshot) -> Problem | None:
        try:
            await self._store.fleet.keep_snapshot(node, content, made.snapshot, made.verifier)
        except ProblemError as error:
            return error.problem
        return None

    def _there(self) -> list[int]:
        return [id for id, one in self._store.fleet.members().items() if one.gives]


def spooled(spool: BlobSpool, path: str, transfer: str) -> Content:
    """Brings a file into the spool, as a content that is held once.

    Raises:
        ProblemError: there is no room for it, or the disk failed.
    """
    with _opened(path) as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        [offer] = for_blobs([Offer(path, size, 0, 0, 0, 0, transfer)])
        part = spool.staging.part(offer)
        try:
            at = 0
            while piece := file.read(_PIECE):
                part.write(at, memoryview(piece))
                at += len(piece)
            staged = part.finish()
        except BaseException:
            part.leave()
            raise
    [why] = spool.place([staged])
    if why is not None:
        raise ProblemError(why)
    return Content(staged.hash, staged.size)


@contextmanager
def _opened(path: str) -> Iterator[BinaryIO]:
    try:
        with open(path, "rb") as file:
            yield file
    except OSError as error:
        raise ProblemError(from_os_error(error, path)) from error
