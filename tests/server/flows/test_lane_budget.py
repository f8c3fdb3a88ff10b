"""The budgets of a server's lanes: whose messages wait for each other."""

import threading

from cargo_sync.machines.budget import Budgets
from cargo_sync.server.flows.lane_budget import LARGE, FlowBudgets


def test_a_usual_batch_does_not_queue_behind_large_ones() -> None:
    budgets = FlowBudgets(Budgets())
    greedy, honest = budgets.of("1", "ana"), budgets.of("2", "ben")
    decoded = threading.Event()

    def decode(size: int) -> threading.Thread:
        def work() -> None:
            with honest.turn(size):
                decoded.set()

        thread = threading.Thread(target=work)
        thread.start()
        return thread

    with greedy.turn(LARGE + 1):
        decode(LARGE).join(5)
        assert decoded.is_set()
        decoded.clear()
        waiting = decode(LARGE + 1)
        assert not decoded.is_set()
    waiting.join()
    assert decoded.is_set()
