"""A small trial: clients write through two servers, of which one is killed meanwhile; and so is the
database, from which its standby takes over.

It takes what tests of remotes take, and is left out where these cannot be had. It takes a quarter
of a minute, so `make test` leaves it to `make cluster`.
"""

import os

import pytest

from tests.many_servers.campaign import Plan, table, tell
from tests.many_servers.standby import FleetWithStandby
from tests.many_servers.troubles import KILLED, LOST, REFUSED, RESTARTED, Climate

SMALL = Plan(4, 6, 24, 0.0, Climate(kills=1, restarts=1, away=0.0, outage=0.0, lost=1))


@pytest.mark.skipif("CARGO_TEST_STATE" not in os.environ, reason="`make cluster` runs it")
async def test_nothing_is_lost(fleet: FleetWithStandby) -> None:
    with fleet:
        fleet.start()
        result = await tell(fleet, SMALL)
        assert not result.wrong, f"{table(result)}\n{fleet.logs()}"
    assert len(result.tally.acknowledged) >= SMALL.writes
    assert result.versions >= SMALL.writes and result.restored > 0
    assert result.happened == {KILLED: 1, RESTARTED: 1, REFUSED: 1, LOST: 1}
