"""Users that were made by a command, and settings that a command gave users of the file."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

import orjson

from cargo_sync.state.accounts import PUT_ACCOUNT
from cargo_sync.state.bulk import put
from cargo_sync.state.database import Database, Statements
from cargo_sync.state.drop_boxes import end_drop_boxes

_GET: Final = """
SELECT name, path, upload_speed, download_speed, upload_bandwidth, download_bandwidth, enabled,
       quota_bytes, quota_files, expires, networks FROM user
"""
_PUT: Final = put(
    "user",
    "name",
    "path, upload_speed, download_speed, upload_bandwidth, download_bandwidth, enabled, "
    "quota_bytes, quota_files, expires, networks",
)

_ORPHANS = """
SELECT user FROM device UNION SELECT user FROM invitation
EXCEPT SELECT name FROM user WHERE path IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class UserRow:
    """One user. Speeds and bandwidths are in bits per second; None for no limit.

    path      absolute folder; None for a user of the server's file, which has it
    quota_bytes, quota_files   the most that may be in it; None for no limit
    expires   unix seconds; None for never
    networks  from which they may come; none for all
    """

    name: str
    path: str | None = None
    upload_speed: int | None = None
    download_speed: int | None = None
    upload_bandwidth: int | None = None
    download_bandwidth: int | None = None
    enabled: bool = True
    quota_bytes: int | None = None
    quota_files: int | None = None
    expires: float | None = None
    networks: tuple[str, ...] = ()


class UserRows:
    """Rows of users, and the hashes of their passwords (also of users of the file)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> dict[str, UserRow]:
        """All rows by name."""
        with self._database.read() as connection:
            rows = connection.execute(_GET).fetchall()
        return {row[0]: _row(*row) for row in rows}

    def add(self, row: UserRow, hash: str) -> None:
        """Adds a user with a password.

        What is left from an earlier user of this name is deleted: grants, invitations, devices.
        """
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM workspace_grant WHERE user = ?", (row.name,))
            _forget_devices(connection, row.name)
            connection.execute(PUT_ACCOUNT, (row.name, hash))
            connection.execute(_PUT, _columns(row))

    def put(self, row: UserRow) -> None:
        """Replaces the user's row."""
        with self._database.transaction() as connection:
            connection.execute(_PUT, _columns(row))

    def remove(self, name: str) -> None:
        """Deletes the user, the password's hash, the grants, the devices and invitations.

        What is known of their jobs and boxes is deleted too.
        """
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM user WHERE name = ?", (name,))
            connection.execute("DELETE FROM account WHERE name = ?", (name,))
            connection.execute("DELETE FROM workspace_grant WHERE user = ?", (name,))
            connection.execute("DELETE FROM client WHERE user = ?", (name,))
            end_drop_boxes(connection, name)
            _forget_devices(connection, name)

    def forget_others(self, of_file: Collection[str]) -> list[str]:
        """Deletes the devices and invitations of users who exist no more; returns their names.

        A user exists who is in the file (`of_file`) or was made by a command.
        """
        with self._database.transaction() as connection:
            found = [name for (name,) in connection.execute(_ORPHANS) if name not in of_file]
            for name in found:
                _forget_devices(connection, name)
        return found


def _forget_devices(connection: Statements, name: str) -> None:
    connection.execute("DELETE FROM device WHERE user = ?", (name,))
    connection.execute("DELETE FROM invitation WHERE user = ?", (name,))


def _columns(row: UserRow) -> tuple[object, ...]:
    return (
        row.name,
        row.path,
        row.upload_speed,
        row.download_speed,
        row.upload_bandwidth,
        row.download_bandwidth,
        row.enabled,
        row.quota_bytes,
        row.quota_files,
        row.expires,
        orjson.dumps(row.networks).decode() if row.networks else None,
    )


def _row(*columns: Any) -> UserRow:
    name, path, up, down, all_up, all_down, enabled, size, files, expires, networks = columns
    limits = size, files, expires, _networks(networks)
    return UserRow(name, path, up, down, all_up, all_down, bool(enabled), *limits)


def _networks(text: str | None) -> tuple[str, ...]:
    """What somebody has written into the state by hand must not mean "all networks"."""
    if text is None:
        return ()
    try:
        return tuple(map(str, orjson.loads(text))) or (text,)
    except (ValueError, TypeError):
        return (text,)
