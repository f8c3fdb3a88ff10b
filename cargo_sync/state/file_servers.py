"""The file servers of the published program that have registered: their addresses."""

from cargo_sync.state.database import Database


class FileServerRows:
    """Who is on the list. A file server does not register again after a restart of the server."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[str]:
        """Their addresses; who registered first comes first."""
        with self._database.read() as connection:
            rows = connection.execute("SELECT address FROM file_server ORDER BY since, address")
            return [address for (address,) in rows]

    def add(self, address: str, time: float) -> None:
        """Puts an address on the list; nothing changes if it is there already."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO file_server VALUES (?, ?) ON CONFLICT DO NOTHING", (address, time)
            )

    def remove(self, address: str) -> None:
        """Takes an address off the list, if it is there."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM file_server WHERE address = ?", (address,))
