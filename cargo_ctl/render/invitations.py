"""Invitations and devices as text."""

from collections.abc import Mapping
from typing import Any

from cargo_ctl.render.keys import moment
from cargo_ctl.render.table import table
from cargo_ctl.render.words import escaped


def line(result: Mapping[str, Any]) -> str:
    """`user.invite`: the invitation itself."""
    return escaped(result["invitation"])


def about(result: Mapping[str, Any]) -> str:
    """`user.invite`: what the line on standard output is."""
    who, path = escaped(result["user"]), escaped(result["path"])
    new = f"added: {who}, {path}\n" if result.get("added") else ""
    return (
        f"{new}An invitation for {who}, for one use until {moment(result['ends'])}. "
        "They give it to: cargo_sync init job"
    )


def invitation_list(result: Mapping[str, Any]) -> str:
    """`user.invitation.list`: one line per invitation."""
    rows = [
        (escaped(one["id"]), escaped(one["user"]), moment(one["ends"]))
        for one in result.get("invitations") or []
    ]
    return table(("ID", "USER", "ENDS"), rows) if rows else "there are no open invitations"


def revoked(result: Mapping[str, Any]) -> str:
    """`user.invitation.revoke`."""
    return f"{escaped(result['id'])}: revoked"


def devices_revoked(result: Mapping[str, Any]) -> str:
    """`user.device.revoke`: which devices."""
    who = escaped(result["user"])
    names = ", ".join(escaped(name) for name in result.get("devices") or [])
    return f"revoked: {names} of {who}" if names else f"{who} has no devices"


def logins(user: Mapping[str, Any]) -> str:
    """The lines of `user.show` about devices and invitations."""
    devices = [
        f"  device      {escaped(one['name'])}, since {moment(one['made'])}, "
        + ("not used yet" if one.get("used") is None else f"last used {moment(one['used'])}")
        for one in user.get("devices") or []
    ]
    open = [
        f"  invitation  {escaped(one['id'])}, until {moment(one['ends'])}"
        for one in user.get("invitations") or []
    ]
    return "\n".join(devices + open)
