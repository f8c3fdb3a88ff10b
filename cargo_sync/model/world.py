"""What is taken from outside: the clock, chance, threads. In tests all of it replays from a
seed."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Offload(Protocol):
    """Runs blocking work away from the event loop, or inline in tests.

    Keyword arguments: `functools.partial`.
    """

    def __call__(self, work: Callable[[*Ts], T], *args: *Ts) -> Awaitable[T]: ...


@dataclass(frozen=True, slots=True)
class World:
    """The outside.

    wall    unix seconds, to be written down and compared with files' times
    steady  monotonic seconds, for durations
    chance  [0, 1), for jitter
    token   a new unguessable id, 32 hex digits
    """

    wall: Callable[[], float]
    steady: Callable[[], float]
    chance: Callable[[], float]
    token: Callable[[], str]
    offload: Offload
