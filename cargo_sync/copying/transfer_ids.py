"""Transfer ids of a get or put.

The id of a large file stays the same in the next get or put of it, so that the transfer continues.
Only one get or put may use it at a time.
"""

from collections.abc import Callable
from itertools import count

from cargo_sync.model.checkpoints import resumable
from cargo_sync.model.entries import Entry
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.world import World
from cargo_sync.state.orders import Orders, Way

BothPaths = Callable[[str], tuple[str, str]]
"""From a path in the folder that is copied to the path in the workspace and the absolute local
path."""


class TransferIds:
    """The ids of one get or put.

    both_paths  see `BothPaths`
    root        the folder below which this machine stages files; "" if the server stages them
    in_use      ids that gets and puts of this daemon use now
    """

    def __init__(
        self,
        orders: Orders,
        way: Way,
        both_paths: BothPaths,
        root: str,
        in_use: set[str],
        world: World,
    ) -> None:
        self._orders = orders
        self._way = way
        self._both_paths = both_paths
        self._root = root
        self._in_use = in_use
        self._world = world
        self._claimed: dict[str, str] = {}
        self._tokens = world.token()[:20]
        self._numbers = count()

    async def id(self, path: str, source: Entry) -> str:
        """Returns the id for a file.

        Raises:
            ProblemError: `busy` if another get or put copies the same file to the same place.
        """
        if not resumable(source.size):
            # Nothing is stored under the id of a small file, so it must be unique, but need not be
            # secret.
            return f"{self._tokens}{next(self._numbers):012x}"
        far, near = self._both_paths(path)
        id = await self._world.offload(
            self._orders.transfer_id, self._way, far, near, source, self._root, self._world.token
        )
        if self._claimed.get(path) != id:
            if id in self._in_use:
                message = f"another get or put copies {path!r} to the same place now"
                raise ProblemError(Problem(Code.BUSY, message, path))
            self._release(path)
            self._claimed[path] = id
            self._in_use.add(id)
        return id

    async def done(self, path: str) -> None:
        """The file is in its place: the next get or put of it needs a new id."""
        if id := self._claimed.get(path):
            await self._world.offload(self._orders.done, id)
            self._release(path)

    def release(self) -> None:
        """The get or put has ended; another one may continue its unfinished files."""
        self._in_use.difference_update(self._claimed.values())
        self._claimed.clear()

    def _release(self, path: str) -> None:
        if id := self._claimed.pop(path, ""):
            self._in_use.discard(id)
