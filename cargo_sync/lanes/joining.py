"""Messages that arrive in several records, joined; at a server they count in the lane's budget."""

from collections.abc import Callable

from cargo_sync.lanes.ports import Budget
from cargo_sync.wire import records
from cargo_sync.wire.messages import MESSAGE_MAX, Payload
from cargo_sync.wire.refusal import breach

OnRecord = Callable[[int, int, int, int, memoryview], None]
"""(flags, index, batch, offset, payload) of one record."""
OnMessage = Callable[[int, Payload], None]
"""(batch, payload) of one message."""
Longest = Callable[[int], int]
"""The most bytes of a message of this batch that comes in several records. Raises ProblemError if
there can be no such message."""
OnOpening = Callable[[int, Payload | None], None]
"""(batch, payload) of a message that opens a batch; None if the budget has no room for it."""


class Joining:
    """The message that is arriving; there is never more than one."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._part = bytearray()
        self._of: tuple[int, int] | None = None
        self._lost = False
        """There is no room for the message: its content is dropped."""

    def each(self, kind: int, handler: OnMessage, longest: Longest) -> OnRecord:
        """Calls `handler` with each message of a kind; no more than `longest` of it is kept."""

        def take(flags: int, _index: int, batch: int, _offset: int, payload: memoryview) -> None:
            self._refuse_other(kind, batch)
            if not flags & records.MORE and self._of is None:
                handler(batch, payload)
                return
            self._add(payload, longest(batch))
            self._of = (kind, batch)
            if not flags & records.MORE:
                handler(batch, self._whole())

        return take

    def each_opening(self, kind: int, handler: OnOpening) -> OnRecord:
        """The same for messages that count in the budget from their first byte on."""

        def take(flags: int, _index: int, batch: int, _offset: int, payload: memoryview) -> None:
            self._refuse_other(kind, batch)
            if not self._lost and self._budget.take(0, len(payload)):
                self._add(payload, MESSAGE_MAX)
            elif not self._lost:
                self._budget.give(0, len(self._part))
                self._part, self._lost = bytearray(), True
            self._of = (kind, batch)
            if not flags & records.MORE:
                lost, self._lost = self._lost, False
                whole = self._whole()
                handler(batch, None if lost else whole)

        return take

    def _refuse_other(self, kind: int, batch: int) -> None:
        if self._of not in (None, (kind, batch)):
            raise breach("a message was interrupted by another one")

    def _add(self, payload: memoryview, longest: int) -> None:
        self._part += payload
        if len(self._part) > longest:
            raise breach(f"a message is longer than {longest} bytes")

    def _whole(self) -> bytearray:
        whole, self._part, self._of = self._part, bytearray(), None
        return whole
