"""The metrics of a server about its storage nodes."""

from collections.abc import Callable, Iterable
from typing import Literal

from cargo_sync.machines.nodes.census import MissingCopies
from cargo_sync.machines.nodes.states import NodeState
from cargo_sync.process.metrics import Family
from cargo_sync.stores.nodes.client import NodeStatus
from cargo_sync.stores.nodes.survey import StoreReport


def families(report: StoreReport | None) -> Iterable[Family]:
    """What is known of the nodes; nothing without nodes."""
    if report is None or not report.nodes:
        return
    states = [one.state for one in report.nodes]
    yield Family(
        "cargo_server_nodes",
        "gauge",
        "Storage nodes, by their state.",
        [
            ({"state": state.value}, states.count(state))
            for state in NodeState
            if state is not NodeState.REMOVED
        ],
    )
    yield Family(
        "cargo_server_node_state",
        "gauge",
        "The state of each storage node: 1 for the one that it has.",
        [
            ({"node": one.row.name, "zone": one.row.zone, "state": one.state.value}, 1)
            for one in report.nodes
        ],
    )
    on = report.census.on
    yield _heard(report, "free_bytes", "Bytes that a node may still keep.", lambda one: one.free)
    yield _heard(report, "used_bytes", "Bytes of the copies on a node.", lambda one: one.used)
    yield Family(
        "cargo_server_node_missing_copies",
        "gauge",
        "Copies that are missing of the contents on a node.",
        [
            ({"node": one.row.name}, on.get(one.row.id, MissingCopies()).copies)
            for one in report.nodes
        ],
    )
    yield from _totals(report)


def _heard(
    report: StoreReport, name: str, words: str, value: Callable[[NodeStatus], float]
) -> Family:
    """What nodes say of themselves; those that were never heard are left out."""
    samples = [
        ({"node": one.row.name}, value(one.status))
        for one in report.nodes
        if one.status is not None
    ]
    return Family(f"cargo_server_node_{name}", "gauge", words, samples)


def _totals(report: StoreReport) -> Iterable[Family]:
    missing, repair = report.census.missing, report.repair
    rows: tuple[tuple[str, Literal["counter", "gauge"], str, float | None], ...] = (
        ("missing_copies", "gauge", "Copies that are missing.", missing.copies),
        ("missing_copy_bytes", "gauge", "Their bytes.", missing.bytes),
        ("waiting_contents", "gauge", "Contents that cannot be read now.", missing.waits),
        ("lost_contents", "gauge", "Contents of which there is no copy.", missing.lost),
        ("repaired_copies_total", "counter", "Copies that repairs have made.", repair.copies),
        ("repaired_bytes_total", "counter", "Their bytes.", repair.bytes),
        ("repair_eta_seconds", "gauge", "For how long the repair will go on.", repair.left),
    )
    for name, kind, words, value in rows:
        if value is not None:
            yield Family.one(f"cargo_server_{name}", kind, words, value)
