"""Devices: programs that log in as a user with a secret of their own. Times are unix seconds."""

import hmac
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from cargo_sync.state.database import Database

NOTED: Final = 600.0
"""Seconds after which it is written again that a device was used."""

_OF: Final = "SELECT name, secret, made, used FROM device WHERE user = ? ORDER BY name"


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """One device of a user.

    secret  SHA-256 of it
    used    the last login, some minutes late; None if there was none
    """

    name: str
    secret: bytes = field(repr=False)
    made: float
    used: float | None = None


class DeviceRows:
    """The devices of all users of a server."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, user: str) -> list[DeviceRow]:
        """The devices of a user, by name."""
        with self._database.read() as connection:
            return [DeviceRow(*row) for row in connection.execute(_OF, (user,))]

    def add(self, user: str, row: DeviceRow) -> str:
        """Adds a device. Returns its name, with a number if the user has one of that name."""
        with self._database.transaction() as connection:
            taken = {one.name for one in self.of(user)}
            names = (row.name if number == 1 else f"{row.name} {number}" for number in count(1))
            name = next(one for one in names if one not in taken)
            connection.execute(
                "INSERT INTO device (user, name, secret, made, used) VALUES (?, ?, ?, ?, ?)",
                (user, name, row.secret, row.made, row.used),
            )
        return name

    def found(self, user: str, secret: bytes) -> DeviceRow | None:
        """The user's device with this digest of its secret, or None."""
        own = self.of(user)
        return next((row for row in own if hmac.compare_digest(row.secret, secret)), None)

    def note_use(self, user: str, row: DeviceRow, now: float) -> None:
        """Notes that a device was used, unless that is noted already."""
        if row.used is not None and 0 <= now - row.used < NOTED:
            return
        with self._database.transaction(own=f"devices of {user}") as connection:
            connection.execute(
                "UPDATE device SET used = ? WHERE user = ? AND name = ?", (now, user, row.name)
            )

    def revoke(self, user: str, name: str) -> bool:
        """Deletes a device; whether there was one."""
        with self._database.transaction() as connection:
            return (
                connection.execute(
                    "DELETE FROM device WHERE user = ? AND name = ?", (user, name)
                ).rowcount
                > 0
            )
