"""The servers that share one state, as text."""

from collections.abc import Mapping
from typing import Any

from cargo_ctl.render.flows import flow_table
from cargo_ctl.render.keys import moment
from cargo_ctl.render.servers import moving
from cargo_ctl.render.table import table
from cargo_ctl.render.words import duration, escaped, rate


def server_list(result: Mapping[str, Any]) -> str:
    """`server.list`: one line per server; `*` is the one that was asked."""
    head = ("SERVER", "STATE", "FLOWS", "SPEED", "CPU", "VERSION", "STARTED", "ADDRESS")
    cells = []
    for row in result.get("servers") or []:
        figures = {} if row["state"] == "away" else row.get("figures") or {}
        speed = (figures.get("upload_bps") or 0) + (figures.get("download_bps") or 0)
        cells.append(
            (
                escaped(row["server"]) + (" *" if row.get("this") else ""),
                _state(row),
                f"{moved(row):,}" if figures else "",
                rate(speed) if speed else "",
                f"{100 * figures['cpu']:.0f} %" if figures.get("cpu") is not None else "",
                escaped(row.get("version", "")),
                moment(row["started"]),
                escaped(row.get("address", "")),
            )
        )
    return table(head, cells, {2, 3, 4})


def server_show(row: Mapping[str, Any]) -> str:
    """`server.show`: everything about one server."""
    lines = [
        one_server(row),
        f"  id           {escaped(row['id'])}",
        f"  address      {escaped(row.get('address', ''))}",
        f"  data port    {escaped(row.get('lanes', ''))}",
        f"  version      {escaped(row.get('version', ''))}",
        f"  started      {moment(row['started'])}",
        f"  transfers    {moving(row.get('figures') or {})}",
    ]
    flows = row.get("flows") or []
    return "\n".join([*lines, *([flow_table(flows)] if flows else ())])


def one_server(row: Mapping[str, Any]) -> str:
    """One server on one line: `a: up`."""
    return f"{escaped(row['server'])}: {_state(row)}"


def draining(row: Mapping[str, Any]) -> str:
    """What is left to do at a server that shall end."""
    if row["state"] != "draining":
        return one_server(row)
    left = moved(row)
    return f"{one_server(row)}; " + (f"{moving(row['figures'])}" if left else "it can be stopped")


def moved(row: Mapping[str, Any]) -> int:
    """How many flows a server has."""
    figures = row.get("figures") or {}
    return int(figures.get("uploads") or 0) + int(figures.get("downloads") or 0)


def removed(result: Mapping[str, Any]) -> str:
    """`server.remove`: what was done."""
    return f"{escaped(result['server'])} is forgotten; it is known again when it starts"


def _state(row: Mapping[str, Any]) -> str:
    silent = row.get("silent")
    if row["state"] == "away" and silent is not None:
        return f"away for {duration(silent)}"
    return escaped(row["state"])
