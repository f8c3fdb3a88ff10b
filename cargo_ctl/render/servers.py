"""A server as a whole, as text."""

from collections.abc import Mapping
from typing import Any

from cargo_ctl.render.words import count, duration, escaped, rate


def status(result: Mapping[str, Any]) -> str:
    """`status` of a server: users, workspaces, transfers, and how long it has been running."""
    data = result.get("data_connections") or {}
    used, most = data.get("open") or 0, data.get("most") or 0
    among = result.get("among")
    lines = [
        *([_alone(among)] if among else ()),
        f"serving {served(result)}",
        f"{moving(result.get('totals') or {})}; {used:,} of {most:,} data connections",
        f"up for {duration(result.get('uptime_s') or 0)}",
        *(_error(one) for one in result.get("errors") or []),
        *(f"warning: {escaped(warning)}" for warning in result.get("warnings") or []),
    ]
    return "\n".join(lines)


def _alone(among: Mapping[str, Any]) -> str:
    """Transfers are those of one server; users and workspaces are the same at all."""
    name, count = escaped(among["server"]), among["servers"]
    return f"the server {name}, one of {count:,}; of all: cargo_ctl server list, flow list"


def _error(one: Mapping[str, Any]) -> str:
    hint = f" ({escaped(one['hint'])})" if one.get("hint") else ""
    return f"error: {escaped(one['message'])}{hint}"


def served(fields: Mapping[str, Any]) -> str:
    """`3 users (1 disabled), 2 workspaces`."""
    users = fields.get("users") or {}
    enabled, disabled = users.get("enabled") or 0, users.get("disabled") or 0
    text = count(enabled + disabled, "user") + (f" ({disabled:,} disabled)" if disabled else "")
    text += f", {count(fields.get('workspaces') or 0, 'workspace')}"
    if fields.get("away"):
        text += f", {count(fields['away'], 'folder')} not usable"
    if fields.get("unoffered"):
        text += f", {count(fields['unoffered'], 'name')} not offered"
    nodes = fields.get("nodes") or {}
    if nodes.get("count"):
        text += f", {count(nodes['count'], 'storage node')}"
        text += f" ({nodes['away']:,} away)" if nodes.get("away") else ""
    return text


def moving(totals: Mapping[str, Any]) -> str:
    """`1 upload at 12.3 MB/s, 2 downloads at 1.0 MB/s`."""
    parts = [
        f"{count(totals[f'{way}s'], way)} at {rate(totals.get(f'{way}_bps') or 0)}"
        for way in ("upload", "download")
        if totals.get(f"{way}s")
    ]
    return ", ".join(parts) or "no transfers"


def reloaded(result: Mapping[str, Any]) -> str:
    """`reload` of a server: the result for each user and workspace, notes and errors."""
    lines = [
        f"{noun} {escaped(one[noun])}: {escaped(one['result'])}"
        for noun, found in (("user", result.get("users")), ("workspace", result.get("workspaces")))
        for one in found or []
    ]
    lines += [f"note: {escaped(notice)}" for notice in result.get("notices") or []]
    lines += [f"error: {escaped(error)}" for error in result.get("errors") or []]
    return "\n".join(lines) or "there are no users and no workspaces"
