"""Claims: the id under which a file travels. That of a large one is the same in the next order for
it, and belongs to one transfer at a time."""

from collections.abc import Callable
from itertools import count

from cargo_sync.model.checkpoints import resumable
from cargo_sync.model.entries import Entry
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.world import World
from cargo_sync.state.orders import Orders, Way

BothPaths = Callable[[str], tuple[str, str]]
"""The path in the workspace, and the absolute one here, of what a transfer calls by a path."""


class TransferIds:
    """One transfer's.

    ends       see `BothPaths`
    root       below which is staged here; "" when the server stages
    under_way  ids that transfers of this daemon have claimed
    """

    def __init__(
        self,
        orders: Orders,
        way: Way,
        ends: BothPaths,
        root: str,
        under_way: set[str],
        world: World,
    ) -> None:
        self._orders = orders
        self._way = way
        self._ends = ends
        self._root = root
        self._under_way = under_way
        self._world = world
        self._mine: dict[str, str] = {}
        self._tokens = world.token()[:20]
        self._numbers = count()

    async def id(self, path: str, source: Entry) -> str:
        """Raises ProblemError: `busy` when another transfer moves this very file to this very
        place."""
        if not resumable(source.size):
            # Nothing is kept under the id of a small file: it need not be unguessable, only its
            # own.
            return f"{self._tokens}{next(self._numbers):012x}"
        far, near = self._ends(path)
        id = await self._world.offload(
            self._orders.transfer_id, self._way, far, near, source, self._root, self._world.token
        )
        if self._mine.get(path) != id:
            if id in self._under_way:
                message = f"{path!r} is under way already, by the same order"
                raise ProblemError(Problem(Code.BUSY, message, path))
            self._release(path)
            self._mine[path] = id
            self._under_way.add(id)
        return id

    async def done(self, path: str) -> None:
        """It is in its place: the next order for it is a new one."""
        if id := self._mine.get(path):
            await self._world.offload(self._orders.done, id)
            self._release(path)

    def release(self) -> None:
        """The transfer is over; what it did not finish may be ordered again."""
        self._under_way.difference_update(self._mine.values())
        self._mine.clear()

    def _release(self, path: str) -> None:
        if id := self._mine.pop(path, ""):
            self._under_way.discard(id)
