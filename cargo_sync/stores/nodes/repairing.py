"""Copies that are missing are made, a batch at a time, at a bounded rate; copies too many go.

Contents are fetched from one node into the spool, which checks them, and placed on others from
there. Nothing is kept of it in memory: what is missing follows from the placements.
"""

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from cargo_sync.machines.nodes.copies import Surplus, standing
from cargo_sync.machines.nodes.progress import RepairProgress
from cargo_sync.machines.nodes.repair import Lack, Stock, SurplusWatch, pause, plan, targets
from cargo_sync.model.problems import ProblemError
from cargo_sync.stores.contract import Content
from cargo_sync.stores.nodes.ports import Cluster
from cargo_sync.stores.nodes.securing import known, no_copies, place_on

BATCH: Final = 1_000
"""Contents that are copied together,"""
BATCH_BYTES: Final = 64 << 20
"""and after so many bytes no further one."""
REST: Final = 60.0
"""Seconds after which contents that could not be copied are tried again, if nothing changes."""
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Pass:
    """One way through a stock.

    after   how far it has come
    copied  whether it has made a copy
    moved   whether a content got another placement meanwhile, or may have: somebody deletes copies
    """

    after: str = ""
    copied: bool = False
    moved: bool = False


class Repairing:
    """Makes the copies that are missing.

    A stock rests when a whole way through it has copied nothing, until it or its nodes change. If
    something of it changed on the way, it may be as before by now, so it does not rest.

    progress  what it has made, and how fast
    """

    def __init__(self, cluster: Cluster) -> None:
        self.progress = RepairProgress()
        self._cluster = cluster
        self._passes: dict[tuple[int, int], _Pass] = {}
        self._resting: dict[tuple[int, int], tuple[float, Lack]] = {}
        """Since when, and what was missing then."""
        self._told = 0
        """Copies of `progress` that the log knows of."""

    async def step(self) -> float | None:
        """Repairs one batch.

        Returns:
            Seconds to wait before the next one; None if there is nothing that can be done now.
        """
        cluster = self._cluster
        lacks = plan(await cluster.stocks(), cluster.links.members())
        self._forget({_key(lack.stock) for lack in lacks})
        if not lacks:
            self.progress.rest()
            self._tell()
        for lack in lacks:
            began = cluster.world.steady()
            if self._rests(lack, began):
                continue
            size = await self._batch(lack)
            if size is not None:
                return pause(size, cluster.world.steady() - began, cluster.rate())
        return None

    def _tell(self) -> None:
        """Nothing can be made now: the log gets what was made since it last was so."""
        if made := self.progress.copies - self._told:
            _log.info("copies that were missing were made: %d", made)
            self._told += made

    def _forget(self, lacking: set[tuple[int, int]]) -> None:
        """Stocks that lack nothing, or cannot be repaired now, begin anew when they do."""
        for kept in (self._passes, self._resting):
            for key in kept.keys() - lacking:
                kept.pop(key)

    def _rests(self, lack: Lack, now: float) -> bool:
        since, then = self._resting.get(_key(lack.stock), (now, None))
        return then == lack and now - since < REST

    async def _batch(self, lack: Lack) -> int | None:
        """Repairs some contents of a stock; the bytes that were copied, None if it rests now."""
        cluster, stock = self._cluster, lack.stock
        key = _key(stock)
        way = self._passes.setdefault(key, _Pass())
        call = cluster.world.offload
        hashes = await call(cluster.blobs.page, stock.placement, way.after, BATCH)
        rows = await call(cluster.blobs.find, hashes)
        own = [
            Content(row.hash, row.size)
            for row in sorted(rows)
            if (row.workspace, row.placement) == key[::-1]
        ]
        mine = [row for row in rows if row.workspace == stock.workspace]
        way.moved |= any(row.placement != stock.placement for row in mine)
        if not hashes:
            self._passes.pop(key)
            if way.copied:
                return 0  # what came meanwhile may lie before the place where it was found
            if way.after and not way.moved:
                self._resting[key] = cluster.world.steady(), lack
            return None
        some = _batched(own)
        way.after = some[-1].hash if len(some) < len(own) else hashes[-1]
        if some:
            began = cluster.world.steady()
            self.progress.begin(len(some), sum(one.size for one in some), began)
            made = await self._copy(stock, some, way)
            size = sum(one.size for one in made)
            way.copied = bool(made) or way.copied
            self.progress.batch(len(made), size, began, cluster.world.steady())
        return sum(one.size for one in some)

    async def _copy(self, stock: Stock, some: Sequence[Content], way: _Pass) -> Sequence[Content]:
        """Copies contents; returns those of which a copy was made, once for each copy."""
        cluster = self._cluster
        fetched, made = list[Content](), list[Content]()
        try:
            await self._fetch(stock, some, fetched)
            kept = await known(cluster, stock.workspace, [one.hash for one in fetched])
            way.moved |= any(nodes != stock.nodes for nodes in kept.values())
            groups = defaultdict[frozenset[int], list[Content]](list)
            for one in fetched:
                nodes = kept[one.hash]
                if cluster.claims.are_leaving([one.hash]):
                    way.moved = True  # soon nobody deletes it
                elif nodes is not None:
                    groups[nodes].append(one)
            for nodes, together in groups.items():
                made += await self._place(stock._replace(nodes=nodes), together)
        finally:
            cluster.links.release([one.hash for one in fetched])
        return made

    async def _fetch(self, stock: Stock, some: Sequence[Content], fetched: list[Content]) -> None:
        """Brings contents into the spool, from the first node that has a good copy."""
        cluster = self._cluster
        left = list(some)
        for node in standing(stock.nodes, cluster.links.members(), stock.wanted).readable:
            if not left:
                return
            try:
                results = await cluster.links.fetch(node, left)
            except ProblemError:
                continue
            done = results.done(left)
            fetched += done
            await no_copies(cluster, node, left, results.problems)
            there = set(done)
            left = [one for one in left if one not in there]

    async def _place(self, stock: Stock, some: Sequence[Content]) -> Sequence[Content]:
        cluster, made = self._cluster, list[Content]()
        choice = partial(targets, stock, cluster.links.members())
        chosen = choice(sum(one.size for one in some), (), cluster.world.chance)
        least = min(one.size for one in some)
        if not chosen and len(some) > 1 and choice(least, (), cluster.world.chance):
            half = len(some) // 2  # there is room for some of them, or for all on different nodes
            return [
                *await self._place(stock, some[:half]),
                *await self._place(stock, some[half:]),
            ]
        for node in chosen:
            done, session = await place_on(cluster, node, some)
            if session is not None:
                await cluster.found(node, session.life, done)
                made += done
        return made


