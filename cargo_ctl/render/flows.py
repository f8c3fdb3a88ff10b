"""The flows of a server as text."""

from collections.abc import Mapping, Sequence
from typing import Any

from cargo_ctl.render.table import table
from cargo_ctl.render.words import escaped, rate, size


def flow_list(result: Mapping[str, Any]) -> str:
    """`flow.list`: one line per flow."""
    flows = result.get("flows") or []
    return flow_table(flows) if flows else "no transfers"


def flow_table(flows: Sequence[Mapping[str, Any]]) -> str:
    """Rows of `flow.list`, one line per flow."""
    head = ["ID", "USER", "DIRECTION", "BYTES", "SPEED", "GRANTED", "RTT", "LOST", "FOLDER"]
    rows = [_row(flow) for flow in flows]
    if any("server" in flow for flow in flows):
        head.append("SERVER")
        rows = [
            [*row, escaped(flow.get("server", ""))] for row, flow in zip(rows, flows, strict=True)
        ]
    return table(head, rows, {3, 4, 5, 6, 7})


def place(flow: Mapping[str, Any]) -> str:
    """The workspace and folder of a flow: `music/in/box`."""
    parts = [flow.get("workspace", ""), flow.get("folder", "")]
    return "/".join(escaped(part) for part in parts if part)


def _row(flow: Mapping[str, Any]) -> Sequence[str]:
    rtt, lost = flow.get("rtt_ms"), flow.get("lost")
    return (
        escaped(flow["id"]),
        escaped(flow.get("user", "")),
        escaped(flow.get("direction", "")),
        size(flow.get("bytes") or 0),
        rate(flow["speed_bps"]) if flow.get("speed_bps") else "",
        rate(flow["granted"]) if flow.get("granted") is not None else "",
        "" if rtt is None else f"{rtt:.1f} ms" if rtt >= 1 else f"{rtt:.2f} ms",
        "" if lost is None else f"{lost:,}",
        place(flow),
    )
