"""Pieces of contents are fetched from nodes into memory, each checked before anybody has it.

If a node goes away, is silent or gives a rotten piece, another one goes on with the pieces that are
missing. What was found to be no copy counts no more, and is repaired.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

from cargo_sync.machines.nodes.copies import standing
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.stores.blob_pieces import PIECE
from cargo_sync.stores.contract import Content
from cargo_sync.stores.nodes.held_pieces import HeldPieces, PieceKey
from cargo_sync.stores.nodes.pieces import Exchange, PieceRun, is_right
from cargo_sync.stores.nodes.ports import Cluster
from cargo_sync.stores.nodes.securing import known, no_copies

KNOWN_BYTES: Final = 16 << 20
"""Lists of pieces that are kept in memory, beside those of one content."""
_KNOWN: Final = 1_000
_UNKNOWN: Final = Problem(
    Code.INTERNAL, "the server failed while it read this file from a storage node"
)


class _Copies(NamedTuple):
    """Where a content lies.

    turn    from which of the nodes on, 0 to 1
    listed  the list of its pieces
    """

    nodes: frozenset[int]
    turn: float
    listed: bytes


class PieceFetching:
    """Fetches pieces. To be used in the event loop."""

    def __init__(self, cluster: Cluster, held: HeldPieces) -> None:
        self._cluster = cluster
        self._held = held
        self._known: OrderedDict[tuple[int, Content], _Copies] = OrderedDict()
        """Of large contents that were read lately: many runs of each are asked for."""
        self._known_bytes = 0

    async def fetch(self, workspace: int, runs: Sequence[PieceRun]) -> None:
        """Fetches some runs: at its end each piece that is still wanted is here, or has failed."""
        try:
            why = await self._fetch(workspace, runs)
        except ProblemError as error:
            why = error.problem
        except Exception:
            self._held.fail(workspace, runs, _UNKNOWN)
            raise
        self._held.fail(workspace, runs, why)

    async def _fetch(self, workspace: int, runs: Sequence[PieceRun]) -> Problem:
        """Fetches what it can; why the rest cannot be had."""
        is_known = any((workspace, run.content) in self._known for run in runs)
        why = await self._try(workspace, runs)
        left = self._held.missing(workspace, runs)
        if left and is_known:  # the rows are read again: there may be other copies by now
            self._forget(workspace, [run.content for run in left])
            why = await self._try(workspace, left)
        return why

    async def _try(self, workspace: int, runs: Sequence[PieceRun]) -> Problem:
        copies = await self._copies(workspace, [run.content for run in runs])
        groups = defaultdict[tuple[frozenset[int], float], list[PieceRun]](list)
        for run in runs:
            one = copies[run.content]
            groups[one.nodes, one.turn].append(run)
        whys = [self._lost(is_somewhere=any(nodes for nodes, _ in groups))]
        reads = [
            self._from_some(workspace, group, self._order(nodes, turn), copies, whys)
            for (nodes, turn), group in groups.items()
        ]
        await self._cluster.together(reads)
        return whys[-1]

    def _lost(self, *, is_somewhere: bool) -> Problem:
        """Why contents cannot be read although no node has refused them."""
        if is_somewhere:
            message = "no storage node that has this file answers now"
            hint = "it can be read when one of them is back: cargo_ctl node list"
            return Problem(Code.UNREACHABLE, message, hint=hint)
        if any(one.may_have_more for one in self._cluster.links.members().values()):
            message = "it is not known yet which storage node has this file"
            hint = "it can be read when all nodes were asked: cargo_ctl node list"
            return Problem(Code.UNREACHABLE, message, hint=hint)
        message = "no storage node has this file any more"
        return Problem(Code.DAMAGED, message, hint="send it again from where it came", retry=False)

    async def _from_some(
        self,
        workspace: int,
        runs: Sequence[PieceRun],
        nodes: Sequence[int],
        copies: Mapping[Content, _Copies],
        whys: list[Problem],
    ) -> bool:
        """Reads from these nodes, one after the other; whether all came. Adds why not."""
        cluster, refused = self._cluster, list[tuple[int, PieceRun]]()
        for node in nodes:
            runs = self._held.missing(workspace, runs)
            if not runs:
                break
            try:
                take = partial(self._take, workspace, runs, copies)
                results = await cluster.links.stream(node, runs, take)
            except ProblemError as error:
                problems = [error.problem]
            else:
                contents = [run.content for run in runs]
                await no_copies(cluster, node, contents, results.problems)
                problems = [one for one in results.problems if one is not None]
                pairs = zip(runs, results.problems, strict=True)
                refused += [(node, run) for run, why in pairs if why and why.code == Code.CORRUPT]
            if problems:
                whys.append(problems[0])
                self._forget(workspace, [run.content for run in runs])
        missing = self._held.missing(workspace, runs)
        # Where another node had the right pieces, these copies are none. Else it may be our list
        # that is wrong, and nothing is given up.
        wanted = {run.content for run in missing}
        for node, run in refused:
            if run.content not in wanted and len(nodes) > 1:
                await cluster.world.offload(cluster.blobs.lose, node, [run.content.hash])
        return not missing

    def _take(
        self,
        workspace: int,
        runs: Sequence[PieceRun],
        copies: Mapping[Content, _Copies],
        index: int,
        number: int,
        memory: memoryview | None,
        exchange: Exchange | None = None,
    ) -> bool:
        """See `Take`."""
        content = runs[index].content
        if not is_right(content, number, memory, copies[content].listed):
            return False
        self._held.came(PieceKey(workspace, content, number), memory, exchange)
        return True

    def _order(self, nodes: frozenset[int], turn: float) -> list[int]:
        """From which nodes to read, one after the other: by chance, so that all have their part."""
        readable = list(standing(nodes, self._cluster.links.members(), 1).readable)
        first = int(turn * len(readable))
        return readable[first:] + readable[:first]

    # -- where they lie ----------------------------------------------------------------------------

    async def _copies(self, workspace: int, contents: Sequence[Content]) -> dict[Content, _Copies]:
        cluster, found = self._cluster, dict[Content, _Copies]()
        for content in contents:
            if one := self._known.get((workspace, content)):
                self._known.move_to_end((workspace, content))
                found[content] = one
        new = [content for content in contents if content not in found]
        if not new:
            return found
        kept = await known(cluster, workspace, [one.hash for one in new])
        turn = cluster.world.chance()
        for content in new:
            nodes, listed = kept[content.hash] or frozenset(), b""
            if content.size > PIECE:
                call = cluster.world.offload
                listed = await call(cluster.blobs.pieces, workspace, content.hash)
            found[content] = one = _Copies(nodes, turn, listed)
            if listed and nodes:
                self._remember(workspace, content, one)
        return found

    def _remember(self, workspace: int, content: Content, copies: _Copies) -> None:
        self._forget(workspace, [content])
        self._known[workspace, content] = copies
        self._known_bytes += len(copies.listed)
        while len(self._known) > 1 and (
            self._known_bytes > KNOWN_BYTES or len(self._known) > _KNOWN
        ):
            self._known_bytes -= len(self._known.popitem(last=False)[1].listed)

    def _forget(self, workspace: int, contents: Sequence[Content]) -> None:
        for content in contents:
            if one := self._known.pop((workspace, content), None):
                self._known_bytes -= len(one.listed)
