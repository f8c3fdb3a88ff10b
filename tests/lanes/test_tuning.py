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


SMALL = "1 2 3"
LOCK = 72
"""SO_BUF_LOCK of Linux 5.16."""


def tuned(monkeypatch: pytest.MonkeyPatch, **files: str) -> tuple[int, int, int]:
    """The sizes of both buffers, and which of them the kernel may not make larger."""
    limits(monkeypatch, **files)
    with socket.socket() as sock:
        tuning.tune(sock)
        options = (socket.SO_SNDBUF, socket.SO_RCVBUF, LOCK)
        sending, receiving, locks = (sock.getsockopt(socket.SOL_SOCKET, one) for one in options)
        return sending, receiving, locks


@pytest.mark.parametrize(
    ("allowed", "grown", "asked"),
    [
        ("112992", "4096 16384 4194304", 0),
        ("104304", "4096 16384 191456", 104_304),
        ("97152", "4096 16384 194304", 0),
        ("97153", "4096 16384 194304", 97_153),
        ("many", "4096 16384 4194304", 0),
        ("104304", "4096", 0),
    ],
)
def test_a_send_buffer_is_asked_for_only_where_it_becomes_larger_than_it_would_grow(
    monkeypatch: pytest.MonkeyPatch, allowed: str, grown: str, asked: int
) -> None:
    with socket.socket() as sock:
        usual = sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
    sending, _, locks = tuned(monkeypatch, wmem_max=allowed, tcp_wmem=grown)
    assert sending == (2 * asked or usual)
    assert locks == bool(asked), "a buffer that was asked for would shrink to what it may grow to"


def test_a_receive_buffer_begins_large_and_may_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    _, receiving, locks = tuned(monkeypatch, rmem_max="100000", tcp_rmem="4096 131072 6291456")
    assert (receiving, locks) == (200_000, 0)


def test_a_receive_buffer_is_not_made_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as sock:
        usual = sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    _, receiving, locks = tuned(monkeypatch, rmem_max="50000", tcp_rmem="4096 131072 6291456")
    assert (receiving, locks) == (usual, 0)


def test_an_old_kernel_gets_a_large_receive_buffer_only_if_it_would_not_grow_larger(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tuning, "_SO_BUF_LOCK", 9_999)
    with socket.socket() as sock:
        usual = sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    asked = {"rmem_max": "100000"}
    assert tuned(monkeypatch, tcp_rmem="4096 131072 6291456", **asked)[1] == usual
    assert tuned(monkeypatch, tcp_rmem="4096 131072 199999", **asked)[1] == 200_000


def test_both_ways_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    limits(monkeypatch, wmem_max="70000", tcp_wmem=SMALL, rmem_max="80000", tcp_rmem=SMALL)
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
