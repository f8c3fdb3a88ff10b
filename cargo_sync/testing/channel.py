"""Channels in memory: a pair of ends with any capacity, and one that changes frames on the way."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from struct import unpack_from
from typing import Final

from cargo_sync.model.problems import ProblemError
from cargo_sync.wire.frames import HEADER, TRAILER
from cargo_sync.wire.refusal import cut

Tamper = Callable[[int, bytes], Iterable[bytes]]
"""(number of the frame from 0, the frame) -> what is sent instead: the same, others or nothing."""
CUT: Final = b"cut"
"""A `Tamper` returns it to end the stream there."""


class _Way:
    """One direction: bytes that were sent and not yet received."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.bytes = bytearray()
        self.ended = False


class MemoryChannel:
    """One end of a pair."""

    def __init__(self, incoming: _Way, outgoing: _Way) -> None:
        self._incoming = incoming
        self._outgoing = outgoing

    def recv_into(self, view: memoryview) -> int | None:
        way = self._incoming
        count = min(len(view), len(way.bytes))
        if not count:
            return 0 if way.ended else None
        view[:count] = way.bytes[:count]
        del way.bytes[:count]
        return count

    def send(self, view: memoryview, *_more: memoryview | bytes) -> int | None:
        way = self._outgoing
        if way.ended:
            raise cut("the connection to the other end broke")
        count = min(len(view), way.capacity - len(way.bytes))
        if count <= 0:
            return None
        way.bytes += view[:count]
        return count

    def close(self) -> None:
        """What was sent still arrives; the other end can send no more."""
        self._outgoing.ended = self._incoming.ended = True


def memory_pair(capacity: int = 1 << 16) -> tuple[MemoryChannel, MemoryChannel]:
    """Two connected ends; each direction holds at most `capacity` bytes."""
    one, other = _Way(capacity), _Way(capacity)
    return MemoryChannel(one, other), MemoryChannel(other, one)


class TamperedChannel:
    """A channel whose *sent* frames go through `tamper` first."""

    def __init__(self, channel: MemoryChannel, tamper: Tamper) -> None:
        self._channel = channel
        self._tamper = tamper
        self._taken = bytearray()
        self._outgoing = bytearray()
        self._count = 0
        self._cut = False

    def recv_into(self, view: memoryview) -> int | None:
        self._push()
        return self._channel.recv_into(view)

    def send(self, view: memoryview, *_more: memoryview | bytes) -> int | None:
        self._push()
        if self._outgoing:
            return None
        self._taken += view
        while len(self._taken) >= HEADER:
            size = HEADER + int(unpack_from("!I", self._taken)[0]) + TRAILER
            if len(self._taken) < size:
                break
            frame = bytes(self._taken[:size])
            del self._taken[:size]
            for part in self._tamper(self._count, frame):
                if part == CUT:
                    self._cut = True
                    break
                self._outgoing += part
            self._count += 1
        self._push()
        return len(view)

    def close(self) -> None:
        with suppress(ProblemError):  # the other end may have closed already
            self._push()
        self._channel.close()

    def _push(self) -> None:
        while self._outgoing:
            count = self._channel.send(memoryview(bytes(self._outgoing)))
            if not count:
                return
            del self._outgoing[:count]
        if self._cut:
            self._channel.close()
