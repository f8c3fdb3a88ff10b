"""Small contents are fetched from nodes in packets, each content checked before anybody has it.

Nothing is done here about what does not come: see `ahead`.
"""

from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from typing import Final

from blake3 import blake3

from cargo_sync.machines.nodes.copies import standing
from cargo_sync.model.problems import ProblemError
from cargo_sync.stores.contract import Content
from cargo_sync.stores.nodes.ports import Cluster
from cargo_sync.stores.nodes.securing import known
from cargo_sync.stores.packets import as_content, packed
from cargo_sync.stores.reading.ahead import SmallAsk
from cargo_sync.stores.reading.pieces import Exchange, PieceRun

TURN: Final = 4
"""Packets that one node gives before it is the turn of another one that has the same contents."""


async def fetch_small(cluster: Cluster, ask: SmallAsk) -> None:
    """Fetches what can be had at the first try."""
    try:
        nodes = await _nodes(cluster, ask)
        reads = [_from_one(cluster, node, ask, some) for node, some in nodes.items()]
        await cluster.together(reads)
    except ProblemError:
        pass  # it is told when they are opened
    finally:
        ask.ahead.over(ask.contents)


async def _nodes(cluster: Cluster, ask: SmallAsk) -> dict[int, list[Content]]:
    """From which node to read each: those that have the same ones share them, the first by chance.

    So a batch whose contents came together is not read from one disk alone.
    """
    copies = await known(cluster, ask.workspace, [one.hash for one in ask.contents])
    alike = defaultdict[frozenset[int], list[Content]](list)
    for content in ask.contents:
        alike[copies[content.hash] or frozenset()].append(content)
    found = defaultdict[int, list[Content]](list)
    members, turn = cluster.links.members(), cluster.world.chance()
    for nodes, some in alike.items():
        readable = list(standing(nodes, members, 1).readable)
        if len(readable) == 1:
            found[readable[0]] += some
        elif readable:
            first = int(turn * len(readable))
            for number, packet in enumerate(packed(some)):
                found[readable[(first + number // TURN) % len(readable)]] += packet
    return found


async def _from_one(
    cluster: Cluster, node: int, ask: SmallAsk, contents: Sequence[Content]
) -> bool:
    """Reads from one node; whether it could be asked."""
    packets = list(packed(contents))
    runs = [PieceRun(as_content(packet), 0, 1) for packet in packets]
    try:
        await cluster.links.stream(node, runs, partial(_take, ask, packets))
    except ProblemError:
        return False
    return True


def _take(
    ask: SmallAsk,
    packets: Sequence[Sequence[Content]],
    index: int,
    _number: int,
    memory: memoryview | None,
    exchange: Exchange | None = None,
) -> bool:
    """See `Take`. What is right is kept, whatever else is in its packet."""
    if memory is None:
        return False
    packet, kept = packets[index], ask.ahead.keep(memory, exchange)
    found, at = list[tuple[str, memoryview]](), 0
    whole, digest = kept.bytes, blake3()
    for hash, size in packet:
        part = whole[at : at + size]
        at += size
        digest.reset()
        digest.update(part)
        if digest.digest() == bytes.fromhex(hash):  # hex of ours takes three times as long
            found.append((hash, part))
    ask.ahead.came(found, kept)
    return len(found) == len(packet)
