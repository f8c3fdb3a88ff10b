"""The metrics of a server. None of them needs a walk or a query."""

from collections.abc import Iterable

from cargo_sync.model.jobs import DIRECTIONS
from cargo_sync.process.doors import Doors
from cargo_sync.process.metrics import Family
from cargo_sync.server.accounts.logins import Logins
from cargo_sync.server.accounts.users import Users
from cargo_sync.server.flows.flows import Flows
from cargo_sync.server.http.browsing.polls import Polls


def families(
    users: Users,
    folders: int,
    sessions: Logins,
    flows: Flows | None,
    polls: Polls,
    doors: Doors,
    certificate_ends: float | None,
) -> Iterable[Family]:
    """The metric families of a server.

    Args:
        users: the enabled users.
        folders: how many are served.
        sessions: the logins.
        flows: None before the server is up.
        polls: requests that wait for changes.
        doors: the TCP ports.
        certificate_ends: unix seconds; None without TLS.
    """
    yield Family.one("cargo_server_users", "gauge", "Users who may log in.", len(users))
    yield Family.one("cargo_server_folders", "gauge", "Folders that are served.", folders)
    yield Family.one("cargo_server_polls", "gauge", "Requests that wait for changes.", len(polls))
    yield Family.one(
        "cargo_server_half_open",
        "gauge",
        "Connections without a login.",
        len(doors.half_open),
    )
    yield Family.one(
        "cargo_server_dropped_connections_total",
        "counter",
        "Connections that were dropped because they did not log in.",
        doors.dropped,
    )
    yield Family(
        "cargo_server_logins_total",
        "counter",
        "Passwords that were checked.",
        [({"result": "ok"}, sessions.accepted), ({"result": "failed"}, sessions.refused)],
    )
    if certificate_ends is not None:
        yield Family.one(
            "cargo_server_certificate_end_timestamp_seconds",
            "gauge",
            "When the served certificate ends.",
            certificate_ends,
        )
    if flows is not None:
        yield Family(
            "cargo_server_flows",
            "gauge",
            "Flows that are open.",
            [({"direction": mode.value}, flows.count(mode)) for mode in DIRECTIONS],
        )
        yield Family(
            "cargo_server_bytes_total",
            "counter",
            "Bytes of files that went over flows.",
            [({"direction": mode.value}, flows.moved(mode)) for mode in DIRECTIONS],
        )
