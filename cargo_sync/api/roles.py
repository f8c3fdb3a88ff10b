"""What a caller may do. It is a module of its own, because all front ends import it at start."""

from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """The role of a caller. Callers at local sockets have the role `control`."""

    PLAIN = "plain"
    """Callers at a plain loopback port, such as old scripts: the plain-text orders, `status`,
    `job.list` and the feed."""
    WATCH = "watch"
    """May see nearly everything and change nothing."""
    CONTROL = "control"
    """May do everything."""

    def may(self, needs: "Role") -> bool:
        """Whether a caller with this role may do what needs the role `needs`."""
        return _RANK[self] >= _RANK[needs]


_RANK: Final = {role: rank for rank, role in enumerate(Role)}
