"""Contents of the spool get copies on nodes, until a client may be told that its files are safe.

A copy counts when the node has said that it is durable, and has then shown the sequence of its
folder: so the copy is covered by what is known of that folder (machines/nodes/returning.py).

A copy that the workspace has already may be rotten, and nobody knows it yet. Where one copy is all
that makes a content safe, it is read before it counts; with two of them the other one is good.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

from cargo_sync.machines.nodes.copies import standing
from cargo_sync.machines.nodes.placement import choose, quorum
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.stores.contract import Content
from cargo_sync.stores.nodes.ports import Cluster, NodeSession
from cargo_sync.stores.packets import SMALL
from cargo_sync.stores.reading.pieces import Exchange, PieceRun, pieces_of

AGAIN: Final = 1.0
"""Seconds between two tries to reach the quorum."""

NO_COPY: Final = frozenset({Code.DAMAGED, Code.VANISHED})
"""What a node says of a content of which it has no good copy."""

Copies = frozenset[tuple[int, int]]
"""Nodes that have a copy, each with the life of its folder. Contents share these: they are many."""

_NO_COPIES: Final = Copies()
_NOWHERE: Final = frozenset[int]()


class _Group(NamedTuple):
    """Contents that are placed alike.

    copies  that were made
    kept    nodes that have a copy, by the workspace's own row; None without such a row
    never   nodes that must not get one
    begun   nodes that have got the content already, without its name
    """

    copies: Copies
    kept: frozenset[int] | None
    never: frozenset[int]
    begun: frozenset[int]


Kept = Mapping[str, frozenset[int] | None]
"""The nodes that have each content, by the workspace's own row; None without such a row."""


def _nowhere(_content: Content) -> Collection[int]:
    return ()


class Securing:
    """Makes copies."""

    def __init__(
        self, cluster: Cluster, forwarded: Callable[[Content], Collection[int]] = _nowhere
    ) -> None:
        """`forwarded` says which nodes have got a content already, without its name."""
        self._cluster = cluster
        self._forwarded = forwarded

    async def secure(self, workspace: int, contents: Sequence[Content]) -> list[int]:
        """Makes the copies that a workspace wants of contents that are held in the spool.

        It waits below the quorum, however long.

        Returns:
            For each content the number of its placement.
        """
        cluster = self._cluster
        hashes = [one.hash for one in contents]
        while cluster.claims.are_leaving(hashes):
            await cluster.pause(AGAIN)
        wanted = cluster.wanted(workspace)
        kept = dict(await known(cluster, workspace, hashes))
        copies = dict.fromkeys(hashes, _NO_COPIES)
        failed = dict[str, frozenset[int]]()
        trusted = kept if quorum(wanted) > 1 else dict[str, frozenset[int] | None]()
        while True:
            if trusted is not kept:
                # Also those whose copy was read before its node went away.
                unread = self._short(contents, trusted, copies, wanted)
                await self._read(unread, kept, trusted)
            short = self._short(contents, trusted, copies, wanted)
            if not short:
                numbers = await self._numbers(contents, kept, copies)
                if numbers is not None:
                    return list(map(numbers.__getitem__, hashes))
            elif await self._more(short, kept, copies, failed, wanted):
                continue
            failed.clear()
            await cluster.pause(AGAIN)

    async def _read(
        self,
        contents: Sequence[Content],
        kept: dict[str, frozenset[int] | None],
        trusted: dict[str, frozenset[int] | None],
    ) -> None:
        """Reads one copy of each: a whole one is trusted, what is none is not kept any more."""
        cluster, on = self._cluster, defaultdict[int, list[Content]](list)
        members = cluster.links.members()
        for one in contents:
            if nodes := kept[one.hash]:
                for node in standing(nodes, members, 1).readable[:1]:
                    on[node].append(one)
        for node, some in on.items():
            runs = [PieceRun(one, 0, pieces_of(one)) for one in some]
            try:
                results = await cluster.links.stream(node, runs, _take)
            except ProblemError:
                continue  # if it went away, its copy does not count anyway
            for hash in await no_copies(cluster, node, some, results.problems):
                kept[hash] = (kept[hash] or frozenset()) - {node}
            for one in results.done(some):
                trusted[one.hash] = frozenset({node})

    def _short(
        self,
        contents: Sequence[Content],
        own: Kept,
        copies: Mapping[str, Copies],
        wanted: int,
    ) -> list[Content]:
        """Those of which too few nodes that are up have a copy."""
        # Nodes are looked at once, and once in each combination: contents are many.
        members = self._cluster.links.members()
        is_short = dict[tuple[Copies, frozenset[int] | None], bool]()
        short = []
        for one in contents:
            key = copies[one.hash], own.get(one.hash)
            if (lacks := is_short.get(key)) is None:
                found = standing(_having(*key), members, wanted)
                lacks = is_short[key] = len(found.readable) < quorum(wanted)
            if lacks:
                short.append(one)
        return short

    async def _more(
        self,
        short: Sequence[Content],
        kept: Kept,
        copies: dict[str, Copies],
        failed: dict[str, frozenset[int]],
        wanted: int,
    ) -> bool:
        """Makes copies of contents that have too few; False if no node took any."""
        groups = defaultdict[tuple[Any, ...], list[Content]](list)  # as `_Group`, made at once
        for one in short:
            hash, size = one
            begun = frozenset(self._forwarded(one)) if size > SMALL else _NOWHERE
            groups[copies[hash], kept[hash], failed.get(hash, _NOWHERE), begun].append(one)
        took, waiting = False, [(_Group(*key), some) for key, some in groups.items()]
        while waiting:
            group, some = waiting.pop()
            have, never, begun = _having(group.copies, group.kept), group.never, group.begun
            members = self._cluster.links.members()
            there = standing(have, members, wanted).readable
            count = max(wanted, quorum(wanted)) - len(there)
            first = [
                node
                for node in sorted(begun - have - never)
                if node in members and members[node].takes
            ][:count]
            choice = partial(choose, members, have | never | {*first}, count - len(first))
            chance = self._cluster.world.chance
            chosen = [*first, *choice(sum(one.size for one in some), chance)]
            if len(there) + len(chosen) < quorum(wanted):
                least = [*first, *choice(min(one.size for one in some), chance)]
                if len(some) > 1 and len(there) + len(least) >= quorum(wanted):
                    # There is room for some of them, or for all on different nodes.
                    half = len(some) // 2
                    waiting += [(group, some[half:]), (group, some[:half])]
                continue
            tries = [self._copy(node, some, copies, failed) for node in chosen]
            took = any(await self._cluster.together(tries)) or took
        return took

    async def _copy(
        self,
        node: int,
        some: Sequence[Content],
        copies: dict[str, Copies],
        failed: dict[str, frozenset[int]],
    ) -> bool:
        """Makes copies on one node, and notes which of them count."""
        done, session = await place_on(self._cluster, node, some)
        if session is not None:
            made, grown = {(node, session.life)}, dict[Copies, Copies]()
            for hash, _ in done:
                before = copies[hash]
                if (after := grown.get(before)) is None:
                    others = {pair for pair in before if pair[0] != node}
                    after = grown[before] = frozenset(others | made)
                copies[hash] = after
        if len(done) < len(some):
            there = {one.hash for one in done}
            for hash, _ in some:
                if hash not in there:
                    failed[hash] = failed.get(hash, _NOWHERE) | {node}
        return bool(done)

    async def _numbers(
        self,
        contents: Sequence[Content],
        kept: Kept,
        copies: dict[str, Copies],
    ) -> dict[str, int] | None:
        """The placements; None if copies were lost meanwhile, and there are too few."""
        cluster = self._cluster
        groups = defaultdict[Copies, list[Content]](list)
        for one in contents:
            groups[copies[one.hash]].append(one)
        numbers, whole = dict[str, int](), True
        for lives, some in groups.items():
            number, nodes = await cluster.world.offload(cluster.blobs.place, dict(lives))
            numbers.update(dict.fromkeys([one.hash for one in some], number))
            left = frozenset(pair for pair in lives if pair[0] in nodes)
            if left != lives:
                copies.update(dict.fromkeys([one.hash for one in some], left))
                whole = False
            more = [one for one in some if kept[one.hash] is not None]
            for node, life in sorted(lives):
                await cluster.found(node, life, more)
        return numbers if whole else None


