"""Quotas at several servers: each says what it has promised to files that come.

It is said once a second, so two servers may promise the same room within that time. The transaction
that records files decides then, by what is there (`QuotaLedger.exceeding`).
"""

from collections.abc import Iterable, Mapping
from typing import Final, Protocol

import orjson

from cargo_sync.cluster.membership import Membership
from cargo_sync.machines.cluster.states import ServerState
from cargo_sync.machines.quota import NOTHING_USED, Use

PROMISED: Final = "promised"
"""The field in what a server claims; servers of earlier releases do not look at it."""


class PromisingWorkspaces(Protocol):
    """The open workspaces of a server, by their ids (`opened`)."""

    def promised(self) -> dict[int, Use]:
        """What this server has promised; workspaces of which that is nothing are left out."""

    def promised_elsewhere(self, found: Mapping[int, Use]) -> None:
        """Other servers have promised this, and nothing in workspaces that are not named."""


class ClusterQuotas:
    """For the event loop; `membership` is this server among the others."""

    def __init__(self, membership: Membership, workspaces: PromisingWorkspaces) -> None:
        self._membership = membership
        self._workspaces = workspaces

    def claims(self) -> dict[str, object]:
        """What this server says of its promises: a part of what it claims."""
        found = self._workspaces.promised()
        return {PROMISED: {str(id): [use.bytes, use.files] for id, use in found.items()}}

    def look(self) -> None:
        """Takes what others say, once a second."""
        others = self._membership.others()
        there = [one.row.claims for one in others if one.state is not ServerState.AWAY]
        self._workspaces.promised_elsewhere(_sums(there))


def _sums(claims: Iterable[str]) -> dict[int, Use]:
    found: dict[int, Use] = {}
    for one in claims:
        for id, use in orjson.loads(one).get(PROMISED, {}).items():
            found[int(id)] = found.get(int(id), NOTHING_USED) + Use(*use)
    return found
