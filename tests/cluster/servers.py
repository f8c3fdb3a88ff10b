"""Servers that share one state, in one process, with a clock of the test's own."""

import asyncio
from typing import Any

from cargo_sync.cluster.identity import ServerIdentity
from cargo_sync.cluster.membership import Membership, ServerBook
from tests.offloads import inline
from tests.server.surroundings import Clock

WALL = 1_700_000_000.0


def member(
    name: str, rows: ServerBook, clock: Clock, *, id: str = "", life: str = "", **more: Any
) -> Membership:
    """A server; it is not known before `tick`."""
    me = ServerIdentity(id or f"id of {name}", name, life or f"life of {name}", "9.9", WALL)
    made = Membership(rows, me, inline, clock, lambda: WALL + clock())
    made.pause = lambda seconds: asyncio.sleep(0)
    for field, value in more.items():
        setattr(made, field, value)
    return made


def states(one: Membership) -> dict[str, str]:
    return {each.row.name: each.state.value for each in one.all()}
