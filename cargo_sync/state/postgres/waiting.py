"""What connections wait for, as the database itself sees it: for people who wonder.

Waits: https://www.postgresql.org/docs/current/monitoring-stats.html#WAIT-EVENT-TABLE
"""

from collections.abc import Sequence
from typing import Any, Final

import psycopg
from psycopg.conninfo import make_conninfo

PATIENCE: Final = 3
"""Seconds to be told."""
_LIMITED: Final = f"-c statement_timeout={PATIENCE}s -c lock_timeout={PATIENCE}s"
_WAITS: Final = """
SELECT waits.wait_event, other.pid, other.application_name, host(other.client_addr), other.state,
    extract(epoch FROM clock_timestamp() - other.state_change)::float8
FROM pg_stat_activity AS waits
LEFT JOIN pg_stat_activity AS other ON other.pid = ANY (pg_blocking_pids(waits.pid))
WHERE waits.pid = ANY (%s) AND waits.application_name = 'cargo_sync'
    AND (waits.wait_event_type = 'Lock' OR waits.wait_event = 'SyncRep')
ORDER BY waits.pid, other.pid LIMIT 10
"""
_REPLICA: Final = "SyncRep"


def waits_of(address: str, sessions: Sequence[int]) -> str:
    """What the database's ends of some connections wait for; "" if for nobody else.

    It asks on a connection of its own, some seconds at most.

    Raises:
        psycopg.Error: the database does not say.
    """
    asked = make_conninfo(address, connect_timeout=PATIENCE, options=_LIMITED)
    with psycopg.connect(asked) as connection:
        rows = connection.execute(_WAITS, (list(sessions),)).fetchall()
    return ", and ".join(dict.fromkeys(_words(*row) for row in rows))


def _words(event: str, pid: Any, program: Any, client: Any, state: Any, seconds: Any) -> str:
    if event == _REPLICA:
        return "a replica that has to confirm what is written (synchronous_standby_names)"
    if pid is None:
        return f"a lock ({event})"
    who = f"{program or 'another program'} from {client or 'its own machine'}"
    since = "" if state is None else f", {state} for {seconds or 0:.0f} s"
    return f"a lock that process {pid} of the database has ({who}{since})"
