"""The inline driver: steps any number of ends by turns, in one thread, until nothing moves any
more.

With memory channels and a clock that the test sets, the same start gives the same steps, every
time.
"""

from cargo_sync.lanes.end import End, Step


def alternate(*ends: End, rounds: int = 1_000_000) -> None:
    """Steps every end by turns until all are done, or none can go on without time passing or a new
    call.

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
