"""The server's end of flows: opened over HTTP, carried by lanes, ended by either side.

A flow waits a minute for its lane and lives as long as that lane. Its id and its lane's token
cannot be guessed and belong to its user. Its frames are sealed if the client asks for keys: only
the client knows whether its end of the API is TLS.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final, NamedTuple

from cargo_sync.admission.fair_share import Ask, grant
from cargo_sync.lanes.connect import new_keys
from cargo_sync.lanes.end import End
from cargo_sync.lanes.pacing import Pace
from cargo_sync.lanes.threads import LaneThread
from cargo_sync.machines.newest_change import Lineage
from cargo_sync.model.jobs import DIRECTIONS, Mode
from cargo_sync.model.problems import Code, LaterError, Problem
from cargo_sync.server.accounts.access import Grants
from cargo_sync.server.accounts.permits import Permit, Permits
from cargo_sync.server.accounts.users import User
from cargo_sync.server.grants.rights import Right
from cargo_sync.server.refusals import unknown
from cargo_sync.server.workspace.contract import Workspace
from cargo_sync.wire.handshake import LaneKeys

SHOWN: Final = 8
"""Characters of a flow's id that are shown: with the whole id, its user could end it."""
WAIT: Final = 60.0
"""Seconds that a flow waits for its lane."""
FLOWS_A_USER: Final = 64
STOPPING: Final = Problem(Code.STOPPED, "the server is stopping")

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Flow:
    """One flow. A lane claims it before it is connected; then `lane` and `machine` are set.

    user       as they were when it was opened
    permit     to use the workspace; when it is revoked, the flow ends
    granted    bits per second, None for no limit
    announced  the last `granted` that was sent to the client
    ended      why it was ended by the server or over HTTP; None while it may run
    """

    id: str
    user: User
    mode: Mode
    permit: Permit
    folder: str
    run: str
    speed: int | None
    keys: LaneKeys
    opened_at: float
    granted: int | None = None
    announced: int | None = None
    claimed: bool = False
    lane: LaneThread | None = None
    machine: End | None = None
    ended: Problem | None = None


class FlowRequest(NamedTuple):
    """What a client asks for when it opens a flow.

    mode    upload or download
    folder  path in the workspace
    run     its trash takes what is displaced
    speed   bits per second; None for no limit of its own
    sealed  the client wants keys for its lane
    address  of the client, or ""
    """

    mode: Mode
    workspace: str
    folder: str
    run: str
    speed: int | None = None
    sealed: bool = False
    address: str = ""


@dataclass(frozen=True, slots=True)
class Bandwidth:
    """The server's total bandwidth, bits per second; None for no limit."""

    upload: int | None = None
    download: int | None = None


UserTotals = Callable[[Mode, Sequence[Ask], Mapping[str, int | None]], Mapping[str, int | None]]
"""Called with a direction, what its flows ask for, and the bandwidth of their users."""


@dataclass(frozen=True, slots=True)
class LaneAddress:
    """The address of the lanes. `host` is "" for the host that the client used for the API."""

    host: str
    port: int


class OpenedFlow(NamedTuple):
    """A flow that waits for its lane.

    where    the address for its lane
    granted  bits per second, None for no limit
    lineage  of the changes that it makes
    """

    id: str
    where: LaneAddress
    keys: LaneKeys
    granted: int | None
    lineage: Lineage


