"""A storage node joins its coordinator: once, with an invitation.

It gets a bearer, which this server shows it from then on at each request. The node keeps only a
hash of it; here it is kept as it is, in the state, which only we may read.
"""

import base64
import hashlib
import secrets
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple, Protocol

from cargo_sync.control.audit import AuditWriter
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.world import World
from cargo_sync.state.node_invitations import NodeInvitationRow, NodeInvitationRows
from cargo_sync.state.nodes import NodeRows

PREFIX: Final = "cargo-node-"
"""By this a bearer is known as one, also by programs that look for secrets in files."""
_REFUSED: Final = "this invitation was used already, was replaced, has expired, or is not complete"


class JoiningNode(NamedTuple):
    """What a node says about itself.

    address      a name or an IP address by which this server reaches it
    port         of its API
    lane_port    of its lanes
    fingerprint  SHA-256 of its certificate, 64 hex digits
    """

    name: str
    address: str
    port: int
    lane_port: int
    fingerprint: str


class JoinedNode(NamedTuple):
    """A node that has joined: its id, its zone, and what it wants to hear from now on."""

    id: int
    zone: str
    bearer: str


class Prove(Protocol):
    """Slows down guesses (`Logins.prove`)."""

    def __call__(
        self, name: str, address: str, check: Callable[[], Awaitable[bool | None]], refused: str
    ) -> Awaitable[bool]:
        """What `check` returns; None counts like a wrong password. Raises ProblemError."""


class NodePairing:
    """Invites nodes, and lets them join.

    Args:
        invitations, nodes: what is stored.
        prove: slows down guesses of a token.
        audit: gets a row for each node that joins.
        joined: called with the name of a node that has joined, in the event loop.
    """

    def __init__(
        self,
        invitations: NodeInvitationRows,
        nodes: NodeRows,
        prove: Prove,
        audit: AuditWriter,
        world: World,
        joined: Callable[[str], None],
    ) -> None:
        self._invitations = invitations
        self._nodes = nodes
        self._prove = prove
        self._audit = audit
        self._world = world
        self._joined = joined

    async def invite(self, name: str, zone: str, token: str, seconds: float) -> float:
        """Invites a node; returns when the invitation ends, unix seconds.

        Raises:
            ProblemError: the state cannot be written.
        """
        now = self._world.lived()
        row = NodeInvitationRow(name, zone, _digest(token), now, now + seconds)
        await self._world.offload(self._invitations.put, row)
        return self._world.wall() + seconds

    async def join(self, node: JoiningNode, token: str, peer: str) -> JoinedNode:
        """A node joins; `peer` is the IP address that it comes from.

        Raises:
            ProblemError: `unauthorized`, or the state cannot be written.
            LaterError: `throttled`.
        """
        digest, offload = _digest(token), self._world.offload

        async def known() -> bool | None:
            found = await offload(self._invitations.has, node.name, digest, self._world.lived())
            return found or None

        # No user has a colon in their name.
        await self._prove(f"node:{node.name}", peer, known, _REFUSED)
        bearer = PREFIX + base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")
        where = (node.address, node.port, node.lane_port)

        def write(row: NodeInvitationRow) -> JoinedNode:
            id = self._nodes.add(row.name, row.zone, where, node.fingerprint, bearer)
            return JoinedNode(id, row.zone, bearer)

        told = {"address": node.address, "fingerprint": node.fingerprint}
        async with self._audit.row(f'node "{node.name}" at {peer}', "node.join", told):
            now = self._world.lived()
            made = await offload(self._invitations.use, node.name, digest, now, write)
            if made is None:  # somebody else was faster
                raise ProblemError(Problem(Code.UNAUTHORIZED, _REFUSED, retry=False))
        self._joined(node.name)
        return made


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
