"""The server's end of flows: opened over HTTP, carried by lanes, ended by either side.

A flow waits a minute for its lane and lives as long as that lane does. Its id and its lane's token
cannot be guessed and are bound to its user; whether frames are sealed follows how the client
reached the API.
"""

import asyncio
import logging
import secrets
import threading
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final, NamedTuple

from cargo_sync.admission.fair_share import Ask, grant
from cargo_sync.lanes.end import End
from cargo_sync.lanes.pacing import Pace
from cargo_sync.lanes.threads import LaneThread
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.server.accounts.access import Access, Grants
from cargo_sync.server.accounts.address import ClientAddress
from cargo_sync.server.accounts.users import User
from cargo_sync.server.refusals import LaterError, unknown
from cargo_sync.wire.handshake import PREFIX, LaneKeys

WAIT: Final = 60.0
"""Seconds that a flow waits for its lane."""
FLOWS_A_USER: Final = 64

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Flow:
    """One flow. A lane has claimed it before it is connected; `lane` and `machine` are there once
    it is.

    user     as they were when it was opened
    granted  bits a second, None for no limit; told is what the client knows of it
    """

    id: str
    user: User
    mode: Mode
    access: Access
    folder: str
    run: str
    speed: int | None
    keys: LaneKeys
    opened_at: float
    granted: int | None = None
    told: int | None = None
    claimed: bool = False
    lane: LaneThread | None = None
    machine: End | None = None


class FlowRequest(NamedTuple):
    """What a client asks for when it opens a flow.

    mode    upload or download
    folder  path in the workspace
    run     whose trash takes what is displaced
    speed   bits a second; None for no limit of its own
    """

    mode: Mode
    workspace: str
    folder: str
    run: str
    speed: int | None = None


@dataclass(frozen=True, slots=True)
class Bandwidth:
    """The server's totals, bits a second; None is no limit."""

    upload: int | None = None
    download: int | None = None


@dataclass(frozen=True, slots=True)
class LaneAddress:
    """Where clients find the lanes. `host` is "" for the one they used for the API."""

    host: str
    port: int


class OpenedFlow(NamedTuple):
    """A flow that waits for its lane.

    where    where its lane goes
    granted  bits a second, None is no limit
    """

    id: str
    where: LaneAddress
    keys: LaneKeys
    granted: int | None


