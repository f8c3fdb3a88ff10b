"""Storage nodes as text."""

from collections.abc import Mapping
from typing import Any

from cargo_ctl.render.keys import moment
from cargo_ctl.render.table import table
from cargo_ctl.render.words import count, duration, escaped, size


def invitation_line(result: Mapping[str, Any]) -> str:
    """`node.invite`: the invitation itself."""
    return escaped(result["invitation"])


def about_invitation(result: Mapping[str, Any]) -> str:
    """`node.invite`: what the line on standard output is."""
    return (
        f"An invitation for the storage node {escaped(result['node'])} in the zone "
        f"{escaped(result['zone'])}, for one use until {moment(result['ends'])}. "
        "On its machine: cargo_sync init node"
    )


def node_list(result: Mapping[str, Any]) -> str:
    """`node.list`: one line per node, and what is missing."""
    rows = result.get("nodes") or []
    if not rows:
        return "there are no storage nodes; invite one with: cargo_ctl node invite NAME"
    head = ("NODE", "ZONE", "STATE", "USED", "FREE", "DAMAGED", "ADDRESS")
    cells = [
        (
            escaped(row["node"]),
            escaped(row["zone"]),
            _state(row),
            _size(row.get("used")),
            _size(row.get("free")),
            f"{row['damaged']:,}" if row.get("damaged") else "",
            escaped(row.get("address", "")),
        )
        for row in rows
    ]
    return "\n".join([table(head, cells, {3, 4, 5}), *_missing(result.get("missing") or {})])


def node_show(row: Mapping[str, Any]) -> str:
    """`node.show`: everything about one node."""
    lines = [
        one_node(row),
        f"  zone         {escaped(row['zone'])}",
        f"  address      {escaped(row['address'])}, lanes on port {row['lane_port']}",
        f"  certificate  {escaped(row['fingerprint'])}",
    ]
    if row.get("blobs") is not None:
        lines.append(f"  contents     {row['blobs']:,}, {_size(row['used'])}")
        most = f" of {_size(row['capacity'])}" if row.get("capacity") is not None else ""
        lines.append(f"  room         {_size(row['free'])}{most}")
    if row.get("damaged"):
        lines.append(f"  damaged      {row['damaged']:,}, which are made again from other copies")
    if row.get("draining"):
        lines.append(f"  drained      {'yes: it can be removed' if row['drained'] else 'not yet'}")
    if row.get("problem"):
        lines.append(f"  problem      {escaped(row['problem'])}")
    return "\n".join(lines)


def one_node(row: Mapping[str, Any]) -> str:
    """One node on one line: `cellar: up`."""
    return f"{escaped(row['node'])}: {_state(row)}"


def removal(name: str, *, lost: bool = False) -> str:
    """The question before `node.remove`."""
    if lost:
        return f"Remove the node {escaped(name)}, although copies that are needed may be lost?"
    return f"Remove the node {escaped(name)}?"


def removed(result: Mapping[str, Any]) -> str:
    """`node.remove`: what is left to do."""
    return f"{escaped(result['node'])} is removed; its program can be stopped, its folder deleted"


def scrubbing(result: Mapping[str, Any]) -> str:
    """`node.scrub`: that it began."""
    return f"{escaped(result['node'])} reads all of its copies now"


def _state(row: Mapping[str, Any]) -> str:
    state = escaped(row["state"])
    away = state in ("suspect", "down", "gone") and row.get("silent")
    also = f", silent for {duration(row['silent'])}" if away else ""
    return f"{state}{', draining' if row.get('draining') and state != 'draining' else ''}{also}"


def _size(bytes: object) -> str:
    return size(bytes) if isinstance(bytes, int) else ""


def _missing(found: Mapping[str, Any]) -> list[str]:
    lines = []
    if found.get("copies"):
        lines.append(f"missing: {_copies(found['copies'])} ({size(found['bytes'])})")
    if found.get("waits"):
        lines.append(f"cannot be read now: {count(found['waits'], 'content')}")
    if found.get("lost"):
        lines.append(f"lost: {count(found['lost'], 'content')}; send these files again")
    return lines


def _copies(number: int) -> str:
    return "1 copy" if number == 1 else f"{number:,} copies"
