"""The throttle, as transcripts: `12 ana@10.0.0.1 wrong` at 12 s; `wait` asks how long is to be
waited."""

import pytest

from cargo_sync.server.accounts import throttle
from cargo_sync.server.accounts.throttle import Throttle, delay


def _play(transcript: str) -> list[float]:
    """What the `wait` lines of a transcript answer."""
    asked = []
    door = Throttle()
    for line in transcript.strip().splitlines():
        at, who, what = line.split()
        account, address = who.split("@")
        match what:
            case "wrong":
                door.failed(account, address, float(at))
            case "right":
                door.succeeded(account, address)
            case "wait":
                asked.append(door.wait(account, address, float(at)))
    return asked


def _wrong(times: int, who: str, at: float = 0) -> str:
    return f"{at} {who} wrong\n" * times


def test_people_mistype() -> None:
    assert _play(_wrong(4, "ana@10.0.0.1") + "0 ana@10.0.0.1 wait") == [0]


def test_the_delay_grows_and_ends() -> None:
    assert [delay(count) for count in (4, 5, 6, 7, 13, 14, 10_000)] == [0, 1, 2, 4, 256, 300, 300]
    assert _play(
        _wrong(7, "ana@10.0.0.1")
        + """
        0 ana@10.0.0.1 wait
        3 ana@10.0.0.1 wait
        4 ana@10.0.0.1 wait
        """.replace("\n\n", "\n").strip()
    ) == [4, 1, 0]


def test_by_account_from_anywhere_and_by_address_at_any_account() -> None:
    assert _play(_wrong(6, "ana@10.0.0.1") + "1 ana@10.9.9.9 wait\n1 ben@10.0.0.1 wait") == [1, 1]
    assert _play(_wrong(6, "ana@10.0.0.1") + "1 ben@10.9.9.9 wait") == [0]


def test_the_owner_is_not_locked_out_by_others() -> None:
    assert _play("0 ana@10.1.1.1 right\n" + _wrong(20, "ana@10.0.0.1") + "1 ana@10.1.1.1 wait") == [
        0
    ]


def test_the_right_password_forgives_the_address() -> None:
    assert _play(_wrong(6, "ana@10.0.0.1") + "9 ana@10.0.0.1 right\n9 ben@10.0.0.1 wait") == [0]


def test_an_hour_later_it_is_forgotten() -> None:
    assert _play(_wrong(50, "ana@10.0.0.1") + "3601 ana@10.0.0.1 wait") == [0]


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "KEPT", 10)
    door = Throttle()
    for number in range(50):
        for _ in range(6):
            door.failed(f"user{number}", f"10.0.0.{number}", 0)
        door.succeeded(f"friend{number}", f"10.1.0.{number}")
    assert door.wait("user0", "10.2.2.2", 0) == 0
    assert door.wait("user49", "10.2.2.2", 0) == 2