class Trimming:
    """Deletes copies that have been too many for a day, if the others are good.

    A node that says that it has a content may have a rotten one. So the copies that are to stay are
    read first, at the rate of repairs.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._watch = SurplusWatch()
        self._after: dict[tuple[int, int], str] = {}

    async def step(self) -> float | None:
        """Gives up the copies of one batch.

        Returns:
            Seconds to wait before the next one; None if there is nothing to do now.
        """
        cluster = self._cluster
        if not cluster.deletes():
            return None
        began = cluster.world.steady()
        stocks = await cluster.stocks()
        due = self._watch.due(stocks, cluster.links.members(), cluster.world.lived())
        for stock, extra in due.items():
            if some := await self._some(stock):
                await self._trim(extra, some)
                size = sum(one.size for one in some) * len(extra.keepers)
                return pause(size, cluster.world.steady() - began, cluster.rate())
        return None

    async def _some(self, stock: Stock) -> Sequence[Content]:
        """The next contents of a stock that no workspace wants more of; empty after the last."""
        cluster, key = self._cluster, _key(stock)
        call = cluster.world.offload
        while True:
            after = self._after.get(key, "")
            hashes = await call(cluster.blobs.page, stock.placement, after, BATCH)
            if not hashes:
                self._after.pop(key, None)
                return ()
            rows = await call(cluster.blobs.find, hashes)
            more = {row.hash for row in rows if cluster.wanted(row.workspace) > stock.wanted}
            own = sorted(row for row in rows if (row.placement, row.workspace) == key)
            found = _batched([Content(row.hash, row.size) for row in own if row.hash not in more])
            self._after[key] = found[-1].hash if found else hashes[-1]
            if found:
                return found

    async def _trim(self, extra: Surplus, some: Sequence[Content]) -> None:
        """Gives up the spare copies of those that all keepers have, and have whole."""
        cluster = self._cluster
        left = list(some)
        for node in extra.keepers:
            try:
                results = await cluster.links.fetch(node, left)
            except ProblemError:
                return
            done = results.done(left)
            cluster.links.release([one.hash for one in done])
            await no_copies(cluster, node, left, results.problems)
            left = done
        hashes = [one.hash for one in left]
        for node in extra.spare if left else ():
            now = cluster.world.lived()
            await cluster.world.offload(cluster.blobs.give_up, node, hashes, now)


def _key(stock: Stock) -> tuple[int, int]:
    return stock.placement, stock.workspace


def _batched(some: Sequence[Content]) -> Sequence[Content]:
    """The first of these that are copied together: at least one."""
    size = 0
    for count, one in enumerate(some, 1):
        size += one.size
        if size >= BATCH_BYTES:
            return some[:count]
    return some
