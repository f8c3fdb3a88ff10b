"""The servers that share a state, as JSON values."""

from collections.abc import Sequence
from typing import Final

import orjson

from cargo_sync.api.messages import JsonObject
from cargo_sync.cluster.membership import KnownServer, Measured, Membership
from cargo_sync.machines.cluster.states import ServerState
from cargo_sync.server.flows.sampler import FlowReading, totals
from cargo_sync.server.reporting import views

MOST_FLOWS: Final = 500
"""Flows that a server tells the others of."""


def measured(readings: Sequence[FlowReading], cpu: float) -> Measured:
    """What a server has to do now, for its row.

    Args:
        readings: its flows.
        cpu: of one core, 1.0 for all of it.
    """
    figures = {**views.progress(totals(readings)), "cpu": round(cpu, 3)}
    flows = [views.flow(one) for one in readings[:MOST_FLOWS]]
    return Measured(orjson.dumps(figures).decode(), orjson.dumps(flows).decode())


def row(one: KnownServer) -> JsonObject:
    """A row of `server.list`."""
    about = one.row
    silent = None if one.silent == float("inf") else round(one.silent, 1)
    return {
        "server": about.name,
        "id": about.id,
        "state": one.state.value,
        "this": one.is_this,
        "address": about.address,
        "lanes": about.lanes,
        "version": about.version,
        "started": about.started,
        "seen": about.seen,
        "silent": silent,
        "figures": _object(about.figures),
    }


def all_flows(readings: Sequence[FlowReading], membership: Membership) -> list[JsonObject]:
    """Rows of `flow.list`: this server's flows, and what the others have told of theirs."""
    own: list[JsonObject] = [views.flow(one) for one in readings]
    others = membership.others()
    if not others:
        return own
    found: list[JsonObject] = [{**row, "server": membership.me.name} for row in own]
    for one in others:
        if one.state is not ServerState.AWAY:
            found += [{**row, "server": one.row.name} for row in flows(one)]
    return found


def among(membership: Membership) -> JsonObject:
    """Whose figures these are, if there are several servers; else nothing."""
    count = 1 + len(membership.others())
    return {"among": {"server": membership.me.name, "servers": count}} if count > 1 else {}


def flows(one: KnownServer) -> list[JsonObject]:
    """The flows that a server has told of, as rows of `flow.list`."""
    found = orjson.loads(one.row.flows)
    return found if isinstance(found, list) else []


def warnings(membership: Membership) -> list[str]:
    """What a person should look at, in sentences."""
    found, own = [], membership.reached.fingerprint
    for one in membership.others():
        name = one.row.name
        if one.state is ServerState.AWAY:
            if one.row.life:
                found.append(f"the server {name} is away: does its program run?")
        elif one.row.fingerprint != own:
            found.append(
                f"the server {name} has another certificate than this one: give all servers the "
                'same files in "tls"'
            )
    return found


def _object(text: str) -> JsonObject:
    found = orjson.loads(text)
    return found if isinstance(found, dict) else {}
