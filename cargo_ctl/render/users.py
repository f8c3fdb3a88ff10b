"""The users and workspaces of a server as text."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from cargo_ctl.render.flows import flow_table
from cargo_ctl.render.invitations import logins
from cargo_ctl.render.keys import moment
from cargo_ctl.render.table import table
from cargo_ctl.render.words import count, escaped, percent, size, speed


def user_list(result: Mapping[str, Any]) -> str:
    """`user.list`: one line per user."""
    users = result.get("users") or []
    if not users:
        return "there are no users; add one with: cargo_ctl user add NAME FOLDER"
    head = ("USER", "STATE", "USED", "UPLOAD", "DOWNLOAD", "FLOWS", "FROM", "FOLDER")
    return table(head, [_row(user) for user in users], {5})


def _past(user: Mapping[str, Any]) -> Sequence[str]:
    """When a user was there last, and what they moved."""
    if "moved" not in user:
        return []
    seen, moved = user.get("last_seen"), user["moved"]
    if not seen and not any(any(sums.values()) for sums in moved.values()):
        return ["  last seen   never"]
    lines = []
    if seen:
        lines.append(f"  last seen   {moment(seen['time'])} from {escaped(seen['address'] or '?')}")
    for word, name in (("today", "today"), ("kept", "in all")):
        if sums := moved.get(word):
            up = f"up {count(sums['files_up'], 'file')}, {size(sums['bytes_up'])}"
            down = f"down {count(sums['files_down'], 'file')}, {size(sums['bytes_down'])}"
            lines.append(f"  {name:<10}  {up}; {down}")
    return lines


def _row(user: Mapping[str, Any]) -> Sequence[str]:
    return (
        escaped(user["user"]),
        _state(user),
        _used(user),
        _limits(user, "upload"),
        _limits(user, "download"),
        f"{user['flows']:,}" if user.get("flows") else "",
        escaped(user.get("from", "")),
        escaped(user.get("path", "")),
    )


def one_user(user: Mapping[str, Any]) -> str:
    """One user on one line: `ana: enabled, upload 50mbps per transfer, /srv/ana`."""
    parts = [_state(user)]
    parts += [text for text in (_quota(user), _until(user), _networks(user)) if text]
    parts += [f"{way} {text}" for way in ("upload", "download") if (text := _limits(user, way))]
    return f"{escaped(user['user'])}: {', '.join([*parts, escaped(user.get('path', ''))])}"


def removal(name: str) -> str:
    """The question before `user.remove`."""
    who = escaped(name)
    return f"Remove the user {who}, their password and their access to workspaces? The files stay."


def workspace_removal(name: str) -> str:
    """The question before `workspace.remove`."""
    return f"Remove the workspace {escaped(name)} and its users' access to it? The files stay."


def removed_user(result: Mapping[str, Any]) -> str:
    """`user.remove`: where the files are."""
    return (
        f"{escaped(result['user'])} is removed; the files stay in {escaped(result.get('path', ''))}"
    )


def new_password(user: Mapping[str, Any]) -> str:
    """`user.passwd`: what changed."""
    return f"{escaped(user['user'])} has a new password; logins with the old one have ended"


def user_show(user: Mapping[str, Any]) -> str:
    """`user.show`: everything about one user."""
    lines = [
        f"{escaped(user['user'])}: {_state(user)}",
        f"  folder      {escaped(user.get('path', ''))}",
        f"  used        {_used(user)}",
    ]
    lines += [f"  expires     {text}" for text in [_until(user)] if text]
    lines += [f"  networks    {text}" for text in [_networks(user)] if text]
    lines += [f"  {way:<10}  {_limits(user, way) or 'no limit'}" for way in ("upload", "download")]
    for space in user.get("workspaces") or []:
        name, access = escaped(space["name"]), escaped(space["access"])
        below = f", only {escaped(space['subfolder'])}" if space.get("subfolder") else ""
        lines.append(f"  workspace   {name} ({access}{below})  {_place(space)}")
    lines += logins(user).splitlines()
    lines += _past(user)
    if user.get("file"):
        given = ", ".join(escaped(field) for field in user.get("in_file") or [])
        lines.append(f"  file        {escaped(user['file'])} sets {given}")
    if user.get("flows"):
        lines.append(f"  {count(len(user['flows']), 'flow')}")
        lines += ["    " + line for line in flow_table(user["flows"]).splitlines()]
    return "\n".join(lines)


def workspace_list(result: Mapping[str, Any]) -> str:
    """`workspace.list`: one line per workspace."""
    spaces = result.get("workspaces") or []
    if not spaces:
        return "there are no named workspaces; each user has their own folder"
    rows = [
        (
            escaped(space["workspace"]),
            _used(space),
            _grants(space),
            escaped(space.get("from", "")),
            _place(space),
        )
        for space in spaces
    ]
    return table(("WORKSPACE", "USED", "USERS", "FROM", "FOLDER"), rows)


def one_workspace(space: Mapping[str, Any]) -> str:
    """One workspace on one line: `music: ana rw, ben ro, /srv/music`."""
    parts = [_grants(space) or "no users", _quota(space), _place(space)]
    parts = [part for part in parts if part]
    return f"{escaped(space['workspace'])}: {', '.join(parts)}"


def _place(space: Mapping[str, Any]) -> str:
    """Where the contents of a workspace lie."""
    if bucket := space.get("bucket"):
        return f"in {escaped(bucket)}"
    copies = space.get("copies")
    if not copies:
        return escaped(space.get("path", ""))
    return "on nodes, 1 copy" if copies == 1 else f"on nodes, {copies:,} copies"


def removed_workspace(result: Mapping[str, Any]) -> str:
    """`workspace.remove`: where the files are."""
    name, path = escaped(result["workspace"]), escaped(result.get("path", ""))
    return f"{name} is removed; the files stay in {path}"


def _state(user: Mapping[str, Any]) -> str:
    if not user.get("enabled"):
        return "disabled"
    return "expired" if user.get("expired") else "enabled"


def _used(owner: Mapping[str, Any]) -> str:
    """`412.0 GB of 500.0 GB (82%), 3,000 of 10,000 files (30%)`; `412.0 GB` without a quota."""
    used, quota = owner.get("used") or {}, owner.get("quota") or {}
    there, files = used.get("bytes") or 0, used.get("files") or 0
    most, most_files = quota.get("bytes"), quota.get("files")
    text = size(there)
    if most is not None:
        text += f" of {size(most)} ({percent(there, most)})"
    if most_files is not None:
        text += f", {files:,} of {count(most_files, 'file')} ({percent(files, most_files)})"
    return text


def _quota(owner: Mapping[str, Any]) -> str:
    """`quota 500.0 GB and 10,000 files`, or "" for none."""
    quota = owner.get("quota") or {}
    parts = [size(quota["bytes"])] if quota.get("bytes") is not None else []
    parts += [count(quota["files"], "file")] if quota.get("files") is not None else []
    return f"quota {' and '.join(parts)}" if parts else ""


def _until(user: Mapping[str, Any]) -> str:
    """`until the end of 2027-01-31`, `until 2027-01-31 18:00`, or "" for always."""
    if user.get("expires") is None:
        return ""
    at = datetime.fromtimestamp(float(user["expires"]))
    if (at.hour, at.minute, at.second) == (0, 0, 0):
        return f"until the end of {at - timedelta(days=1):%Y-%m-%d}"
    return f"until {at:%Y-%m-%d %H:%M}"


def _networks(user: Mapping[str, Any]) -> str:
    """`from 10.0.0.0/8`, or "" for everywhere."""
    some = user.get("networks") or []
    return f"from {', '.join(map(escaped, some))}" if some else ""


def _limits(user: Mapping[str, Any], way: str) -> str:
    """`50mbps per transfer, 200mbps in total`, or "" for no limit."""
    each, total = user.get(f"{way}_speed"), user.get(f"{way}_bandwidth")
    parts = [f"{speed(each)} per transfer"] if each is not None else []
    return ", ".join([*parts, f"{speed(total)} in total"] if total is not None else parts)


def _grants(space: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{escaped(user)} {_grant(given)}" for user, given in space.get("grants", {}).items()
    )


def _grant(given: str | Mapping[str, Any]) -> str:
    """`rw`, or `wo in/ben`."""
    if isinstance(given, str):
        return escaped(given)
    return f"{escaped(given.get('access', ''))} {escaped(given.get('path', ''))}"
