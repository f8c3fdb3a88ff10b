"""What a start waits for is said, and again; not after it is over."""

import threading

import pytest

from cargo_sync.process.slow_start import SlowStart

PATIENCE = 60.0


def test_it_says_what_it_waits_for(caplog: pytest.LogCaptureFixture) -> None:
    asked, enough = list[str](), threading.Event()

    def asks() -> str:
        asked.append(slow.work)
        if len(asked) == 1:
            return ""
        if len(asked) == 2:
            raise RuntimeError("nobody answers")
        enough.set()
        return "a lock"

    with SlowStart(0.01, 0.01) as slow:
        slow.work, slow.asks = "ports are opened", asks
        assert enough.wait(PATIENCE)
        slow._thread.join(0.05)
        slow.over()
        slow._thread.join(PATIENCE)
    words = [record.getMessage().partition(" s so far: ")[2] for record in caplog.records]
    assert words[:2] == [
        "ports are opened",
        "ports are opened; what it waits for cannot be found out: nobody answers",
    ]
    assert set(asked) == {"ports are opened"}
    with SlowStart(PATIENCE) as quick:
        pass
    quick._thread.join(PATIENCE)
    assert len(caplog.records) == len(words)
