"""Which server serves a folder, if several share the state. One statement decides."""

from typing import Final, NamedTuple

from cargo_sync.state.database import Database

_TAKE: Final = """
INSERT INTO holder (root, server, life)
WITH said AS (SELECT life, beat FROM server WHERE id = ?4 /* FOR UPDATE */) SELECT ?1, ?2, ?3
WHERE NOT EXISTS (SELECT 1 FROM said WHERE life = ?5 AND beat <> coalesce(?6, beat))
ON CONFLICT (root) DO UPDATE SET server = excluded.server, life = excluded.life
WHERE holder.server = ?4 AND holder.life = ?5
"""
"""The last holder's row is locked: what it says now is seen here, or it comes after this, and then
the holder looks whose the folder is."""
_GIVE_BACK: Final = "DELETE FROM holder WHERE root = ? AND server = ? AND life = ?"


class ServerLife(NamedTuple):
    """A server, and the start of it that took a folder."""

    server: str
    life: str


NOBODY: Final = ServerLife("", "")


class HolderRows:
    """The holders of folders, by root."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, root: str) -> ServerLife:
        """Who has a folder, or `NOBODY`. Raises ProblemError."""
        with self._database.apart() as connection:
            row = connection.execute(
                "SELECT server, life FROM holder WHERE root = ?", (root,)
            ).fetchone()
        return NOBODY if row is None else ServerLife(*row)

    def all(self) -> dict[str, ServerLife]:
        """Who has which folder. Raises ProblemError."""
        with self._database.pulse() as connection:  # asked with each heartbeat
            rows = connection.execute("SELECT root, server, life FROM holder").fetchall()
        return {root: ServerLife(*holder) for root, *holder in rows}

    def take(
        self, root: str, holder: ServerLife, last: ServerLife, beat: int | None = None
    ) -> bool:
        """Takes a folder that nobody has, or `last`; False if somebody else was faster.

        Args:
            root: of the folder.
            holder: who takes it.
            last: who has it.
            beat: what `last` had counted when it was heard for the last time: if it counts on, it
                is there, and keeps the folder. None: it does not matter.

        Raises:
            ProblemError: it is not known whether it was taken.
        """
        with self._database.apart() as connection:
            return connection.execute(_TAKE, (root, *holder, *last, beat)).rowcount == 1

    def give_back(self, root: str, holder: ServerLife) -> None:
        """Gives a folder back that one has. Raises ProblemError."""
        with self._database.apart() as connection:
            connection.execute(_GIVE_BACK, (root, *holder))
