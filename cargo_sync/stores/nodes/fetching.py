"""Pieces of contents are fetched from nodes into memory, each checked before anybody has it.

If a node goes away, is silent or gives a rotten piece, another one goes on with the pieces that are
missing. What was found to be no copy counts no more, and is repaired.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

from cargo_sync.local.piece_lists import PieceList
from cargo_sync.machines.nodes.copies import standing
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.stores.blob_pieces import PIECE
from cargo_sync.stores.contract import Content
from cargo_sync.stores.nodes.ports import Cluster
from cargo_sync.stores.nodes.securing import NO_COPY, known, no_copies
from cargo_sync.stores.reading.held_pieces import HeldPieces, PieceKey
from cargo_sync.stores.reading.pieces import Exchange, PieceRun, is_right, list_of

KNOWN_BYTES: Final = 16 << 20
"""Lists of pieces that are kept in memory, beside those of one content."""
_KNOWN: Final = 1_000
_UNKNOWN: Final = Problem(
    Code.INTERNAL, "the server failed while it read this file from a storage node"
)


class _Copies(NamedTuple):
    """Where a content lies.

    order   in which its readable nodes are asked: by chance, so that all have their part
    listed  by what its pieces are checked
    length  of the list in bytes; 0: it needs none, or has none
    """

    nodes: frozenset[int]
    order: tuple[int, ...]
    listed: PieceList
    length: int


class _Fetch:
    """Some runs that are being fetched, and what becomes of them.

    came     pieces that it has brought: who waits for one of these wants it anew, from another one
    whys     why contents cannot be had
    refused  runs of which a node gave wrong pieces
    """

    def __init__(self, workspace: int) -> None:
        self.workspace = workspace
        self.came = set[PieceKey]()
        self.whys = dict[Content, Problem]()
        self.refused = list[tuple[int, PieceRun]]()
        self._none: dict[Content, set[int]] = defaultdict(set)

    def said(self, node: int, runs: Sequence[PieceRun], problems: Sequence[Problem | None]) -> None:
        """Notes what a node has said of some runs.

        That it has no copy is not why a content cannot be had: there may be others, on nodes that
        do not answer.
        """
        for run, why in zip(runs, problems, strict=True):
            if why is None:
                continue
            if why.code in NO_COPY:
                self._none[run.content].add(node)
                continue
            self.whys[run.content] = why
            if why.code == Code.CORRUPT:
                self.refused.append((node, run))

    def is_somewhere(self, content: Content, nodes: Collection[int]) -> bool:
        """Whether one of these nodes may have a content, as far as they have said."""
        return not self._none[content].issuperset(nodes)


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
        fetch = _Fetch(workspace)
        try:
            left = await self._fetch(fetch, runs)
        except ProblemError as error:
            self._held.fail(workspace, runs, error.problem, fetch.came)
        except Exception:
            self._held.fail(workspace, runs, _UNKNOWN, fetch.came)
            raise
        else:
            for run in left:
                why = fetch.whys.get(run.content, _UNKNOWN)
                self._held.fail(workspace, [run], why, fetch.came)

    async def _fetch(self, fetch: _Fetch, runs: Sequence[PieceRun]) -> Sequence[PieceRun]:
        """Fetches what it can; returns the rest."""
        is_known = any((fetch.workspace, run.content) in self._known for run in runs)
        left = await self._try(fetch, runs)
        if left and is_known:  # the rows are read again: there may be other copies by now
            self._forget(fetch.workspace, [run.content for run in left])
            left = await self._try(fetch, left)
        return left

    async def _try(self, fetch: _Fetch, runs: Sequence[PieceRun]) -> Sequence[PieceRun]:
        """As `_fetch`, once."""
        copies = await self._copies(fetch.workspace, [run.content for run in runs])
        groups = defaultdict[tuple[int, ...], list[PieceRun]](list)
        for run in runs:
            groups[copies[run.content].order].append(run)
        fetch.whys.clear()
        reads = [self._from_some(fetch, group, order, copies) for order, group in groups.items()]
        if len(reads) == 1:  # nearly always
            return () if await reads[0] else self._missing(fetch, runs)
        return () if all(await self._cluster.together(reads)) else self._missing(fetch, runs)

    def _missing(self, fetch: _Fetch, runs: Sequence[PieceRun]) -> list[PieceRun]:
        return self._held.missing(fetch.workspace, runs, fetch.came)

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
        fetch: _Fetch,
        runs: Sequence[PieceRun],
        nodes: Sequence[int],
        copies: Mapping[Content, _Copies],
    ) -> bool:
        """Reads from these nodes, one after the other; whether all came."""
        cluster = self._cluster
        for node in nodes:
            problems: Sequence[Problem | None]
            try:
                take = partial(self._take, fetch, runs, copies)
                problems = (await cluster.links.stream(node, runs, take)).problems
            except ProblemError as error:
                problems = [error.problem] * len(runs)
            else:
                await no_copies(cluster, node, [run.content for run in runs], problems)
            fetch.said(node, runs, problems)
            if any(problems):
                self._forget(fetch.workspace, [run.content for run in runs])
            runs = self._missing(fetch, runs)
            if not runs:
                break
        wanted = {run.content for run in runs}
        for content in wanted:
            is_somewhere = fetch.is_somewhere(content, copies[content].nodes)
            fetch.whys.setdefault(content, self._lost(is_somewhere=is_somewhere))
        # Where another node had the right pieces, these copies are none. Else it may be our list
        # that is wrong, and nothing is given up.
        for node, run in fetch.refused:
            if node in nodes and run.content not in wanted and len(nodes) > 1:
                await cluster.world.offload(cluster.blobs.lose, node, [run.content.hash])
        return not wanted

    def _take(
        self,
        fetch: _Fetch,
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
        key = PieceKey(fetch.workspace, content, number)
        fetch.came.add(key)
        self._held.came(key, memory, exchange)
        return True

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
        turn, members = cluster.world.chance(), cluster.links.members()
        for content in new:
            nodes, listed = kept[content.hash] or frozenset(), b""
            readable = standing(nodes, members, 1).readable
            first = int(turn * len(readable))
            if content.size > PIECE:
                call = cluster.world.offload
                listed = await call(cluster.blobs.pieces, workspace, content.hash)
            checks = list_of(content, listed)
            order = readable[first:] + readable[:first]
            found[content] = one = _Copies(nodes, order, checks, len(listed))
            if listed and order:
                self._remember(workspace, content, one)
        return found

    def _remember(self, workspace: int, content: Content, copies: _Copies) -> None:
        self._forget(workspace, [content])
        self._known[workspace, content] = copies
        self._known_bytes += copies.length
        while len(self._known) > 1 and (
            self._known_bytes > KNOWN_BYTES or len(self._known) > _KNOWN
        ):
            self._known_bytes -= self._known.popitem(last=False)[1].length

    def _forget(self, workspace: int, contents: Sequence[Content]) -> None:
        for content in contents:
            if one := self._known.pop((workspace, content), None):
                self._known_bytes -= one.length
