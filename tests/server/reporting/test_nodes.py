"""What a server tells of its storage nodes: to commands, on its feed, in its metrics."""

from typing import Any

from cargo_sync.api.messages import JsonObject
from cargo_sync.machines.nodes.census import census
from cargo_sync.machines.nodes.progress import RepairReport
from cargo_sync.machines.nodes.repair import Stock
from cargo_sync.machines.nodes.returning import Life
from cargo_sync.machines.nodes.states import NodeState
from cargo_sync.process.metrics import exposition
from cargo_sync.server.reporting import node_metrics, nodes
from cargo_sync.server.reporting.node_feed import NodeFeed
from cargo_sync.state.nodes import NodeRow
from cargo_sync.stores.nodes.client import NodeStatus, ScrubStatus
from cargo_sync.stores.nodes.fleet import NodeReport
from cargo_sync.stores.nodes.survey import StoreReport
from tests.machines.nodes.members import members

SCRUB = ScrubStatus(True, 5.0, None, 3, 30, 0)
NAMES = ("attic", "cellar", "office")
IDLE = RepairReport(0, 0, None, 200, None)


def report(
    words: str, on: str = "1 2", repair: RepairReport = IDLE, silent: float = 1.0
) -> StoreReport:
    """Nodes as in `members`, and ten contents of 100 bytes on those of `on`."""
    found = members(words)
    rows = []
    for id, one in found.items():
        row = NodeRow(id, NAMES[id - 1], one.zone, "::1", 8445, 8446, "f", "s")
        answers = one.state is not NodeState.GONE
        status = NodeStatus(Life("e", 1), 70, 30, 100, 3, 0, SCRUB) if answers else None
        rows.append(NodeReport(row, one.state, status, silent, None))
    stocks = [Stock(1, 1, frozenset(map(int, on.split())), 2, 10, 1_000)]
    return StoreReport(tuple(rows), census(stocks, found), repair)


def test_rows_and_totals() -> None:
    found = report("1a+ 2bx 3c+", repair=RepairReport(4, 400, 160, 200, 49.6))
    assert nodes.row(found, found.nodes[0]) == {
        "node": "attic", "zone": "a", "state": "up", "draining": False, "address": "[::1]:8445",
        "free": 70, "used": 30, "capacity": 100, "blobs": 3, "damaged": 0,
        "scrub": SCRUB._asdict(), "missing": {"blobs": 10, "copies": 10, "bytes": 1_000},
        "silent": 1.0, "problem": None,
    }  # fmt: skip
    never = nodes.row(found, found.nodes[1])
    assert (never["free"], never["scrub"]) == (None, None)
    enough = {"blobs": 0, "copies": 0, "bytes": 0}
    assert nodes.row(found, found.nodes[2])["missing"] == enough
    assert nodes.totals(found) == {
        "missing": {"blobs": 10, "copies": 10, "bytes": 1_000, "lost": 0, "waits": 0},
        "repair": {
            "copies": 10, "bytes": 1_000, "made": {"copies": 4, "bytes": 400},
            "speed_bps": 160, "limit_bps": 200, "eta_s": 50,
        },
    }  # fmt: skip


def test_what_a_person_should_look_at() -> None:
    assert nodes.warnings(report("1a+ 2b? 3c+")) == []
    assert nodes.warnings(report("1a- 2b- 3c+")) == [
        "the storage node attic is down: does its program run?",
        "the storage node cellar is down: does its program run?",
        "10 contents cannot be read until a storage node is back",
    ]
    assert nodes.warnings(report("1a+ 2bx 3c+")) == [
        "the storage node cellar is gone: does its program run?",
        "10 copies are missing on the storage nodes",
    ]
    lost = nodes.warnings(report("1a+ 2b+", on=""))
    assert lost[-1] == "10 contents are on no storage node: send these files again"
    told = nodes.general(report("1a+ 2bx 3c-"))
    assert (told["count"], told["away"], told["missing"]) == (3, 2, 10)
    assert nodes.general(None)["count"] == 0


class Published:
    """A publisher that keeps what it is given."""

    def __init__(self) -> None:
        self.told: list[tuple[str, JsonObject]] = []
        self.forgotten: list[str] = []

    def publish(self, topic: str, type: str, fields: JsonObject, **_: Any) -> None:
        assert topic.startswith(f"{type}/")
        self.told.append((topic, fields))

    def forget(self, prefix: str) -> None:
        self.forgotten.append(prefix)

    def has_subscribers(self, prefix: str) -> bool:
        return False

    def last(self) -> dict[str, JsonObject]:
        """What was told since this was asked last."""
        told, self.told = dict(self.told), []
        return told


def test_the_feed_tells_what_changes() -> None:
    published, now = Published(), list[StoreReport]()
    feed = NodeFeed(published, lambda: now[-1] if now else None)
    feed.tick()
    assert not published.told
    now.append(report("1a+ 2b+"))
    feed.tick()
    assert list(published.last()) == ["node/attic/", "node/cellar/", "repair/"]
    now.append(report("1a+ 2b+", silent=2.0))
    feed.tick()
    assert not published.told
    now.append(report("1a+ 2bx", silent=3_600.0))
    feed.tick()
    told = published.last()
    assert list(told) == ["node/attic/", "node/cellar/", "repair/"]
    assert (told["node/cellar/"]["state"], told["node/cellar/"]["silent"]) == ("gone", 3_600.0)
    assert told["repair/"]["missing"] == nodes.totals(now[-1])["missing"]
    now.append(report("1a+", on="1"))
    feed.tick()
    assert published.last()["node/cellar/"] == {"node": "cellar", "state": "removed"}
    assert published.forgotten == ["node/cellar/"]


def test_the_metrics() -> None:
    assert list(node_metrics.families(None)) == []
    assert list(node_metrics.families(report(""))) == []
    found = report("1a+ 2bx 3c+", repair=RepairReport(4, 400, 160, 200, 49.6))
    lines = exposition(node_metrics.families(found)).splitlines()
    assert [line for line in lines if line[0] != "#" and not line.endswith(" 0")] == [
        'cargo_server_nodes{state="up"} 2',
        'cargo_server_nodes{state="gone"} 1',
        'cargo_server_node_state{node="attic",zone="a",state="up"} 1',
        'cargo_server_node_state{node="cellar",zone="b",state="gone"} 1',
        'cargo_server_node_state{node="office",zone="c",state="up"} 1',
        'cargo_server_node_free_bytes{node="attic"} 70',
        'cargo_server_node_free_bytes{node="office"} 70',
        'cargo_server_node_used_bytes{node="attic"} 30',
        'cargo_server_node_used_bytes{node="office"} 30',
        'cargo_server_node_missing_copies{node="attic"} 10',
        'cargo_server_node_missing_copies{node="cellar"} 10',
        "cargo_server_missing_copies 10",
        "cargo_server_missing_copy_bytes 1000",
        "cargo_server_repaired_copies_total 4",
        "cargo_server_repaired_bytes_total 400",
        "cargo_server_repair_eta_seconds 49.6",
    ]
    assert 'cargo_server_nodes{state="down"} 0' in lines
    assert "removed" not in "\n".join(lines)
