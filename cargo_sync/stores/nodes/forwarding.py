"""Large contents go on to nodes while they still arrive: to those that will get copies of them.

What a node has got of one counts for nothing. It only makes the copy quick that `Securing` asks for
once all has come and its hash is known; if it fails, the copy is made from the spool as any other.
"""

from collections.abc import Sequence

from cargo_sync.machines.nodes.placement import choose
from cargo_sync.model.problems import ProblemError
from cargo_sync.stores.contract import Content
from cargo_sync.stores.nodes.arriving import ArrivingContent
from cargo_sync.stores.nodes.ports import Cluster


class Forwarding:
    """All of these contents. To be used in the event loop."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._under_way: dict[ArrivingContent, set[int]] = {}
        """With the nodes to which each goes, or has gone."""

    async def send(self, workspace: int, arriving: ArrivingContent) -> None:
        """Sends a content to nodes as it arrives, until nobody needs it."""
        cluster = self._cluster
        members, chance = cluster.links.members(), cluster.world.chance
        nodes = choose(members, (), cluster.wanted(workspace), arriving.file.size, chance)
        if arriving.is_given_up or not nodes:
            return
        self._under_way[arriving] = set(nodes)
        try:
            await cluster.together([self._send(node, arriving) for node in nodes])
        finally:
            self.end(arriving)

    def nodes(self, content: Content) -> set[int]:
        """The nodes that have got a content, or still get it, without its name."""
        if not self._under_way:
            return set()
        some = [nodes for one, nodes in self._under_way.items() if one.content == content]
        return set[int]().union(*some)

    def end(self, arriving: ArrivingContent) -> None:
        """Nobody needs it any more."""
        arriving.give_up()
        arriving.over.set()
        self._under_way.pop(arriving, None)

    def secured(self, contents: Sequence[Content]) -> None:
        """These have their copies, or never will."""
        for one in [one for one in self._under_way if one.content in contents]:
            self.end(one)

    async def _send(self, node: int, arriving: ArrivingContent) -> bool:
        try:
            await self._cluster.links.forward(node, arriving)
        except ProblemError:
            self._under_way.get(arriving, set[int]()).discard(node)
            return False
        return True
