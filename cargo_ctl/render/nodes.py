"""Storage nodes as text."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from cargo_ctl.render.keys import moment
from cargo_ctl.render.table import table
from cargo_ctl.render.words import count, duration, escaped, rate, size


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


def about_recovery_key() -> str:
    """What the recovery key is, for the person who sees it for the first time."""
    return (
        "The recovery key of this server. Write it down: it is shown only now, and nobody keeps "
        "it. With it a new machine gets the server's state back from the nodes: "
        "cargo_sync server --recover-from-nodes"
    )


def no_recovery_key() -> str:
    """What to do if there is none, and none can be shown."""
    return "This server has no recovery key yet. Make one with: cargo_ctl node recovery-key"


def new_recovery_key(found: Mapping[str, Any]) -> str:
    """The question before a second recovery key."""
    last = f" (the last one is of {moment(found['made'])})" if found.get("made") else ""
    return f"Make a new recovery key? The old one opens only snapshots from before{last}."


def node_list(result: Mapping[str, Any]) -> str:
    """`node.list`: one line per node, and what is missing."""
    rows = result.get("nodes") or []
    if not rows:
        return "there are no storage nodes; invite one with: cargo_ctl node invite NAME"
    head = ("NODE", "ZONE", "STATE", "USED", "FREE", "MISSING", "DAMAGED", "ADDRESS")
    cells = [
        (
            escaped(row["node"]),
            escaped(row["zone"]),
            _state(row),
            _size(row.get("used")),
            _size(row.get("free")),
            f"{_short(row)['copies']:,}" if _short(row)["copies"] else "",
            f"{row['damaged']:,}" if row.get("damaged") else "",
            escaped(row.get("address", "")),
        )
        for row in rows
    ]
    lines = [*_missing(result.get("missing") or {}), *_repair(result)]
    return "\n".join([table(head, cells, {3, 4, 5, 6}), *lines])


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
        found = f"{row['damaged']:,} found since it started"
        lines.append(f"  damaged      {found}; they are made again from other copies")
    if row.get("scrub"):
        lines.append(f"  scrub        {_scrub(row['scrub'])}")
    if _short(row)["copies"]:
        lines.append(
            f"  missing      {_copies(_short(row)['copies'])} ({size(_short(row)['bytes'])}) "
            f"of {count(_short(row)['blobs'], 'content')} that it has"
        )
        lines += [f"  repair       {repair(row)}"]
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


def _short(row: Mapping[str, Any]) -> Mapping[str, int]:
    """What is missing of the contents on a node."""
    return {"blobs": 0, "copies": 0, "bytes": 0} | (row.get("missing") or {})


def _repair(result: Mapping[str, Any]) -> list[str]:
    return [f"repair: {repair(result)}"] if (result.get("missing") or {}).get("copies") else []


def repair(result: Mapping[str, Any]) -> str:
    """How a repair gets on: `3 copies (4.0 kB) to make, 4 min left (12.5 MB/s of late)`."""
    found = result.get("repair") or {}
    if not found.get("copies"):
        return "waits until a node can give these copies and another one take them"
    text = f"{_copies(found['copies'])} ({size(found['bytes'])}) to make"
    if found.get("eta_s") is None:
        return f"{text}; nothing was copied for a minute: look at the server's log"
    speed = found.get("speed_bps")
    pace = f"{rate(speed)} of late" if speed else f"at most {rate(found['limit_bps'])}"
    return f"{text}, {duration(found['eta_s'])} left ({pace})"


def _scrub(found: Mapping[str, Any]) -> str:
    if found["begun"] is None:
        return "none yet"
    read = f"{count(found['blobs'], 'content')}, {size(found['bytes'])} read"
    bad = f", {found['damaged']:,} damaged" if found["damaged"] else ""
    if found["under_way"]:
        return f"under way since {moment(found['begun'])}: {read}{bad}"
    return f"ended {moment(found['ended'])}: {read}{bad}" if found["ended"] else "stopped"


def in_all(nodes: Iterable[Mapping[str, Any]], totals: Mapping[str, Any]) -> str:
    """All nodes on one line: `3 storage nodes: 2 up, 1 down; 3 copies missing, 4 min left`."""
    states = Counter(str(one.get("state")) for one in nodes)
    words = ", ".join(f"{number:,} {escaped(state)}" for state, number in states.most_common())
    text = f"{count(states.total(), 'storage node')}: {words}"
    if copies := (totals.get("missing") or {}).get("copies"):
        left = (totals.get("repair") or {}).get("eta_s")
        also = f", {duration(left)} left" if left is not None else ""
        text += f"; {_copies(copies)} missing{also}"
    return text


def _copies(number: int) -> str:
    return "1 copy" if number == 1 else f"{number:,} copies"
