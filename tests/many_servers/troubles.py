"""What happens to the programs while clients write, one after the other."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Final, NamedTuple

from tests.many_servers.fleet import Fleet
from tests.many_servers.standby import FleetWithStandby

KILLED: Final = "a server is killed"
RESTARTED: Final = "PostgreSQL is restarted"
LOST: Final = "PostgreSQL is lost, and its standby takes over"
REFUSED: Final = "the store answers 503"
_TICK: Final = 0.02


class Climate(NamedTuple):
    """How bad it gets.

    kills     how often a server is killed, each in its turn
    restarts  how often PostgreSQL crashes and comes back
    away      seconds for which a killed server is away
    outage    seconds for which the store refuses; at least until it has refused something
    lost      how often PostgreSQL is lost: once, if it has a standby
    """

    kills: int
    restarts: int
    away: float
    outage: float
    lost: int = 0


class Trouble(NamedTuple):
    """Something that happens when this part of all writes is done."""

    at: float
    kind: str


def plan(climate: Climate, *, has_store: bool) -> list[Trouble]:
    """All troubles, the first one first: each kind is spread over the whole time."""
    kinds = [(KILLED, climate.kills), (RESTARTED, climate.restarts), (REFUSED, int(has_store))]
    kinds.append((LOST, climate.lost))
    return sorted(
        Trouble((number + 1) / (count + 1), kind)
        for kind, count in kinds
        for number in range(count)
    )


async def make(
    fleet: Fleet, climate: Climate, progress: Callable[[], float], happened: Counter[str]
) -> None:
    """Makes all of them, as the writes get on; each is over before the next one begins."""
    names = list(fleet.servers)
    for trouble in plan(climate, has_store=fleet.store is not None):
        while progress() < trouble.at:
            await asyncio.sleep(_TICK)
        if trouble.kind == KILLED:
            await _kill(fleet, names[happened[KILLED] % len(names)], climate.away)
        elif trouble.kind == RESTARTED:
            await asyncio.to_thread(fleet.restart_postgres)
        elif trouble.kind == LOST:
            assert isinstance(fleet, FleetWithStandby), "there is a standby"
            await asyncio.to_thread(fleet.fail_over)
        else:
            await _refuse(fleet, climate.outage)
        happened[trouble.kind] += 1


async def _kill(fleet: Fleet, name: str, away: float) -> None:
    await asyncio.to_thread(fleet.kill, name)
    await asyncio.sleep(away)
    await asyncio.to_thread(fleet.start, name)


async def _refuse(fleet: Fleet, outage: float) -> None:
    assert fleet.store is not None
    await asyncio.to_thread(fleet.store.refuse, True)
    await asyncio.sleep(outage)
    while not fleet.store.refused:
        await asyncio.sleep(_TICK)
    await asyncio.to_thread(fleet.store.refuse, False)
