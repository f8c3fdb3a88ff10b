"""Who brings a content waits a moment for the lanes that take it to nodes.

A client may be faster than they are. Then each piece has left the memory when its turn comes, and
is read from the spool, which costs the server a tenth of all that it does. The client gains nothing
by it: its file is there when the nodes have it. So it is slowed down as long as a lane would be
behind by more than stays in memory; but nobody waits for a lane that is far slower.
"""

import threading
from typing import Final

BEHIND: Final = 3 << 20
"""Bytes by which a lane may be behind."""
SLOWEST: Final = 100 << 20
"""Bytes a second that come in any case."""


class LaneFront:
    """How far a lane is.

    at       it has taken the bytes before
    is_slow  it is not waited for, until it has taken all that is there
    """

    def __init__(self) -> None:
        self.at = 0
        self.is_slow = False


class KeepingUp:
    """The lanes of one content. Any thread may use it; one brings the content.

    Args:
        slowest: bytes a second that come in any case.
    """

    def __init__(self, slowest: float = SLOWEST) -> None:
        self._slowest = slowest
        self._fronts: list[LaneFront] = []
        self._moved = threading.Condition()

    def enter(self) -> LaneFront:
        """There is one more lane."""
        front = LaneFront()
        with self._moved:
            self._fronts.append(front)
        return front

    def leave(self, front: LaneFront) -> None:
        """A lane has gone."""
        with self._moved:
            self._fronts.remove(front)
            self._moved.notify_all()

    def reach(self, front: LaneFront, at: int, *, is_all: bool = False) -> None:
        """A lane has taken what is before `at`; `is_all`: nothing more has come yet."""
        with self._moved:
            front.at = at
            if is_all:
                front.is_slow = False
            self._moved.notify_all()

    def wait(self, until: int, size: int) -> None:
        """Waits before a piece of so many bytes comes, which begins at `until`."""
        with self._moved:
            if not (behind := self._behind(until)):
                return
            before = [(front, front.at) for front in behind]
            self._moved.wait_for(lambda: not self._behind(until), size / self._slowest)
            for front, at in before:
                if until - front.at > BEHIND and front.at - at < size:
                    front.is_slow = True

    def _behind(self, until: int) -> list[LaneFront]:
        return [one for one in self._fronts if until - one.at > BEHIND and not one.is_slow]
