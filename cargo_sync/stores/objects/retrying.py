"""Calls to a bucket that are tried again until they succeed, as long as somebody waits for them."""

from collections.abc import Awaitable, Callable, Collection
from typing import Final, TypeVar

from cargo_sync.machines.retry import delay
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.world import World

FIRST_WAIT: Final = 1.0
LONGEST_WAIT: Final = 20.0
"""Seconds between two tries; each of them goes on for some seconds by itself."""
HOPELESS: Final = frozenset({Code.TOO_LARGE, Code.BAD_REQUEST})
"""What waiting cannot mend."""
_GIVEN_UP: Final = Problem(
    Code.CANCELLED, "nobody waits for this content any more", hint="send it again"
)

T = TypeVar("T")


class Retrying:
    """Tries again, with growing pauses."""

    def __init__(self, world: World, pause: Callable[[float], Awaitable[None]]) -> None:
        self._world = world
        self._pause = pause

    async def __call__(
        self,
        work: Callable[[], Awaitable[T]],
        wanted: Callable[[], bool],
        hopeless: Collection[Code] = (),
    ) -> T:
        """What `work` returns once it succeeds.

        Args:
            work: a call to a bucket, or what finds the bucket.
            wanted: whether somebody still waits for it.
            hopeless: problems after which it is not tried again, besides HOPELESS.

        Raises:
            ProblemError: such a problem; or nobody waits any more.
        """
        tries = 0
        while True:
            try:
                return await work()
            except ProblemError as error:
                code = error.problem.code
                if code in HOPELESS or code in hopeless:
                    raise
            tries += 1
            await self._pause(delay(tries, self._world.chance(), FIRST_WAIT, LONGEST_WAIT))
            if not wanted():
                raise ProblemError(_GIVEN_UP)
