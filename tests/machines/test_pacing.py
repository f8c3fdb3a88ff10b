"""Pacing: the mean rate is right, also when the rate changes and when threads wake up late."""

from hypothesis import given
from hypothesis import strategies as st

from cargo_sync.machines.pacing import TokenBucket, content_rate, frame_limit, share


def send(bucket: TokenBucket, frame: int, start: float, end: float, late: float = 0.0) -> int:
    """Bytes that are sent between two moments if each wake-up is `late` seconds late."""
    now, sent = start, 0
    while now < end:
        ready = bucket.ready_at(now)
        if ready > now:
            now = ready + late
            continue
        bucket.spend(frame, now)
        sent += frame
    return sent


@given(st.integers(10_000, 10**9), st.floats(0, 0.05))
def test_within_two_percent_over_five_seconds(rate: int, late: float) -> None:
    bucket = TokenBucket()
    bucket.limit(rate, 0.0)
    frame = max(1, rate // 100)
    assert abs(send(bucket, frame, 0.0, 5.0, late) / (rate * 5) - 1) < 0.02


def test_silence_earns_no_burst() -> None:
    bucket = TokenBucket()
    bucket.limit(1000, 0.0)
    assert send(bucket, 10, 100.0, 101.0) <= 1110


def test_without_a_limit_nothing_waits() -> None:
    bucket = TokenBucket()
    bucket.spend(10**9, 5.0)
    assert bucket.ready_at(5.0) == 5.0


def test_a_new_rate_earns_no_burst() -> None:
    bucket = TokenBucket()
    bucket.limit(1000, 0.0)
    bucket.limit(2000, 100.0)
    bucket.spend(200, 100.0)
    assert bucket.ready_at(100.0) == 100.1


def test_a_new_rate_counts_at_once_and_debts_are_kept() -> None:
    bucket = TokenBucket()
    bucket.limit(1000, 50.0)
    bucket.spend(10_000, 50.0)
    assert bucket.ready_at(50.0) > 59.8
    bucket.limit(10_000, 50.0)
    assert 50.9 < bucket.ready_at(50.0) <= 51.0
    bucket.limit(None, 50.5)
    assert bucket.ready_at(50.5) == 50.5


def test_wire_rates_leave_room_for_headers() -> None:
    assert content_rate(8_000_000, 1448) == 1_000_000 * 1448 // 1500
    assert content_rate(1, 1448) == 1
    assert (share(9, 2), share(1, 4)) == (4, 1)


def test_slow_lanes_take_small_frames() -> None:
    limits = [frame_limit(bits) for bits in (1, 10**6, 10**7, 10**8, None)]
    tenths = [10**6 // 80, 10**7 // 80]  # bytes of a tenth of a second, then in whole KiB
    whole = [tenth // 1024 * 1024 for tenth in tenths]
    assert limits == [1024, *whole, 1 << 20, 1 << 20]