def _having(copies: Copies, kept: frozenset[int] | None) -> frozenset[int]:
    """The nodes that have a copy."""
    return frozenset(node for node, _ in copies) | (kept or _NOWHERE)


def _take(
    _run: int, _number: int, _memory: memoryview | None, _exchange: Exchange | None = None
) -> bool:
    """The node has checked it: see `BlobReader`."""
    return True


async def known(cluster: Cluster, workspace: int, hashes: Sequence[str]) -> Kept:
    """What rows say of these contents.

    A node that is to delete its copy may get it again: nobody deletes what is held, and a copy that
    has an owner by the time that it would be deleted stays.
    """
    nodes = await cluster.world.offload(cluster.blobs.nodes, workspace, hashes)
    return dict(zip(hashes, nodes, strict=True))


async def place_on(
    cluster: Cluster, node: int, some: Sequence[Content]
) -> tuple[list[Content], NodeSession | None]:
    """Makes copies of contents of the spool on a node, and confirms them.

    Returns:
        Those that count, and the session in which they were made.
    """
    links = cluster.links
    session = links.session(node)
    if session is None:
        return [], None
    try:
        results = await links.place(node, some)
        if done := results.done(some):
            await links.confirm(node, session, results.life)
    except ProblemError:
        return [], None
    return done, session


async def no_copies(
    cluster: Cluster, node: int, some: Sequence[Content], problems: Sequence[Problem | None]
) -> list[str]:
    """What a node turned out not to have, or not whole, counts no more; returns its hashes."""
    gone = [
        one.hash
        for one, why in zip(some, problems, strict=True)
        if why is not None and why.code in NO_COPY
    ]
    if gone:
        await cluster.world.offload(cluster.blobs.lose, node, gone)
    return gone
