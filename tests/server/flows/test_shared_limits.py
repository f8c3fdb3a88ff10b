"""A user's bandwidth at two servers: what each gives its flows, second by second."""

import json

from cargo_sync.admission.fair_share import Ask
from cargo_sync.cluster.membership import Measured, Membership
from cargo_sync.model.jobs import Mode
from cargo_sync.server.flows.shared_limits import ClusterBandwidth
from cargo_sync.state.servers import MemoryServerRows
from tests.cluster.servers import member
from tests.server.surroundings import Clock

UP = Mode.UPLOAD
TOTALS = {"ana": 120_000, "ben": None, "eve": 100}


class One:
    """A server, its flows, and what they may use together."""

    def __init__(self, name: str, rows: MemoryServerRows, clock: Clock) -> None:
        self.asks: list[Ask] = []
        self.membership: Membership = member(name, rows, clock)
        self.limits = ClusterBandwidth(self.membership, clock)
        self.membership.measure = lambda: Measured(claims=json.dumps(self.limits.claims()))

    async def tick(self) -> int | None:
        await self.membership.tick()
        self.limits.look()
        return self.now()

    def now(self, user: str = "ana") -> int | None:
        return self.limits.totals(UP, self.asks, TOTALS)[user]


async def test_a_user_with_flows_at_two_servers_has_their_bandwidth_once() -> None:
    rows, clock = MemoryServerRows(), Clock()
    a, b = One("a", rows, clock), One("b", rows, clock)
    a.asks = [Ask("f", "ana"), Ask("g", "ben")]
    for _ in range(2):
        assert await a.tick() == 120_000
    await b.tick()
    seen = []
    b.asks = [Ask("h", "ana", 30_000)]
    assert b.now() == 3_000  # a fortieth, at once
    for _ in range(4):
        clock.now += 1
        seen.append((await a.tick(), await b.tick()))
    assert seen == [(120_000, 3_000), (90_000, 3_000), (90_000, 3_000), (90_000, 30_000)]
    b.asks = [*b.asks, Ask("i", "eve")]
    assert b.now("eve") == 25  # nobody had claimed anything of it: half of its part
    assert b.limits.totals(UP, b.asks, TOTALS)["ben"] is None
    # Nobody hears the other one any more.
    await a.tick()
    clock.now += 3
    assert await a.tick() == 120_000
    # And a server that cannot look keeps its share, then has its part.
    assert b.now() == 30_000
    b.limits.look()
    assert b.now() == 60_000
    b.asks = []
    assert b.limits.totals(UP, [], {}) == {} and b.limits.claims() == {}
