"""Who may do what. A module of its own, which every front end imports at its start."""

from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """Who somebody is to a daemon or a server. Its own user, on the local sockets, is `control`."""

    PLAIN = "plain"
    """A legacy script on a plain loopback port: the plain-text orders, `status`, `job.list` and the
    feed."""
    WATCH = "watch"
    """May look at everything and change nothing."""
    CONTROL = "control"

    def may(self, needs: "Role") -> bool:
        """Whether who has this role may do what `needs` that one."""
        return _RANK[self] >= _RANK[needs]


_RANK: Final = {role: rank for rank, role in enumerate(Role)}
