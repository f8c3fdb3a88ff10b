"""Users that were made by command, and what was set by command of users of the server's file."""

from dataclasses import dataclass

from cargo_sync.state.database import Database

_GET = """
SELECT name, path, upload_speed, download_speed, upload_bandwidth, download_bandwidth, enabled FROM user
"""

_PUT = "INSERT OR REPLACE INTO user VALUES (?, ?, ?, ?, ?, ?, ?)"


@dataclass(frozen=True, slots=True)
class UserRow:
    """One user. Rates are bits a second, None is no limit.

    path  absolute folder; None for a user of the file, which says it
    """

    name: str
    path: str | None = None
    upload_speed: int | None = None
    download_speed: int | None = None
    upload_bandwidth: int | None = None
    download_bandwidth: int | None = None
    enabled: bool = True


class UserRows:
    """Rows of users, and the hashes of their passwords (which users of the file have too)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> dict[str, UserRow]:
        """By name."""
        with self._database.read() as connection:
            rows = connection.execute(_GET).fetchall()
        return {
            name: UserRow(name, path, up, down, all_up, all_down, bool(enabled))
            for name, path, up, down, all_up, all_down, enabled in rows
        }

    def add(self, row: UserRow, hash: str) -> None:
        """A new user with a password. What was left of another one of this name is theirs no
        more."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM workspace_grant WHERE user = ?", (row.name,))
            connection.execute("INSERT OR REPLACE INTO account VALUES (?, ?)", (row.name, hash))
            connection.execute(_PUT, _columns(row))

    def put(self, row: UserRow) -> None:
        """Keeps `row` in place of the one that was there."""
        with self._database.transaction() as connection:
            connection.execute(_PUT, _columns(row))

    def remove(self, name: str) -> None:
        """The user, the password's hash and the grants."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM user WHERE name = ?", (name,))
            connection.execute("DELETE FROM account WHERE name = ?", (name,))
            connection.execute("DELETE FROM workspace_grant WHERE user = ?", (name,))


def _columns(row: UserRow) -> tuple[object, ...]:
    return (
        row.name,
        row.path,
        row.upload_speed,
        row.download_speed,
        row.upload_bandwidth,
        row.download_bandwidth,
        row.enabled,
    )
