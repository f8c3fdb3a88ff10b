"""What happens in a database meanwhile: tests wait for it, never for time to pass."""

import time
from collections.abc import Callable

import psycopg

PATIENCE = 60


def comes_true(holds: Callable[[], bool]) -> None:
    """Returns as soon as `holds()`."""
    last = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < last
        time.sleep(0.02)


def is_waiting(address: str) -> bool:
    """Whether somebody waits for a lock in the database."""
    with psycopg.connect(address) as connection:
        found = connection.execute(
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() "
            "AND wait_event_type = 'Lock'"
        )
        return found.fetchone() is not None
