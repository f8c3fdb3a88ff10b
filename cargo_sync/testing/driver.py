"""The inline driver: steps any number of ends in turn, in one thread, until nothing moves.

With memory channels and a clock that the test sets, the same start always gives the same steps.
"""

from cargo_sync.lanes.end import End, Step


def alternate(*ends: End, rounds: int = 1_000_000) -> None:
    """Steps all ends in turn until nothing moves any more.

    Then all are done, or they wait for the clock or for a new call.

    Raises:
        RuntimeError: they are still moving after so many rounds.
    """
    for _ in range(rounds):
        moved = False
        for end in ends:
            before = end.link.sent + end.link.received
            step = end.step()
            if step is Step.AGAIN or end.link.sent + end.link.received != before:
                moved = True
        if not moved:
            return
    raise RuntimeError(f"the lane is still moving after {rounds} rounds")
