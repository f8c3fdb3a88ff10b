"""The metrics of a server. None of them needs a walk or a query."""

from collections.abc import Iterable, Sequence
from heapq import nlargest
from typing import Final

from cargo_sync.catalogue.quota_ledger import QuotaShare
from cargo_sync.model.jobs import DIRECTIONS
from cargo_sync.process.doors import Doors
from cargo_sync.process.metrics import Family
from cargo_sync.server.accounts.logins import Logins
from cargo_sync.server.accounts.users import Users
from cargo_sync.server.flows.flows import Flows
from cargo_sync.server.http.browsing.polls import Polls

QUOTAS: Final = 100
"""Quotas that are measured, at most: each is a series of its own."""


def families(
    users: Users,
    folders: int,
    sessions: Logins,
    flows: Flows | None,
    polls: Polls,
    doors: Doors,
    certificate_ends: float | None,
    quotas: Sequence[QuotaShare] = (),
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
        quotas: how much of each is used.
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
    yield Family(
        "cargo_server_quota_used_ratio",
        "gauge",
        "How much of a quota is used, of those that are used most.",
        [
            ({"user": one.user, "workspace": one.workspace}, one.used)
            for one in nlargest(QUOTAS, quotas, key=lambda share: share.used)
        ],
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