class Flows:
    """All flows of a server. For the event loop, but for what lanes ask from their threads.

    present  a user as they are now: a flow that runs takes changed rates over
    """

    def __init__(
        self, spaces: Grants, present: Callable[[str], User | None], steady: Callable[[], float]
    ) -> None:
        self._spaces = spaces
        self._present = present
        self._steady = steady
        self._where = LaneAddress("", 0)
        self._total = Bandwidth()
        self._flows: dict[str, Flow] = {}
        self._by_token: dict[bytes, Flow] = {}
        self._lanes: set[LaneThread] = set()
        """Those that run, also of flows that were ended and come to their checkpoint now."""
        self._running: dict[str, Flow] = {}
        self._moved = dict.fromkeys(Mode, 0)
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()

    def arrive(self, where: LaneAddress) -> None:
        """Lanes are taken there from now on. Comes before the first flow."""
        self._where = where

    # -- what the gateway asks ---------------------------------------------------------------------

    async def open(self, user: User, address: ClientAddress, request: FlowRequest) -> OpenedFlow:
        """Opens a flow. Raises ProblemError: "unknown", "read_only", "busy"."""
        self._drop_unclaimed()
        flow = self._flow(user, address, request)
        if sum(one.user.name == user.name for one in self._flows.values()) >= FLOWS_A_USER:
            raise LaterError(
                Problem(Code.BUSY, f"{user.name} has {FLOWS_A_USER} flows open already"), 5
            )
        self._flows[flow.id] = flow
        self._by_token[flow.keys.token] = flow
        self._share(flow.mode)
        flow.told = flow.granted
        return OpenedFlow(flow.id, self._where, flow.keys, flow.granted)

    async def speed(self, user: User, id: str, bps: int | None) -> int | None:
        """Asks for another speed for a flow that runs; what it is granted then."""
        flow = self._of(user, id)
        flow.speed = bps
        self._share(flow.mode)
        return flow.granted

    async def end(self, user: User, id: str) -> None:
        """Ends a flow; ending it twice is harmless."""
        flow = self._flows.get(id)
        if flow is not None and flow.user.name == user.name:
            self._end(flow, Problem(Code.STOPPED, "the flow was ended over HTTP"))

    def _flow(self, user: User, address: ClientAddress, request: FlowRequest) -> Flow:
        access = self._spaces.get(user.name, request.workspace)
        if request.mode is Mode.UPLOAD:
            access.may_write()
        key = partial(secrets.token_bytes, 32) if address.secure else lambda: None
        keys = LaneKeys(
            secrets.token_bytes(16), secrets.token_bytes(32), key(), key(), bytes(PREFIX)
        )
        return Flow(
            id=secrets.token_hex(16),
            user=user,
            mode=request.mode,
            access=access,
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

    # -- what lanes ask, from their threads --------------------------------------------------------

    def claim(self, token: bytes) -> Flow | None:
        """The flow of a lane that knocks; None for strangers, and for one that has its lane."""
        with self._lock:
            flow = self._by_token.get(token)
            if flow is None or flow.claimed:
                return None
            flow.claimed = True
            return flow

    def release(self, flow: Flow) -> None:
        """The handshake failed: the right lane may still come."""
        flow.claimed = False

    def started(self, flow: Flow, lane: LaneThread, machine: End, pace: Pace | None) -> None:
        """A flow has its lane: from now on it is granted what is left, live."""
        flow.lane, flow.machine = lane, machine
        self._lanes.add(lane)
        self._running[flow.id] = flow
        if pace is not None:
            pace.limit(flow.granted, self._steady())
        self._tell(flow)  # what was shared anew while the lane was on its way

    def ended(self, flow: Flow, problem: Problem | None) -> None:
        """A flow's lane is over, and with it the flow."""
        if problem is not None:
            about = {"user": flow.user.name, "transfer": flow.id}
            _log.info("flow %s of %s ended: %s", flow.id[:8], flow.user.name, problem, extra=about)
        with suppress(RuntimeError):  # the loop has ended: nobody is left to be told
            self._loop.call_soon_threadsafe(self._over, flow)

    # -- grants ------------------------------------------------------------------------------------

    def limit(self, total: Bandwidth) -> None:
        """Other totals for all flows together, from now on."""
        self._total = total
        self._share_all()

    def renew(self) -> None:
        """Users, their rates or their workspaces were changed: flows go on as they are allowed to
        now."""
        for flow in list(self._flows.values()):
            if (refused := self._refused(flow)) is not None:
                self._end(flow, refused)
        self._share_all()

    def _refused(self, flow: Flow) -> Problem | None:
        """Why a flow may not go on in the workspace that it was opened in."""
        try:
            access = self._spaces.get(flow.user.name, flow.access.name)
            if access.workspace is not flow.access.workspace:
                raise unknown("such workspace")
            if flow.mode is Mode.UPLOAD:
                access.may_write()
        except ProblemError as error:
            return error.problem
        return None

    def _share_all(self) -> None:
        for mode in Mode:
            self._share(mode)

    def _share(self, mode: Mode) -> None:
        """Shares a direction's bandwidth anew, and tells those whose rate changed."""
        flows = [flow for flow in self._flows.values() if flow.mode is mode]
        upload = mode is Mode.UPLOAD
        users = {flow.user.name: self._present(flow.user.name) or flow.user for flow in flows}
        asks = [
            Ask(
                flow.id, flow.user.name, _least(flow.speed, _default(users[flow.user.name], upload))
            )
            for flow in flows
        ]
        totals = {
            name: user.upload_bandwidth if upload else user.download_bandwidth
            for name, user in users.items()
        }
        granted = grant(asks, totals, self._total.upload if upload else self._total.download)
        for flow in flows:
            flow.granted = granted[flow.id]
            self._tell(flow)

    def _tell(self, flow: Flow) -> None:
        if flow.lane is not None and flow.machine is not None and flow.granted != flow.told:
            flow.told = flow.granted
            flow.lane.submit(partial(flow.machine.grant, flow.granted))

    def all(self) -> list[Flow]:
        """The flows that there are, the oldest first."""
        return list(self._flows.values())

    def lanes(self) -> int:
        """How many run."""
        return len(self._lanes)

    # -- figures -----------------------------------------------------------------------------------

    def count(self, mode: Mode) -> int:
        """Flows that are open, of one direction."""
        return sum(flow.mode is mode for flow in self._flows.values())

    def moved(self, mode: Mode) -> int:
        """Bytes of files that went over the flows of one direction since the start."""
        under_way = [flow for flow in list(self._running.values()) if flow.mode is mode]
        return self._moved[mode] + sum(
            flow.machine.figures().content for flow in under_way if flow.machine
        )

    # -- ending ------------------------------------------------------------------------------------

    def end_of(self, users: Collection[str]) -> None:
        """Ends the flows of users who may not be here any more, or whose password is another
        now."""
        for flow in [one for one in self._flows.values() if one.user.name in users]:
            self._end(
                flow, Problem(Code.UNAUTHORIZED, "the user was changed on the server: log in again")
            )

    def close(self) -> list[LaneThread]:
        """Asks every lane to come to its checkpoint and end; returns them, to be joined."""
        for flow in list(self._flows.values()):
            self._end(flow, Problem(Code.STOPPED, "the server is being stopped"))
        return list(self._lanes)

    def _end(self, flow: Flow, why: Problem) -> None:
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
        self._by_token.pop(flow.keys.token, None)
        if self._flows.pop(flow.id, None) is not None:
            self._share(flow.mode)

    def _drop_unclaimed(self) -> None:
        """Flows whose lane never came."""
        late = self._steady() - WAIT
        for flow in [
            one for one in self._flows.values() if not one.claimed and one.opened_at < late
        ]:
            self._forget(flow)


def _least(asked_for: int | None, default: int | None) -> int | None:
    return min((rate for rate in (asked_for, default) if rate is not None), default=None)


def _default(user: User, upload: bool) -> int | None:
    return user.upload_speed if upload else user.download_speed
