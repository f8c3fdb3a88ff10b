"""What several servers promise of one quota."""

import json
from collections.abc import Mapping

import pytest

from cargo_sync.catalogue.quota_ledger import QuotaLedger
from cargo_sync.cluster.membership import Measured, Membership
from cargo_sync.machines.quota import Growth, Quota, Use
from cargo_sync.server.flows.shared_quotas import ClusterQuotas
from cargo_sync.state.servers import MemoryServerRows
from tests.cluster.servers import member
from tests.server.surroundings import Clock

ID = 7
THERE = Use(40, 1)


class Server:
    """One server: its workspace with 40 bytes, of 100."""

    def __init__(self, name: str, rows: MemoryServerRows, clock: Clock) -> None:
        self.ledger = QuotaLedger(lambda: THERE)
        self.ledger.allow({"ana": Quota(100)}, lambda news: None)
        self.membership: Membership = member(name, rows, clock)
        self.quotas = ClusterQuotas(self.membership, self)
        self.membership.measure = lambda: Measured(claims=json.dumps(self.quotas.claims()))

    def promised(self) -> dict[int, Use]:
        return {ID: self.ledger.promised}

    def promised_elsewhere(self, found: Mapping[int, Use]) -> None:
        self.ledger.promised_elsewhere(found.get(ID, Use()))

    async def tick(self) -> None:
        await self.membership.tick()
        self.quotas.look()

    def fits(self, size: int, *, at_last: bool = False) -> bool:
        """Whether a file fits; it is given up at once."""
        promised = self.ledger.promise("ana", Growth([size], [1]), at_last=at_last)
        self.ledger.end(promised.growth)
        return not promised.refused


@pytest.fixture
def clock() -> Clock:
    return Clock(100.0)


async def test_what_others_have_promised_counts_where_files_are_offered(clock: Clock) -> None:
    rows = MemoryServerRows()
    a, b, c = (Server(name, rows, clock) for name in "abc")
    a.ledger.promise("ana", Growth([30], [1]))
    b.ledger.promise("ana", Growth([10], [1]))
    assert c.fits(60), "nobody has said anything yet"
    for one in (a, b, c):
        await one.tick()
    assert (c.fits(20), c.fits(21)) == (True, False)
    assert c.fits(60, at_last=True), "what is there decides then"
    assert c.ledger.exceeding("ana", Growth([61], [1])) == {0: Use(1, 0)}
    a.ledger.end(Use(30, 1))
    await a.tick()
    await c.tick()
    assert (c.fits(50), c.fits(51)) == (True, False)


async def test_what_a_killed_server_has_promised_is_free_after_three_seconds(clock: Clock) -> None:
    rows = MemoryServerRows()
    a, b = (Server(name, rows, clock) for name in "ab")
    a.ledger.promise("ana", Growth([60], [1]))
    await a.tick()
    await b.tick()
    assert not b.fits(1)
    clock.now += 3
    await b.tick()
    assert b.fits(60)


async def test_servers_of_the_release_before_say_nothing(clock: Clock) -> None:
    rows = MemoryServerRows()
    a, b = Server("a", rows, clock), Server("b", rows, clock)
    a.membership.measure = lambda: Measured(claims='{"upload": {"ana": [[null], 8000]}}')
    await a.tick()
    await b.tick()
    assert b.fits(60)
