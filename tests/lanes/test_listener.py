"""The port of the lanes."""

import socket
from typing import Any

import pytest

from cargo_sync.lanes import listener as lane_listener
from cargo_sync.lanes.listener import LaneListener
from cargo_sync.process.doors import Doors
from tests.offloads import inline


@pytest.mark.skipif(not hasattr(socket, "TCP_DEFER_ACCEPT"), reason="only on Linux")
async def test_the_round_trip_of_a_new_lane_does_not_include_the_time_until_its_client_speaks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    deferred: list[int] = []

    def tune(sock: socket.socket) -> None:
        deferred.append(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT))

    monkeypatch.setattr(lane_listener, "tune", tune)
    nobody: Any = None  # nobody comes
    listener = LaneListener[Any](nobody, 1, inline)
    await listener.start(Doors(), "127.0.0.1", 0)
    listener.close()
    assert deferred == [0]
