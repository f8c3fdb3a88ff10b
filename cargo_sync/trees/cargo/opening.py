"""Opens flows over HTTP, and their lanes past it; a flow can also be opened only to try its lane.

A client asks for a sealed lane exactly when its API's address begins with https://. Its server
cannot know that: a proxy may have taken the TLS off.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from socket import socket
from typing import Final

from cargo_sync.lanes.connect import open_lane
from cargo_sync.lanes.end import Clock
from cargo_sync.lanes.link import Link
from cargo_sync.lanes.ports import Exchange, Reader, Wake
from cargo_sync.lanes.receiver import Receiver
from cargo_sync.lanes.sender import Sender
from cargo_sync.lanes.threads import LaneThread
from cargo_sync.machines.newest_change import Lineage
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.transfers import Finished, Offer, Unread, Want
from cargo_sync.model.world import World
from cargo_sync.trees.cargo import requests
from cargo_sync.trees.cargo.api import Api, segment
from cargo_sync.trees.cargo.replies import FlowReply
from cargo_sync.wire.handshake import LaneKeys

CONNECT: Final = 15.0
"""Seconds for a lane to open."""
_NO_BATCH: Final = "no batch was opened"


@dataclass(frozen=True, slots=True)
class GrantedFlow:
    """A flow that the server opened.

    speed    bits per second; None means no limit
    lineage  of the changes that it makes
    """

    flow: str
    host: str
    port: int
    keys: LaneKeys
    speed: int | None
    lineage: Lineage

    @property
    def sealed(self) -> bool:
        return self.keys.up is not None

    def connect(self, steady: Clock) -> tuple[socket, Link]:
        """Opens the lane. It blocks. Raises ProblemError, see `open_lane`."""
        return open_lane(self.host, self.port, self.keys, CONNECT, steady)


async def open_flow(
    api: Api, mode: Mode, where: tuple[str, str], speed: int | None, run: str
) -> GrantedFlow:
    """Opens a flow; it must be ended. `where` is (workspace, folder).

    Raises:
        ProblemError: the server refuses, or its answer cannot be used.
    """
    body = requests.flow(mode, *where, speed, run, sealed=api.login.sealed)
    opened = await api.post("/flows", FlowReply.read, body)
    lane = opened.lane
    keys = LaneKeys(lane.token, lane.auth)
    if api.login.sealed:
        # This depends on the API's URL only, so that a server cannot switch off encryption.
        if lane.up is None or lane.down is None:
            await end_flow(api, opened.flow)
            raise ProblemError(_no_keys(api.login.url))
        keys = replace(keys, up=lane.up, down=lane.down)
    host = lane.host or api.login.host
    return GrantedFlow(opened.flow, host, lane.port, keys, opened.granted, opened.life)


async def end_flow(api: Api, flow: str) -> None:
    """Ends a flow. A server ends flows without lanes by itself, so a failure means nothing."""
    try:
        await api.delete(f"/flows/{segment(flow)}")
    except ProblemError:
        return


async def try_lane(
    api: Api, world: World, mode: Mode, where: tuple[str, str], run: str
) -> GrantedFlow:
    """Opens a flow and its lane, says over the lane that nothing will come, and ends both.

    Raises:
        ProblemError: one of them cannot be opened, or nothing comes back over the lane.
    """
    opened = await open_flow(api, mode, where, None, run)
    try:
        await world.offload(_open_and_close, opened, mode, world.steady)
    finally:
        await end_flow(api, opened.flow)
    return opened


def _open_and_close(opened: GrantedFlow, mode: Mode, steady: Clock) -> None:
    """Runs in a thread. The server answers the end of a lane, so frames went both ways."""
    sock, link = opened.connect(steady)
    machine = (
        Sender(link, _Nothing(), steady, client=True)
        if mode is Mode.UPLOAD
        else Receiver(link, _Nothing(), steady, client=True)
    )
    machine.finish()
    lane = LaneThread(machine, sock, f"lane {opened.flow[:8]}", lambda _: None)
    lane.start()
    if not lane.join(CONNECT):
        lane.stop()
        lane.join()
    if machine.problem is not None:
        raise ProblemError(machine.problem)


class _Nothing:
    """The source or sink of a lane without batches: it is only closed."""

    def wakes(self, wake: Wake) -> None:
        """Nothing comes later."""

    def exchanges(self, exchange: Exchange) -> None:
        """Nothing comes."""

    def coming(self, offers: Iterable[Offer]) -> None:
        raise AssertionError(_NO_BATCH)

    def close(self) -> None:
        """Nothing was opened."""

    def checkpoint(self) -> None:
        """Nothing has arrived."""

    def open(self, offer: Offer) -> Reader:
        raise AssertionError(_NO_BATCH)

    def holes(self, offer: Offer) -> int:
        raise AssertionError(_NO_BATCH)

    def read(self, offers: Sequence[Offer], views: Sequence[memoryview]) -> Unread | None:
        raise AssertionError(_NO_BATCH)

    def is_ready(self, offers: Sequence[Offer]) -> bool:
        raise AssertionError(_NO_BATCH)

    def begin(self, batch: int, offers: Sequence[Offer]) -> list[Want]:
        raise AssertionError(_NO_BATCH)

    def whole(self, batch: int, index: int, content: memoryview) -> None:
        raise AssertionError(_NO_BATCH)

    def part(self, batch: int, index: int, offset: int, content: memoryview) -> None:
        raise AssertionError(_NO_BATCH)

    def hole(self, batch: int, index: int, offset: int, count: int) -> None:
        raise AssertionError(_NO_BATCH)

    def settle(self) -> None:
        """Nothing has arrived."""

    def failed(self, batch: int, index: int, problem: Problem) -> None:
        raise AssertionError(_NO_BATCH)

    def submit(self, batch: int) -> None:
        raise AssertionError(_NO_BATCH)

    def finished(self) -> list[Finished]:
        raise AssertionError(_NO_BATCH)

    def full(self) -> bool:
        return False


def _no_keys(url: str) -> Problem:
    return Problem(
        Code.BAD_ANSWER,
        f"{url} is reached over TLS, but the server opened a data connection without encryption",
        hint="update the server; an older one behind a proxy needs the proxy's address in "
        "trusted_proxies, and a proxy that sets X-Forwarded-Proto",
    )
