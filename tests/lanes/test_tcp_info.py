"""TCP_INFO in Linux's layout; other systems have none."""

import socket
import sys
from struct import pack_into

import pytest

from cargo_sync.lanes import tcp_info
from cargo_sync.wire.messages import LinkReport


def test_the_figures_stand_where_linux_puts_them() -> None:
    raw = bytearray(256)
    for offset, value in (
        (24, 7),
        (52, 900),
        (56, 40),
        (68, 21_500),
        (100, 3_448),
        (148, 19_000),
        (216, 12),
    ):
        pack_into("=I", raw, offset, value)
    pack_into("=Q", raw, 160, 250_000)
    assert tcp_info.parse(bytes(raw)) == tcp_info.TcpInfo(3_436, 21.5, 19.0, 2_000_000, 40)
    raw[7] = 1
    found = tcp_info.parse(bytes(raw))
    assert found and found.line is None, "there was too little to send"


@pytest.mark.parametrize(
    ("unacked", "probes", "stuck"), [(0, 0, 0), (0, 1, 0), (0, 2, 30_000), (1, 0, 30_000)]
)
def test_a_way_is_stuck_only_while_an_answer_is_owed(unacked: int, probes: int, stuck: int) -> None:
    raw = bytearray(256)
    raw[3] = probes
    for offset, value in ((24, unacked), (52, 40_000), (56, 30_000)):
        pack_into("=I", raw, offset, value)
    found = tcp_info.parse(bytes(raw))
    assert found and found.stuck_ms == stuck


def test_an_unmeasured_least_is_none_and_an_old_kernel_tells_nothing() -> None:
    raw = bytearray(256)
    pack_into("=I", raw, 148, 0xFFFFFFFF)
    found = tcp_info.parse(bytes(raw))
    assert found and found.min_rtt_ms is None
    assert tcp_info.parse(bytes(raw[:219])) is None
    assert tcp_info.parse(bytes(raw[:220])) is not None


@pytest.mark.parametrize(
    ("rtt_ms", "near"), [(0.0, False), (0.02, True), (0.999, True), (1.0, False), (80.0, False)]
)
def test_a_line_is_near_when_an_answer_takes_less_than_a_millisecond(
    monkeypatch: pytest.MonkeyPatch, rtt_ms: float, near: bool
) -> None:
    monkeypatch.setattr(
        tcp_info, "read", lambda _: tcp_info.TcpInfo(0, rtt_ms, None, None, stuck_ms=0)
    )
    with socket.socket() as sock:
        assert tcp_info.is_near(sock) is near


def test_one_late_answer_does_not_make_a_line_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = iter([None, 900, 7, None, 800, 600, 5, 4, 3, 2])
    monkeypatch.setattr(tcp_info, "read", lambda _: tcp_info.TcpInfo(0, 1.0, None, next(lines), 0))
    with socket.socket() as sock:
        meter = tcp_info.LinkMeter(sock)
        samples = [meter.sample() for _ in range(10)]
    seen = [sample and sample.line for sample in samples]
    assert seen == [None, 900, 900, 900, 900, 900, 800, 800, 600, 5]


def test_without_tcp_info_there_are_no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with socket.socket() as sock:
        meter = tcp_info.LinkMeter(sock)
        assert meter.sample() is None
        assert meter.report() == LinkReport(None, None, None)
        assert not tcp_info.is_near(sock)


def test_the_round_trip_that_is_told_is_the_mean_of_the_samples(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    figures = [
        tcp_info.TcpInfo(lost, rtt, 10.0, None, 0)
        for lost, rtt in ((0, 20.0), (0, 31.0), (5, 90.0))
    ]
    monkeypatch.setattr(tcp_info, "read", lambda _: figures.pop(0))
    with socket.socket() as sock:
        meter = tcp_info.LinkMeter(sock)
        meter.sample()
        meter.sample()
        assert meter.report() == LinkReport(5, 25.5, 10.0), "what is lost is the sum up to now"
