"""One lane's part of the budgets for offers; its thread asks."""

import threading
from contextlib import AbstractContextManager, nullcontext
from typing import Final

from cargo_sync.machines.budget import Amount, Budgets

LARGE: Final = 256 * 1024
"""Bytes of a message from which it waits for its turn: usual batches of honest clients are smaller,
and do not queue behind somebody who opens the largest ones again and again."""


class FlowBudgets:
    """The budgets of a server. Any thread may use them."""

    def __init__(self, budgets: Budgets) -> None:
        self.budgets = budgets
        self.lock = threading.Lock()
        self.turn = threading.Lock()
        """Held while a large message is decoded, which takes several times its size."""

    def of(self, lane: str, user: str) -> "LaneBudget":
        """The budget of one lane."""
        return LaneBudget(self, lane, user)


class LaneBudget:
    """See `lanes.ports.Budget`."""

    def __init__(self, flows: FlowBudgets, lane: str, user: str) -> None:
        self._flows = flows
        self._lane = lane
        self._user = user
        self._held = Amount(0, 0)

    def turn(self, size: int) -> AbstractContextManager[object]:
        return self._flows.turn if size > LARGE else nullcontext()

    def take(self, offers: int, size: int) -> bool:
        amount = Amount(offers, size)
        with self._flows.lock:
            if not self._flows.budgets.take(self._lane, self._user, amount):
                return False
            self._held = Amount(self._held.offers + offers, self._held.bytes + size)
            return True

    def give(self, offers: int, size: int) -> None:
        with self._flows.lock:
            self._flows.budgets.give(self._lane, self._user, Amount(offers, size))
            self._held = Amount(self._held.offers - offers, self._held.bytes - size)

    def close(self) -> None:
        self.give(*self._held)
