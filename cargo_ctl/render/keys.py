"""Keys and the audit as text."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cargo_ctl.render.table import table
from cargo_ctl.render.words import escaped
from cargo_sync.api.messages import encode


def moment(time: float) -> str:
    """A time in this machine's time zone: `2026-11-25 19:07:40`."""
    return datetime.fromtimestamp(time).strftime("%Y-%m-%d %H:%M:%S")


def key_list(result: Mapping[str, Any]) -> str:
    """The result of `key.list`: {keys: [{name, public, role, made}]}."""
    rows = [
        [escaped(key["name"]), escaped(key["role"]), moment(key["made"]), escaped(key["public"])]
        for key in result["keys"]
    ]
    return table(["NAME", "ROLE", "ADDED", "PUBLIC KEY"], rows) if rows else "there are no keys"


def added(name: str, role: str, address: str, path: str) -> str:
    """`key.add`: the key, where its file is, and how to use it."""
    return (
        f"{escaped(name)}: added with the role {escaped(role)}, for {escaped(address)}\n"
        f"The key is in {escaped(path)}. Use it with: cargo_ctl --connect {escaped(path)} status"
    )


def revoked(result: Mapping[str, Any]) -> str:
    """The result of `key.revoke`: {key: {name, public, role, made}}."""
    return f"{escaped(result['key']['name'])}: revoked"


def audit(result: Mapping[str, Any]) -> str:
    """The result of `audit`: {rows: [{number, time, who, command, args, outcome}], next}."""
    rows = [
        [
            str(row["number"]),
            moment(row["time"]),
            escaped(row["who"]),
            escaped(row["command"]),
            escaped(row["outcome"] or "?"),
            escaped(_args(row["command"], row["args"])),
        ]
        for row in result["rows"]
    ]
    if not rows:
        return "nothing was changed"
    return table(["NUMBER", "TIME", "WHO", "COMMAND", "OUTCOME", "ARGUMENTS"], rows, right=(0,))


def _args(command: str, args: Mapping[str, Any]) -> str:
    """Arguments in the words of the command line: `job=nightly speed=reset`.

    A missing speed resets a limit to what the file says. In a session it means no limit.
    """
    missing = "none" if command.startswith("session.") else "reset"
    return " ".join(
        f"{name}={missing if value is None else _arg(value)}" for name, value in args.items()
    )


def _arg(value: object) -> str:
    if isinstance(value, Mapping) and all(isinstance(each, str) for each in value.values()):
        return ",".join(f"{name}:{each}" for name, each in value.items())
    return value if isinstance(value, str) else encode(value).decode()
