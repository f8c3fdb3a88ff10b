"""Memory of packets of small contents, used again: the system takes long to give new pages.

A packet stays in the memory in which its frame was opened, and is free when all of its contents
were read. So nothing is copied, and what is hashed is what has just been opened.
"""

import threading
from typing import Final

from cargo_sync.lanes.ports import Exchange
from cargo_sync.wire.frames import BODY_MAX, new_buffer

MOST: Final = 88
"""So many packets lie in such memory; others are copied. Each may take as much as the largest
frame."""
SMALLEST: Final = 64 << 10
"""Bytes of a packet for which it is worth it."""


class PacketMemory:
    """All of it, of one store. Any thread may use it.

    taken  by so many packets
    """

    def __init__(self) -> None:
        self.taken = 0
        self._lock = threading.Lock()
        self._free: list[memoryview] = []

    def keep(self, content: memoryview, exchange: Exchange | None = None) -> "KeptPacket":
        """The same bytes, in memory that nobody else has: copied only if they must be."""
        memory = self._take() if len(content) >= SMALLEST else None
        if memory is None:
            return KeptPacket(memoryview(bytes(content)), None)
        if exchange is not None and exchange(content, memory):
            return KeptPacket(content, self)
        kept = memory[: len(content)]
        kept[:] = content
        return KeptPacket(kept, self)

    def give(self, memory: memoryview) -> None:
        """Nobody uses this any more."""
        with self._lock:
            self.taken -= 1
            self._free.append(memoryview(memory.obj))

    def _take(self) -> memoryview | None:
        with self._lock:
            if self.taken >= MOST:
                return None
            self.taken += 1
            return self._free.pop() if self._free else new_buffer(BODY_MAX)


class KeptPacket:
    """A packet in memory. Who has it counts for itself what of it is still needed.

    bytes  of its contents, one after the other
    left   contents that are still needed
    """

    __slots__ = ("_memory", "bytes", "left")

    def __init__(self, bytes: memoryview, memory: PacketMemory | None) -> None:
        self.bytes = bytes
        self.left = 0
        self._memory = memory

    def give(self) -> None:
        """None of it is needed any more. It is called once."""
        if self._memory is not None:
            self._memory.give(self.bytes)
