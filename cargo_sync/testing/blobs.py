"""The rows of contents and nodes in memory: as `state.blobs` and `state.nodes`, for simulations."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from cargo_sync.state.blobs import CONDEMNED, LEAVING, LIVE, NO_LISTS, NOBODY, BlobRow
from cargo_sync.state.placements import Holding

_NONE: Final = frozenset[int]()


class MemoryBlobs:
    """See `state.blobs.Blobs`.

    lives  the number of the life of each node's folder
    rows   by hash, then by workspace
    """

    def __init__(self, lives: dict[int, int]) -> None:
        self.lives = lives
        self.rows: dict[str, dict[int, BlobRow]] = {}
        self._sets: dict[int, frozenset[int]] = {0: _NONE}
        self._lists: dict[tuple[int, str], bytes] = {}
        self._numbers: dict[frozenset[int], int] = {}

    def forget_copies(self, node: int) -> None:
        """A node is taken out of all sets."""
        for number, nodes in self._sets.items():
            self._sets[number] = nodes - {node}
        self._numbers = {nodes: number for number, nodes in self._sets.items() if number}

    def record(
        self,
        workspace: int,
        hashes: Sequence[str],
        sizes: Sequence[int],
        where: Sequence[int],
        lists: Mapping[str, bytes] = NO_LISTS,
    ) -> None:
        for hash, pieces in lists.items():
            self._lists.setdefault((workspace, hash), pieces)
        for hash, size, placement in zip(hashes, sizes, where, strict=True):
            own = self.rows.setdefault(hash, {})
            if workspace not in own:
                own[workspace] = BlobRow(hash, workspace, size, placement)
        self.revive(workspace, hashes)
        for hash in hashes:
            rows = [row for row in self.rows[hash].values() if row.state < LEAVING]
            nodes = _NONE.union(*(self._sets[row.placement] for row in rows))
            for row in rows:
                if row.workspace == NOBODY:
                    self._delete(row)
                else:
                    self._move([row], nodes.union)

    def condemn(self, workspace: int, hashes: Sequence[str], now: float) -> None:
        self._judge(workspace, hashes, LIVE, CONDEMNED, now)

    def revive(self, workspace: int, hashes: Sequence[str]) -> None:
        self._judge(workspace, hashes, CONDEMNED, LIVE, 0.0)

    def doom(self, workspace: int, hashes: Sequence[str], now: float) -> None:
        for hash in hashes:
            row = self.rows.get(hash, {}).get(workspace)
            if row is not None and row.state == CONDEMNED:
                self._delete(row)
                if nodes := self._sets[row.placement]:
                    self._give_up(hash, row.size, nodes, LEAVING, now)

    def place(self, lives: Mapping[int, int]) -> tuple[int, frozenset[int]]:
        nodes = frozenset(node for node, life in lives.items() if self.lives.get(node) == life)
        return self._number(nodes), nodes

    def lose(self, node: int, hashes: Sequence[str]) -> None:
        self._move(self.find(hashes), lambda nodes: nodes - {node})

    def give_up(self, node: int, hashes: Sequence[str], now: float) -> None:
        rows = [row for row in self.find(hashes) if row.state < LEAVING]
        self._move(rows, lambda nodes: nodes - {node})
        for row in rows:
            self._give_up(row.hash, row.size, frozenset({node}), LEAVING, now)

    def found(
        self, node: int, life: int, hashes: Sequence[str], sizes: Sequence[int], now: float
    ) -> None:
        if self.lives.get(node) != life:
            return
        for hash, size in zip(hashes, sizes, strict=True):
            rows = [row for row in self.find([hash]) if row.workspace != NOBODY]
            self._move([row for row in rows if row.size == size], lambda nodes: nodes | {node})
            if not rows:
                self._give_up(hash, size, frozenset({node}), CONDEMNED, now)

    def leave(self, node: int, deleted: Sequence[str], kept: Sequence[str] = ()) -> None:
        needed = {
            row.hash
            for row in self.find(kept)
            if row.state < LEAVING and node in self._sets[row.placement]
        }
        rows = [row for row in self.find(needed) if row.state == LEAVING]
        rows += self.find(deleted)
        self._move(rows, lambda nodes: nodes - {node})
        if rows:
            self.purge(sorted({row.hash for row in rows}))

    def purge(self, hashes: Sequence[str] = (), most: int = 1_000) -> bool:
        for row in self.find(hashes or list(self.rows)):
            if row.workspace == NOBODY and not self._sets[row.placement]:
                self._delete(row)
        return False

    def find(self, hashes: Iterable[str]) -> list[BlobRow]:
        return [row for hash in hashes for row in self.rows.get(hash, {}).values()]

    def nodes(self, workspace: int, hashes: Iterable[str]) -> list[frozenset[int] | None]:
        return [self.nodes_of(workspace, hash) for hash in hashes]

    def pieces(self, workspace: int, hash: str) -> bytes:
        return self._lists.get((workspace, hash), b"")

    def page(self, placement: int, after: str, limit: int) -> list[str]:
        found = {
            row.hash for row in self._all() if row.state < LEAVING and row.placement == placement
        }
        return sorted(hash for hash in found if hash > after)[:limit]

    def recorded(self, node: int, after: str, upto: str, limit: int) -> list[str]:
        found = {
            row.hash
            for row in self._all()
            if row.state < LEAVING and node in self._sets[row.placement]
        }
        return sorted(hash for hash in found if after < hash and (not upto or hash <= upto))[:limit]

    def leaving(self, node: int, after: str, limit: int) -> list[str]:
        found = [
            hash
            for hash, own in self.rows.items()
            if after < hash
            and NOBODY in own
            and own[NOBODY].state == LEAVING
            and node in self._sets[own[NOBODY].placement]
        ]
        return sorted(found)[:limit]

    def overdue(self, before: float, limit: int) -> list[BlobRow]:
        found = [row for row in self._all() if row.state == CONDEMNED and row.since <= before]
        return sorted(found, key=lambda row: (row.since, row.hash))[:limit]

    def placements(self) -> dict[int, frozenset[int]]:
        return dict(self._sets)

    def holdings(self) -> list[Holding]:
        counts, sizes = Counter[tuple[int, int]](), Counter[tuple[int, int]]()
        for row in self._all():
            counts[row.placement, row.workspace] += 1
            sizes[row.placement, row.workspace] += row.size
        return [Holding(*key, count, sizes[key]) for key, count in sorted(counts.items())]

    def nodes_of(self, workspace: int, hash: str) -> frozenset[int] | None:
        """The nodes that have a content of a workspace; None if it has no row."""
        row = self.rows.get(hash, {}).get(workspace)
        return None if row is None else self._sets[row.placement]

    def _all(self) -> list[BlobRow]:
        return [row for own in self.rows.values() for row in own.values()]

    def _number(self, nodes: frozenset[int]) -> int:
        if nodes not in self._numbers:
            self._numbers[nodes] = len(self._sets)
            self._sets[len(self._sets)] = nodes
        return self._numbers[nodes]

    def _judge(
        self, workspace: int, hashes: Sequence[str], before: int, state: int, since: float
    ) -> None:
        for hash in hashes:
            row = self.rows.get(hash, {}).get(workspace)
            if row is not None and row.state == before:
                self._put(row._replace(state=state, since=since))

    def _move(
        self, rows: Iterable[BlobRow], change: Callable[[frozenset[int]], frozenset[int]]
    ) -> None:
        for row in rows:
            self._put(row._replace(placement=self._number(change(self._sets[row.placement]))))

    def _give_up(self, hash: str, size: int, nodes: frozenset[int], state: int, now: float) -> None:
        old = self.rows.get(hash, {}).get(NOBODY)
        if old is None:
            row = BlobRow(hash, NOBODY, size, self._number(nodes), state, now)
        else:
            row = old._replace(placement=self._number(self._sets[old.placement] | nodes))
            if row.state < state:
                row = row._replace(state=state, since=now)
        self._put(row)

    def _put(self, row: BlobRow) -> None:
        self.rows.setdefault(row.hash, {})[row.workspace] = row

    def _delete(self, row: BlobRow) -> None:
        del self.rows[row.hash][row.workspace]
        if not self.rows[row.hash]:
            del self.rows[row.hash]


class MemoryFolders:
    """See `state.nodes.NodeRows`: what is known of each node's folder, as (epoch, sequence)."""

    def __init__(self) -> None:
        self.lives: dict[int, int] = {}
        self.known: dict[int, tuple[str, int]] = {}
        self.blobs = MemoryBlobs(self.lives)

    def add(self, node: int) -> None:
        self.lives[node] = 0
        self.known[node] = ("", 0)

    def remove(self, node: int) -> None:
        self.blobs.forget_copies(node)
        del self.lives[node], self.known[node]

    def heard(self, node: int, epoch: str, sequence: int) -> None:
        if node in self.known:
            known = self.known[node]
            self.known[node] = epoch, max(sequence, known[1]) if known[0] == epoch else sequence

    def forget_copies(self, node: int) -> int:
        self.blobs.forget_copies(node)
        if node not in self.lives:
            return 0
        self.known[node] = "", 0
        self.lives[node] += 1
        return self.lives[node]
