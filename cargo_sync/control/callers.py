"""Callers: who sent a message, which role that caller has, and the error if the role may not.

A door finds the callers of one socket. It trusts nothing that a peer says about itself: the user of
a local socket comes from the kernel, and the key of a CURVE connection from its handshake.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import zmq

from cargo_sync.api.commands import Command
from cargo_sync.api.messages import ControlError, Principal, ReplyCode
from cargo_sync.api.roles import Role
from cargo_sync.control.keyring import Keyring


@dataclass(frozen=True, slots=True)
class Caller:
    """The sender of a message.

    who    a text for the audit
    named  what an error calls it
    """

    role: Role
    who: str
    named: str = "this key"

    def speaking_for(self, person: Principal) -> "Caller":
        """The caller of a command that is sent for `person`, with the person's role.

        Raises:
            ControlError: forbidden. Only `control` may do this: another caller could write any name
                into the audit.
        """
        if self.role is not Role.CONTROL:
            raise ControlError(
                ReplyCode.FORBIDDEN,
                "only a caller with the role control may send commands for somebody else",
                'leave out "for"',
            )
        who = f"{self.who} for {person.name}"
        return replace(self, role=person.role, who=who, named=person.name)


LOCAL: Final = Caller(Role.CONTROL, "local user")
PLAIN: Final = Caller(Role.PLAIN, "plain port")

CallerOf = Callable[[zmq.Frame], Caller | None]
"""Finds the caller by a frame of the message; None if the caller's key was revoked."""


def local_door(frame: zmq.Frame) -> Caller:
    """The caller at an ipc socket: everybody who can open the socket may do everything.

    On Linux libzmq gives `host:uid:gid:pid` as the peer's address (stream_engine_base.cpp,
    SO_PEERCRED).
    """
    parts = _property(frame, "Peer-Address").split(":")
    if len(parts) != 4 or not all(part.isdecimal() for part in parts[1:]):
        return LOCAL
    return Caller(Role.CONTROL, f"uid {parts[1]}, process {parts[3]}")


def plain_door(_: zmq.Frame) -> Caller:
    """The caller at a port without keys."""
    return PLAIN


def keyed_door(keys: Keyring) -> CallerOf:
    """A door for a CURVE port.

    It looks up the key for each message, so that a revoked key is refused at once.
    """

    def door(frame: zmq.Frame) -> Caller | None:
        key = keys.of(_property(frame, "User-Id"))
        return None if key is None else Caller(key.role, f'key "{key.name}"')

    return door


def check_role(caller: Caller, command: Command[Any], *, order: bool) -> None:
    """Checks that a caller may use a command.

    Args:
        caller: who sent it.
        command: which command.
        order: it came as a legacy order, which a plain port accepts.

    Raises:
        ControlError: forbidden.
    """
    if caller.role.may(command.needs) or (order and caller.role is Role.PLAIN):
        return
    if caller.role is Role.PLAIN:
        raise ControlError(
            ReplyCode.FORBIDDEN,
            f"`{command.name}` is not allowed on a plain port",
            "use the local socket, or a port with keys",
        )
    why = "changes something" if command.changes else "needs the role control"
    raise ControlError(ReplyCode.FORBIDDEN, f"{caller.named} may only watch; {command.name} {why}")


def revoked() -> ControlError:
    """The error for a caller whose key was revoked during the connection."""
    return ControlError(ReplyCode.FORBIDDEN, "this key was revoked")


def _property(frame: zmq.Frame, name: str) -> str:
    """A property of the connection of a frame, from libzmq; "" if it is unknown."""
    try:
        return str(frame.get(name))
    except zmq.ZMQError:
        return ""
