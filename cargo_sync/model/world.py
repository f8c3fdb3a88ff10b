"""The clock, random numbers and threads, as arguments. Tests replay all of them from a seed."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Offload(Protocol):
    """Runs blocking work outside the event loop, or inline in tests.

    For keyword arguments use `functools.partial`.
    """

    def __call__(self, work: Callable[[*Ts], T], *args: *Ts) -> Awaitable[T]: ...


@dataclass(frozen=True, slots=True)
class World:
    """Everything that a run takes from outside.

    wall    unix seconds, to be stored and compared with files' times
    steady  monotonic seconds, for durations
    chance  [0, 1), for jitter
    token   a new unguessable id, 32 hex digits
    lived   seconds of the retention clock (machines/retention), for the ages of what is kept:
            it goes on across restarts and never jumps
    host    this machine's name, for people
    """

    wall: Callable[[], float]
    steady: Callable[[], float]
    chance: Callable[[], float]
    token: Callable[[], str]
    offload: Offload
    lived: Callable[[], float]
    host: str = ""
