"""Which servers are there, for one that takes what another one had.

What this server knows of others may be a second old, or older if the database was away. So whoever
takes something compares in the same statement what its holder says by then (`beat_of`).
"""

from cargo_sync.cluster.membership import Membership
from cargo_sync.state.holders import ServerLife


class ServerLives:
    """A server among those that share its state. Any thread may use it.

    me  this server, and this start of it
    """

    def __init__(self, membership: Membership) -> None:
        self._membership = membership
        self.me = ServerLife(membership.me.id, membership.me.life)

    def is_gone(self, holder: ServerLife) -> bool:
        """Whether somebody does not use any more what they had; also true of this server."""
        return holder.server == self.me.server or not self._membership.lives(*holder)

    def beat_of(self, holder: ServerLife) -> int | None:
        """What a holder had counted when this server looked; None if that does not matter.

        0, which no server says, for one that began since: it is there.
        """
        if holder.server == self.me.server:
            return None
        known = self._membership.known(holder.server)
        return 0 if known is None or known.life != holder.life else known.beat
