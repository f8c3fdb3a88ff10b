"""Storage nodes as JSON values, and what a person should know about them."""

from typing import Final

from cargo_sync.api.messages import JsonObject
from cargo_sync.machines.nodes.census import MissingCopies
from cargo_sync.machines.nodes.states import NodeState
from cargo_sync.stores.nodes.fleet import NodeReport
from cargo_sync.stores.nodes.survey import StoreReport

AWAY: Final = (NodeState.DOWN, NodeState.GONE)
"""States in which a person should look. A node that is suspect may only have been slow."""


def row(report: StoreReport, one: NodeReport) -> JsonObject:
    """A row of `node.list`."""
    node, status, problem = one.row, one.status, one.problem
    host = f"[{node.host}]" if ":" in node.host else node.host
    short = report.census.on.get(node.id, MissingCopies())
    return {
        "node": node.name,
        "zone": node.zone,
        "state": one.state.value,
        "draining": bool(node.draining),
        "address": f"{host}:{node.port}",
        "free": status.free if status else None,
        "used": status.used if status else None,
        "capacity": status.capacity if status else None,
        "blobs": status.blobs if status else None,
        "damaged": status.damaged if status else None,
        "scrub": status.scrub._asdict() if status and status.scrub else None,
        "missing": short._asdict(),
        "silent": round(one.silent, 1),
        "problem": str(problem) if problem else None,
    }


def totals(report: StoreReport) -> JsonObject:
    """What is missing in all, and how the repair of it gets on."""
    possible, repair = report.census.possible, report.repair
    return {
        "missing": report.census.missing._asdict(),
        "repair": {
            "copies": possible.copies,
            "bytes": possible.bytes,
            "made": {"copies": repair.copies, "bytes": repair.bytes},
            "speed_bps": repair.speed,
            "limit_bps": repair.limit,
            "eta_s": None if repair.left is None else round(repair.left),
        },
    }


def general(report: StoreReport | None) -> JsonObject:
    """The part of `status` about nodes."""
    if report is None:
        return {"count": 0, "away": 0, "missing": 0, "warnings": []}
    return {
        "count": len(report.nodes),
        "away": sum(one.state in AWAY for one in report.nodes),
        "missing": report.census.missing.copies,
        "warnings": warnings(report),
    }


def warnings(report: StoreReport) -> list[str]:
    """What a person should look at, in sentences."""
    found, missing = [], report.census.missing
    for one in report.nodes:
        if one.state in AWAY:
            name = one.row.name
            found.append(f"the storage node {name} is {one.state}: does its program run?")
    if missing.copies:
        words = "1 copy is" if missing.copies == 1 else f"{missing.copies:,} copies are"
        found.append(f"{words} missing on the storage nodes")
    if missing.waits:
        found.append(f"{_contents(missing.waits)} cannot be read until a storage node is back")
    if missing.lost:
        verb = "is" if missing.lost == 1 else "are"
        found.append(f"{_contents(missing.lost)} {verb} on no storage node: send these files again")
    return found


def _contents(number: int) -> str:
    return "1 content" if number == 1 else f"{number:,} contents"
