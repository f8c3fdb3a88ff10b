"""How much a lane gives to the kernel from its first moment on, at a granted speed."""

import socket
import sys

import pytest

from cargo_sync.lanes import pacing
from cargo_sync.lanes.pacing import BucketPace, KernelPace, Pace
from cargo_sync.machines.pacing import content_rate

SECONDS = 5.0


def given(pace: Pace, bits: int) -> int:
    """Bytes that go within five seconds, if the lane has always something to send."""
    total, now = 0, 100.0
    pace.limit(bits, now)
    while (now := max(now, pace.ready_at(now))) < 100.0 + SECONDS:
        pace.spend(pace.frame_limit, now)
        total += pace.frame_limit
    return total


@pytest.mark.parametrize("bits", [100_000, 800_000, 20_000_000, 1_000_000_000])
def test_a_speed_holds_from_the_first_frame(bits: int) -> None:
    expected = content_rate(bits, 1448) * SECONDS
    assert given(BucketPace(1448), bits) == pytest.approx(expected, rel=0.02)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux paces by itself")
@pytest.mark.parametrize("bits", [100_000, 800_000, 20_000_000, 1_000_000_000])
def test_the_kernel_is_not_trusted_with_the_first_segments(bits: int) -> None:
    with socket.socket() as sock:
        mss = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)
        expected = content_rate(bits, mss) * SECONDS
        pace = KernelPace(sock)
        assert given(pace, bits) == pytest.approx(expected, rel=0.02)
        pace.limit(None, 200.0)
        assert pace.ready_at(200.0) == 200.0 and pace.frame_limit == 1 << 20


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux paces by itself")
@pytest.mark.parametrize(("near", "unsent"), [(True, 1 << 20), (False, 256 << 10)])
def test_the_kernel_holds_little_that_it_has_not_sent(
    monkeypatch: pytest.MonkeyPatch, near: bool, unsent: int
) -> None:
    monkeypatch.setattr(pacing, "is_near", lambda _: near)
    with socket.socket() as sock:
        pace = KernelPace(sock)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT) == unsent
        pace.limit(800_000, 0.0)
        pace.limit(None, 1.0)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT) == unsent
