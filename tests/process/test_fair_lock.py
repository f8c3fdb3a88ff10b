"""Whoever waits comes next, also if the thread before wants to go on."""

import threading
from collections.abc import Callable
from contextlib import suppress

from cargo_sync.process.fair_lock import FairLock


def started(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def wait_until(lock: FairLock, waiting: int) -> None:
    while len(lock._waiting) < waiting:
        threading.Event().wait(0.001)


def test_it_goes_to_those_who_wait_in_their_order() -> None:
    lock, turns = FairLock(), list[str]()

    def once(name: str) -> Callable[[], None]:
        def work() -> None:
            with lock:
                turns.append(name)

        return work

    with lock:
        turns.append("first slice")
        threads = []
        for name in ("a", "b"):
            threads.append(started(once(name)))
            wait_until(lock, len(threads))
    with lock:
        turns.append("second slice")
    for thread in threads:
        thread.join(5)
    assert turns == ["first slice", "a", "b", "second slice"]


def test_its_holder_may_take_it_again() -> None:
    lock, done = FairLock(), list[int]()
    with lock, lock:

        def take() -> None:
            with lock:
                done.append(1)

        thread = started(take)
        wait_until(lock, 1)
        with lock:
            assert not done
    thread.join(5)
    assert done == [1]


def test_an_error_gives_it_back() -> None:
    lock = FairLock()
    with suppress(ValueError), lock:
        raise ValueError

    def take() -> None:
        with lock:
            pass

    thread = started(take)
    thread.join(5)
    assert not thread.is_alive()


def test_a_wait_that_is_given_up_leaves_the_others_theirs() -> None:
    lock, turns = FairLock(), list[bool]()
    with lock:
        thread = started(lambda: turns.append(lock.acquire(timeout=0.001)))
        thread.join(5)
        assert turns == [False]
        thread = started(lambda: turns.append(lock.acquire(timeout=60)))
        wait_until(lock, 1)
    thread.join(5)
    assert turns == [False, True]