class Flows:
    """All flows of a server. For the event loop, except for `ended`.

    Args:
        spaces: the workspaces of each user.
        permits: of everything that runs for a user.
        present: a user as they are now: a running flow gets changed speeds at once.
        steady: monotonic seconds.
    """

    def __init__(
        self,
        spaces: Grants,
        permits: Permits,
        present: Callable[[str], User | None],
        steady: Callable[[], float],
    ) -> None:
        self._spaces = spaces
        self._permits = permits
        self._present = present
        self._steady = steady
        self._where = LaneAddress("", 0)
        self._total = Bandwidth()
        self._flows: dict[str, Flow] = {}
        self._by_token: dict[bytes, Flow] = {}
        self._lanes: set[LaneThread] = set()
        """Running lanes, also of ended flows that still write their checkpoint."""
        self._running: dict[str, Flow] = {}
        self._connecting: dict[str, Flow] = {}
        """Claimed flows, also ended ones, whose lane does not run yet."""
        self._moved = dict.fromkeys(Mode, 0)
        self._loop = asyncio.get_running_loop()
        self.shared: UserTotals = lambda _mode, _asks, totals: totals
        """What users may use here, if several servers share their bandwidth."""

    def arrive(self, where: LaneAddress) -> None:
        """Sets the address of the lanes, before the first flow."""
        self._where = where

    # -- calls of the gateway ----------------------------------------------------------------------

    async def open(self, user: User, request: FlowRequest) -> OpenedFlow:
        """Opens a flow.

        Raises:
            ProblemError: `unknown`, `read_only`, `write_only`, `busy`.
        """
        self._drop_unclaimed()
        if sum(one.user.name == user.name for one in self._flows.values()) >= FLOWS_A_USER:
            raise LaterError(
                Problem(Code.BUSY, f"{user.name} already has {FLOWS_A_USER} open flows"), 5
            )
        flow = self._flow(user, request)
        self._flows[flow.id] = flow
        self._by_token[flow.keys.token] = flow
        self._share(flow.mode)
        flow.announced = flow.granted
        lineage = flow.permit.access.view.lineage
        return OpenedFlow(flow.id, self._where, flow.keys, flow.granted, lineage)

    async def speed(self, user: User, id: str, bps: int | None) -> int | None:
        """Asks for another speed of a running flow; returns the speed that it gets."""
        flow = self._of(user, id)
        flow.speed = bps
        self._share(flow.mode)
        return flow.granted

    async def end(self, user: User, id: str) -> None:
        """Ends a flow; it is harmless to end it twice."""
        flow = self._flows.get(id)
        if flow is not None and flow.user.name == user.name:
            self._end(flow, Problem(Code.STOPPED, "the flow was ended over HTTP"))

    def _flow(self, user: User, request: FlowRequest) -> Flow:
        access = self._spaces.get(user.name, request.workspace)
        right = Right.ADD if request.mode is Mode.UPLOAD else Right.READ
        access.require(right)
        keys = new_keys(secrets.token_bytes, sealed=request.sealed)
        id = secrets.token_hex(16)
        permit = self._permits.issue(
            user.name, partial(self._end_by_id, id), access, right, address=request.address
        )
        return Flow(
            id=id,
            user=user,
            mode=request.mode,
            permit=permit,
            folder=request.folder,
            run=request.run,
            speed=request.speed,
            keys=keys,
            opened_at=self._steady(),
        )

    def _of(self, user: User, id: str) -> Flow:
        flow = self._flows.get(id)
        if flow is None or flow.user.name != user.name:
            raise unknown("such flow")
        return flow

    # -- calls of the listener ---------------------------------------------------------------------

    def claim(self, token: bytes, address: str) -> Flow | None:
        """The flow of a lane that connects from an IP address.

        Returns:
            None for an unknown token; if the flow has its lane; or if its user may not come from
            there.
        """
        flow = self._by_token.get(token)
        if flow is None or flow.claimed:
            return None
        if problem := self._permits.refusal_of(flow.user.name, address):
            _log.warning("a data connection of %s from %s: %s", flow.user.name, address, problem)
            return None
        flow.claimed = True
        self._connecting[flow.id] = flow
        return flow

    def release(self, flow: Flow) -> None:
        """Releases a claim after a failed handshake: the right lane may still come."""
        flow.claimed = False
        self._connecting.pop(flow.id, None)

    def started(self, flow: Flow, lane: LaneThread, machine: End, pace: Pace | None) -> None:
        """Connects a flow with its lane: from now on changes of its grant are sent at once."""
        flow.lane, flow.machine = lane, machine
        self._lanes.add(lane)
        self._running[flow.id] = self._connecting.pop(flow.id)
        machine.granted = flow.granted
        if pace is not None:
            pace.limit(flow.granted, self._steady())
        if flow.ended is not None:  # while the lane was connecting, as the grant may have changed
            lane.submit(partial(machine.cancel, flow.ended))
        self._tell(flow)

    def ended(self, flow: Flow, problem: Problem | None) -> None:
        """Ends a flow, because its lane has ended. May be called from the lane's thread."""
        if problem is not None:
            about = {"user": flow.user.name, "transfer": flow.id}
            _log.info("flow %s of %s ended: %s", flow.id[:8], flow.user.name, problem, extra=about)
        with suppress(RuntimeError):  # the event loop has ended already
            self._loop.call_soon_threadsafe(self._over, flow)

    # -- grants ------------------------------------------------------------------------------------

    def limit(self, total: Bandwidth) -> None:
        """Sets new totals for all flows together."""
        self._total = total
        self.renew()

    def renew(self) -> None:
        """Applies changed users and speeds to the open flows."""
        for mode in DIRECTIONS:
            self._share(mode)

    def _share(self, mode: Mode) -> None:
        """Shares a direction's bandwidth anew, and tells the flows whose grant changed."""
        flows = [flow for flow in self._flows.values() if flow.mode is mode]
        upload = mode is Mode.UPLOAD
        users = {flow.user.name: self._present(flow.user.name) or flow.user for flow in flows}
        asks = [
            Ask(
                flow.id, flow.user.name, _least(flow.speed, _default(users[flow.user.name], upload))
            )
            for flow in flows
        ]
        totals: Mapping[str, int | None] = {
            name: user.upload_bandwidth if upload else user.download_bandwidth
            for name, user in users.items()
        }
        totals = self.shared(mode, asks, totals)
        granted = grant(asks, totals, self._total.upload if upload else self._total.download)
        for flow in flows:
            flow.granted = granted[flow.id]
            self._tell(flow)

    def _tell(self, flow: Flow) -> None:
        if flow.lane is not None and flow.machine is not None and flow.granted != flow.announced:
            flow.announced = flow.granted
            flow.lane.submit(partial(flow.machine.grant, flow.granted))

    def all(self) -> list[Flow]:
        """The open flows, the oldest first."""
        return list(self._flows.values())

    def get(self, id: str) -> Flow | None:
        """An open flow."""
        return self._flows.get(id)

    def has(self, id: str) -> bool:
        """Whether a flow is open here."""
        return id in self._flows

    def lanes(self) -> int:
        """How many lanes run."""
        return len(self._lanes)

    def lanes_in(self, some: Collection[Workspace]) -> list[LaneThread] | None:
        """The lanes that use these workspaces, also those of ended flows; None if one connects."""

        def using(flows: Iterable[Flow]) -> list[Flow]:
            return [flow for flow in flows if flow.permit.access.whole in some]

        if using(self._connecting.values()):
            return None
        return [flow.lane for flow in using(self._running.values()) if flow.lane is not None]

    # -- figures -----------------------------------------------------------------------------------

    def count(self, mode: Mode) -> int:
        """How many flows of one direction are open."""
        return sum(flow.mode is mode for flow in self._flows.values())

    def moved(self, mode: Mode) -> int:
        """Bytes of file content that flows of one direction moved since the start."""
        under_way = [flow for flow in list(self._running.values()) if flow.mode is mode]
        return self._moved[mode] + sum(
            flow.machine.figures().content for flow in under_way if flow.machine
        )

    # -- ending ------------------------------------------------------------------------------------

    def close(self, why: Problem = STOPPING) -> list[LaneThread]:
        """Asks every lane to write its checkpoint and end; returns the lanes, to be joined."""
        for flow in list(self._flows.values()):
            self._end(flow, why)
        return list(self._lanes)

    def _end_by_id(self, id: str, why: Problem) -> None:
        if (flow := self._flows.get(id)) is not None:
            self._end(flow, why)

    def _end(self, flow: Flow, why: Problem) -> None:
        flow.ended = why
        if flow.lane is not None and flow.machine is not None:
            flow.lane.submit(partial(flow.machine.cancel, why))
        self._forget(flow)

    def _over(self, flow: Flow) -> None:
        if self._running.pop(flow.id, None) is not None and flow.machine is not None:
            self._moved[flow.mode] += flow.machine.figures().content
        if flow.lane is not None:
            self._lanes.discard(flow.lane)
        self._forget(flow)

    def _forget(self, flow: Flow) -> None:
        flow.permit.give_back()
        self._by_token.pop(flow.keys.token, None)
        if self._flows.pop(flow.id, None) is not None:
            self._share(flow.mode)

    def _drop_unclaimed(self) -> None:
        """Drops the flows whose lane did not come in time."""
        late = self._steady() - WAIT
        for flow in [
            one for one in self._flows.values() if not one.claimed and one.opened_at < late
        ]:
            self._forget(flow)


def _least(asked_for: int | None, default: int | None) -> int | None:
    return min((rate for rate in (asked_for, default) if rate is not None), default=None)


def _default(user: User, upload: bool) -> int | None:
    return user.upload_speed if upload else user.download_speed
