"""Messages that wait to be sent, cut into records."""

from collections import deque
from typing import Final

from cargo_sync.lanes.ports import Budget
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.wire import records
from cargo_sync.wire.frames import BODY_MAX, PIECE
from cargo_sync.wire.messages import MESSAGE_MAX
from cargo_sync.wire.refusal import breach

UNSENT_MAX: Final = 32 << 20
AHEAD: Final = 16 << 20
"""A client begins no further batch while so many bytes of messages are not sent."""


class Outgoing:
    """The messages of one end, in their order.

    unsent  bytes that wait
    """

    def __init__(self, budget: Budget) -> None:
        self.unsent = 0
        self._budget = budget
        self._records: deque[records.Record] = deque()
        self._settled: list[tuple[int, int]] = []

    def __bool__(self) -> bool:
        return bool(self._records)

    def add(self, kind: int, batch: int, index: int, payload: bytes, offset: int = 0) -> None:
        """Adds a message, as several records when it is long.

        Raises:
            ProblemError: "too_large"; "protocol" if the other end does not read.
        """
        if len(payload) > MESSAGE_MAX:
            raise ProblemError(
                Problem(
                    Code.TOO_LARGE,
                    f"a batch's offers need {len(payload)} bytes, {MESSAGE_MAX} are allowed",
                    hint="offer fewer files at once",
                )
            )
        view = memoryview(payload)
        while len(view) > PIECE:
            self._append(records.Record(kind, records.MORE, index, batch, offset, view[:PIECE]))
            view = view[PIECE:]
        self._append(records.Record(kind, 0, index, batch, offset, view))
        if self.unsent > UNSENT_MAX:
            raise breach("the other end sends, but does not read our answers")

    def settle(self, held: tuple[int, int]) -> None:
        """Gives the budget this back once everything that waits now is sent."""
        self._settled.append(held)

    def put(self, body: memoryview) -> int:
        """Writes records to the start of `body`; returns where they end."""
        used = 0
        while self._records:
            record = self._records[0]
            if used + records.SIZE + len(record.payload) > BODY_MAX:
                return used
            used = records.put(body, used, record)
            self.unsent -= records.SIZE + len(record.payload)
            self._records.popleft()
        while self._settled:
            self._budget.give(*self._settled.pop())
        return used

    def _append(self, record: records.Record) -> None:
        self._records.append(record)
        self.unsent += records.SIZE + len(record.payload)
