"""Extra copies of texts on one file server: sent, read back, compared, one after the other.

Nothing relies on them: the file itself is in the nickname's folder. A file server has no password
and no encryption, and its program loses what is sent to it too fast or at the same time.
"""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final

from cargo_sync.backup_protocol.file_server import (
    LONGEST_TEXT,
    PORT,
    CopyResult,
    ExtraCopy,
    compared,
    to_read_back,
    to_store,
)
from cargo_sync.machines.retry import delay
from cargo_sync.process.wakeup import Wakeup

QUEUE: Final = 1000
"""Copies that wait for one file server, at most. Each has at most some 2 KiB."""
GAP: Final = 0.2
"""Seconds after which a file server has read what it was sent. It confirms nothing."""
DEADLINE: Final = 10.0
"""Seconds for one connection."""
TRIES: Final = 12
"""A file server that has not answered so many times in a row is gone: after some half an hour."""
MISSED: Final = "missed"
"""The count of files that came when too many waited, or whose file server was gone."""

_log = logging.getLogger(__name__)

Pause = Callable[[float], Awaitable[object]]
"""Waits for so many seconds."""
Ask = Callable[[str, Sequence[bytes], Pause], Awaitable[bytes]]
"""Sends pieces to the file server at an address; returns its answer. Raises OSError."""


class ExtraCopies:
    """The copies of one file server.

    Args:
        address: of the file server.
        counts: of all file servers: by `CopyResult` and MISSED.
        chance: [0, 1).
        pause: waits.
        ask: one connection to the file server.
    """

    def __init__(
        self,
        address: str,
        counts: Counter[str],
        chance: Callable[[], float],
        pause: Pause,
        ask: Ask,
    ) -> None:
        self.address = address
        self._counts = counts
        self._chance = chance
        self._pause = pause
        self._ask = ask
        self._queue: deque[tuple[ExtraCopy, str]] = deque()
        self._more = asyncio.Event()

    def __len__(self) -> int:
        return len(self._queue)

    def add(self, copy: ExtraCopy, name: str) -> None:
        """Queues a copy; `name` is that of the file, for the log."""
        if len(self._queue) >= QUEUE:
            self._counts[MISSED] += 1
            words = "file server %s is too slow: no extra copy of %r is made, %d files wait"
            _log.warning(words, self.address, name, QUEUE)
            return
        self._queue.append((copy, name))
        self._more.set()

    async def run(self) -> None:
        """Makes copies until the file server does not answer any more."""
        tries = 0
        while tries < TRIES:
            while not self._queue:
                self._more.clear()
                await self._more.wait()
            copy, name = self._queue[0]
            try:
                result = await self._made(copy)
            except OSError as error:  # a TimeoutError is one, too
                tries += 1
                _log.debug("file server %s: %s", self.address, error or "no answer in time")
                await self._pause(delay(tries, self._chance()))
                continue
            tries = 0
            self._queue.popleft()
            self._counts[result] += 1
            self._tell(result, copy, name)
        self._counts[MISSED] += len(self._queue)
        self._queue.clear()

    async def _made(self, copy: ExtraCopy) -> CopyResult:
        answer = await self._ask(self.address, to_store(copy), self._pause)
        if answer:  # it says this when it is ended, and nothing otherwise
            raise ConnectionAbortedError("it was ended, or is another program")
        return compared(copy, await self._ask(self.address, to_read_back(copy), self._pause))

    def _tell(self, result: CopyResult, copy: ExtraCopy, name: str) -> None:
        if result is CopyResult.CUT:
            words = "file server %s has only the first %d of the %d bytes of %r"
            _log.info(words, self.address, len(copy.content), copy.size, name)
        elif result is CopyResult.LOST:
            words = "file server %s has no extra copy of %r: it gave something else back"
            _log.warning(words, self.address, name)


async def pause(seconds: float) -> None:
    """Waits for so long."""
    await Wakeup().wait(seconds)


async def ask(address: str, pieces: Sequence[bytes], pause: Pause, port: int = PORT) -> bytes:
    """Sends pieces, each after a gap, and reads until the file server closes.

    Raises:
        OSError: it is not there, or not done in time.
    """
    async with asyncio.timeout(DEADLINE):
        reader, writer = await asyncio.open_connection(address, port)
        try:
            for piece in pieces:
                if piece is not pieces[0]:
                    await pause(GAP)
                writer.write(piece)
                await writer.drain()
            answer = b""
            while len(answer) <= LONGEST_TEXT and (more := await reader.read(LONGEST_TEXT)):
                answer += more
            return answer
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
