"""What runs in threads while a folder is closed."""

import threading

import pytest

from cargo_sync.trees import calls
from cargo_sync.trees.calls import Calls


def test_it_is_closed_when_the_calls_have_ended() -> None:
    one, begun, order = Calls(), threading.Event(), list[str]()

    def work() -> None:
        begun.set()
        while one.go_on():
            pass
        order.append("call")

    thread = threading.Thread(target=one, args=(work,))
    thread.start()
    begun.wait()
    with one.ended():
        order.append("closed")
    thread.join()
    assert order == ["call", "closed"]
    assert one(one.go_on), "it may be opened again"


def test_a_call_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "PATIENCE", 0.0)
    one, begun, may_end = Calls(), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        may_end.wait()

    thread = threading.Thread(target=one, args=(work,))
    thread.start()
    begun.wait()
    with one.ended():
        assert thread.is_alive()
    may_end.set()
    thread.join()


def test_a_call_that_failed_has_ended() -> None:
    one = Calls()

    def work() -> None:
        raise ValueError

    with pytest.raises(ValueError):
        one(work)
    with one.ended():
        assert not one.go_on()
