"""Who asks: the role that a message's sender has, and what is said to those who may not.

A door is how the callers of one socket are known. What a peer says of itself counts for nothing:
the user of a local socket comes from the kernel, the key of a CURVE connection from its handshake.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import zmq

from cargo_sync.api.commands import Command
from cargo_sync.api.messages import ControlError, ReplyCode
from cargo_sync.api.roles import Role
from cargo_sync.control.keyring import Keyring


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. who: in words, for the audit."""

    role: Role
    who: str


LOCAL: Final = Caller(Role.CONTROL, "local user")
PLAIN: Final = Caller(Role.PLAIN, "plain port")

CallerOf = Callable[[zmq.Frame], Caller | None]
"""The caller of a message, by a frame of it; None when he is let in no more."""


def local_door(frame: zmq.Frame) -> Caller:
    """Of an ipc socket: whoever reaches it may do everything.

    On Linux libzmq gives `host:uid:gid:pid` as the peer's address (stream_engine_base.cpp,
    SO_PEERCRED).
    """
    parts = _told(frame, "Peer-Address").split(":")
    if len(parts) != 4 or not all(part.isdecimal() for part in parts[1:]):
        return LOCAL
    return Caller(Role.CONTROL, f"uid {parts[1]}, process {parts[3]}")


def plain_door(_: zmq.Frame) -> Caller:
    """Of a port without keys."""
    return PLAIN


def keyed_door(keys: Keyring) -> CallerOf:
    """Of a CURVE port: the key is looked up at each message, so that a revoked one is refused at
    once."""

    def door(frame: zmq.Frame) -> Caller | None:
        key = keys.of(_told(frame, "User-Id"))
        return None if key is None else Caller(key.role, f'key "{key.name}"')

    return door


def check_role(caller: Caller, command: Command[Any], *, order: bool) -> None:
    """Raises ControlError(forbidden).

    Args:
        order: it came as a legacy order, which a plain port takes.
    """
    if caller.role.may(command.needs) or (order and caller.role is Role.PLAIN):
        return
    if caller.role is Role.PLAIN:
        raise ControlError(
            ReplyCode.FORBIDDEN,
            f"{command.name} is not taken on a plain port",
            "use the local socket, or a port with keys",
        )
    why = "changes something" if command.changes else "needs the role control"
    raise ControlError(ReplyCode.FORBIDDEN, f"this key may only watch; {command.name} {why}")


def let_in_no_more() -> ControlError:
    """What is said to a caller whose key was revoked while he was connected."""
    return ControlError(ReplyCode.FORBIDDEN, "this key was revoked")


def _told(frame: zmq.Frame, name: str) -> str:
    """What libzmq knows of the connection that a frame came by; "" when it knows nothing."""
    try:
        return str(frame.get(name))
    except zmq.ZMQError:
        return ""
