"""Servers on a PostgreSQL that another one follows, and that is lost."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

import psycopg

from tests.many_servers.fleet import NO_MORE, REFUSED, Fleet
from tests.postgres.program import PostgresProgram


class FleetWithStandby(Fleet):
    """As `Fleet`, with two PostgreSQL, of which the servers' files name both.

    Each commit waits until the second one has it, unless a test says something else.
    """

    def __init__(
        self, folder: Path, count: int, store: str = "", settings: Mapping[str, str] = NO_MORE
    ) -> None:
        self._standby: PostgresProgram | None = None
        super().__init__(folder, count, store, settings)

    def _own_database(self, settings: Mapping[str, str]) -> str:
        super()._own_database(settings)
        first = self._postgres
        assert first is not None, "it was just started"
        place = Path(self._last.enter_context(tempfile.TemporaryDirectory(prefix="cg")))
        more = {"max_connections": "100", **settings}
        standby = self._standby = PostgresProgram(place, more, follows=first)
        self._last.callback(standby.stop)
        standby.start()
        self.wait_for_standby(True)
        return f"postgresql://cargo@/cargo?host={first.folder},{standby.folder}"

    def wait_for_standby(self, waits: bool) -> None:
        """From now on commits wait until the standby has them, or do not."""
        assert self._postgres is not None, "it runs"
        with psycopg.connect(self._postgres.address("postgres"), autocommit=True) as connection:
            names = "*" if waits else ""
            connection.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{names}'".encode())
            connection.execute("SELECT pg_reload_conf()")

    def lose_the_newest(self) -> None:
        """What is written from now on will be lost in a failover: the standby does not get it."""
        assert self._standby is not None, "nothing was lost yet"
        self.wait_for_standby(False)
        self._standby.stop()

    def fail_over(self) -> None:
        """The first one is lost, the standby takes over, and servers that end are started again.

        Each server ends, because the database is not the one any more that it knows.
        """
        assert self._postgres is not None, "it runs"
        assert self._standby is not None, "nothing was lost yet"
        self._postgres.stop()
        if not self._standby.runs:
            self._standby.start()
        self._standby.take_over()
        self._postgres, self._standby = self._standby, None
        names = {name for name, one in self.servers.items() if one.program is not None}
        self.until(lambda: self.ended().keys() == names, "all servers end")
        assert REFUSED not in self.ended().values(), self.logs()
        self.start(*sorted(names))
