"""Contents of the spool get copies on nodes, until a client may be told that its files are safe.

A copy counts when the node has said that it is durable, and has then shown the sequence of its
folder: so the copy is covered by what is known of that folder (machines/nodes/returning.py).

A copy that the workspace has already may be rotten, and nobody knows it yet. Where one copy is all
that makes a content safe, it is read before it counts; with two of them the other one is good.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

from cargo_sync.machines.nodes.copies import standing
from cargo_sync.machines.nodes.placement import choose, quorum
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.stores.contract import Content
from cargo_sync.stores.nodes.pieces import Exchange, PieceRun, pieces_of
from cargo_sync.stores.nodes.ports import Cluster, NodeSession

AGAIN: Final = 1.0
"""Seconds between two tries to reach the quorum."""

NO_COPY: Final = frozenset({Code.DAMAGED, Code.VANISHED})
"""What a node says of a content of which it has no good copy."""

Copies = dict[int, int]
"""Nodes that have a copy, each with the life of its folder."""


class _Group(NamedTuple):
    """Contents that are placed alike.

    have   nodes that have a copy
    never  nodes that must not get one
    begun  nodes that have got the content already, without its name
    """

    have: frozenset[int]
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
        copies = {one.hash: Copies() for one in contents}
        failed: dict[str, set[int]] = defaultdict(set)
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
                    return [numbers[hash] for hash in hashes]
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
        members, is_safe = self._cluster.links.members(), dict[frozenset[int], bool]()
        short = []
        for one in contents:
            nodes = frozenset(copies[one.hash]).union(own.get(one.hash) or ())
            if nodes not in is_safe:
                found = standing(nodes, members, wanted)
                is_safe[nodes] = len(found.readable) >= quorum(wanted)
            if not is_safe[nodes]:
                short.append(one)
        return short

    async def _more(
        self,
        short: Sequence[Content],
        kept: Kept,
        copies: Mapping[str, Copies],
        failed: Mapping[str, set[int]],
        wanted: int,
    ) -> bool:
        """Makes copies of contents that have too few; False if no node took any."""
        groups = defaultdict[_Group, list[Content]](list)
        for one in short:
            have = frozenset({*(kept[one.hash] or ()), *copies[one.hash]})
            never = frozenset(failed[one.hash])
            groups[_Group(have, never, frozenset(self._forwarded(one)))].append(one)
        took, waiting = False, list(groups.items())
        while waiting:
            group, some = waiting.pop()
            have, never, begun = group
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
        copies: Mapping[str, Copies],
        failed: Mapping[str, set[int]],
    ) -> bool:
        """Makes copies on one node, and notes which of them count."""
        done, session = await place_on(self._cluster, node, some)
        there = {one.hash for one in done}
        for one in some:
            if session is not None and one.hash in there:
                copies[one.hash][node] = session.life
            else:
                failed[one.hash].add(node)
        return bool(done)

    async def _numbers(
        self,
        contents: Sequence[Content],
        kept: Kept,
        copies: Mapping[str, Copies],
    ) -> dict[str, int] | None:
        """The placements; None if copies were lost meanwhile, and there are too few."""
        cluster = self._cluster
        offload = cluster.world.offload
        groups = defaultdict[tuple[tuple[int, int], ...], list[str]](list)
        for one in contents:
            groups[tuple(sorted(copies[one.hash].items()))].append(one.hash)
        numbers, whole = dict[str, int](), True
        sized = {one.hash: one for one in contents}
        for lives, hashes in groups.items():
            number, nodes = await offload(cluster.blobs.place, dict(lives))
            for hash in hashes:
                numbers[hash] = number
                for node in copies[hash].keys() - nodes:
                    del copies[hash][node]
                    whole = False
            for node, life in lives:
                more = [sized[hash] for hash in hashes if kept[hash] is not None]
                await cluster.found(node, life, more)
        return numbers if whole else None


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
        done = (await links.place(node, some)).done(some)
        if done:
            await links.confirm(node, session)
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
