"""Commands that a page sends: who may send which, and to whom. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from cargo_sync.api import daemon_commands, server_commands
from cargo_sync.api.messages import JsonObject, Refusal, ReplyCode
from cargo_sync.api.roles import Role

_TABLES: Final = (daemon_commands.COMMANDS, server_commands.COMMANDS)


@dataclass(frozen=True, slots=True)
class WebCommand:
    """One command of a page. `id`: "" for none. Arguments may be secrets: they are never shown."""

    source: str
    cmd: str
    args: JsonObject = field(repr=False)
    id: str


def check(role: Role, cmd: str) -> Refusal | None:
    """Why a person with this role may not use a command; None if they may.

    The daemon or server checks it too. A command that only a later version knows needs `control`.
    """
    known = [table[cmd] for table in _TABLES if cmd in table]
    if role is Role.CONTROL or (known and all(role.may(one.needs) for one in known)):
        return None
    return Refusal(
        ReplyCode.FORBIDDEN,
        f"you may only watch; {cmd} is for the role control",
        "ask somebody with the role control",
    )


def lower(one: Role, other: Role) -> Role:
    """The role of somebody who has the role `one` here and the role `other` there."""
    return one if other.may(one) else other


def changes(cmd: str) -> bool:
    """Whether a command is done once for its id; one that is unknown here may be."""
    known = [table[cmd] for table in _TABLES if cmd in table]
    return not known or any(one.changes for one in known)


def reply_of(result: JsonObject) -> Mapping[str, object]:
    """The answer to a command that was done."""
    return {"ok": True, "result": result}


def reply_refused(refusal: Refusal) -> Mapping[str, object]:
    """The answer to a command that was not."""
    error = {"code": str(refusal.code), "message": refusal.message}
    return {"ok": False, "error": error | ({"hint": refusal.hint} if refusal.hint else {})}
