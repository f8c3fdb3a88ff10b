"""What a lane asks of its socket: to notice a broken way, and larger buffers where they help."""

import socket
import sys
from io import StringIO

import pytest

from cargo_sync.lanes import tuning

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the buffers' limits are Linux's")


def limits(monkeypatch: pytest.MonkeyPatch, **files: str) -> None:
    """The kernel's limits: `wmem_max`, `tcp_wmem`, `rmem_max`, `tcp_rmem`."""

    def opened(path: str) -> StringIO:
        name = path.rpartition("/")[2]
        if name not in files:
            raise FileNotFoundError(path)
        return StringIO(files[name])

    monkeypatch.setattr(tuning, "open", opened, raising=False)


@pytest.mark.parametrize(
    ("allowed", "grown", "asked"),
    [
        ("212992", "4096 16384 4194304", 0),
        ("4194304", "4096 16384 6291456", 4_194_304),
        ("2097152", "4096 16384 4194304", 0),
        ("2097153", "4096 16384 4194304", 2_097_153),
        ("many", "4096 16384 4194304", 0),
        ("4194304", "4096", 0),
    ],
)
def test_a_buffer_is_asked_for_only_where_it_becomes_larger_than_it_would_grow(
    monkeypatch: pytest.MonkeyPatch, allowed: str, grown: str, asked: int
) -> None:
    limits(monkeypatch, wmem_max=allowed, tcp_wmem=grown)
    assert tuning._worthwhile("wmem") == asked
    assert tuning._worthwhile("rmem") == 0, "it has no limits here"


def test_both_ways_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    limits(monkeypatch, wmem_max="70000", tcp_wmem="1 2 3", rmem_max="80000", tcp_rmem="1 2 3")
    with socket.socket() as sock:
        tuning.tune(sock)
        sizes = [
            sock.getsockopt(socket.SOL_SOCKET, option)
            for option in (socket.SO_SNDBUF, socket.SO_RCVBUF)
        ]
    assert sizes == [140_000, 160_000], "Linux doubles what is asked for"


def test_a_broken_way_is_noticed_and_small_frames_are_not_held_back() -> None:
    with socket.socket() as sock:
        tuning.tune(sock)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        idle, interval, count = (
            sock.getsockopt(socket.IPPROTO_TCP, option)
            for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
        )
    assert (idle, interval, count) == (5, 5, 3)


class Asked(socket.socket):
    """Notes the congestion controls that it is asked for; a kernel may not have them."""

    def __init__(self) -> None:
        super().__init__()
        self.controls: list[bytes] = []

    def setsockopt(self, level: int, option: int, value: int | bytes) -> None:  # type: ignore[override]
        if (level, option) == (socket.IPPROTO_TCP, socket.TCP_CONGESTION):
            assert isinstance(value, bytes)
            self.controls.append(value)
            raise FileNotFoundError(value)
        super().setsockopt(level, option, value)


@pytest.mark.parametrize(("near", "controls"), [(True, [b"cubic"]), (False, [b"cubic", b"bbr"])])
def test_a_line_that_is_not_near_gets_bbr(
    monkeypatch: pytest.MonkeyPatch, near: bool, controls: list[bytes]
) -> None:
    monkeypatch.setattr(tuning, "is_near", lambda _: near)
    with Asked() as sock:
        tuning.tune(sock)
        tuning.suit(sock)
        assert sock.controls == controls
