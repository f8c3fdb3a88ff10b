"""The part of a server's feed about its storage nodes: each node, and the repair of all.

It is published when it changes, once a second at most. For how long a node was silent is in its
message, but is no change by itself.
"""

from collections.abc import Callable
from typing import Final

from cargo_sync.api import topics
from cargo_sync.api.messages import JsonObject
from cargo_sync.control.changes import Changes, Publish
from cargo_sync.machines.nodes.states import NodeState
from cargo_sync.server.reporting import nodes
from cargo_sync.stores.nodes.survey import StoreReport

_PASSING: Final = "silent"


class NodeFeed:
    """Publishes how nodes are. `report` gives that; None while there is no store on nodes."""

    def __init__(self, publisher: Publish, report: Callable[[], StoreReport | None]) -> None:
        self._changes = Changes(publisher)
        self._report = report
        self._named: set[str] = set()

    def tick(self) -> None:
        """Publishes what has changed."""
        report = self._report()
        if report is None:
            return
        rows = {one.row.name: nodes.row(report, one) for one in report.nodes}
        for name in self._named - rows.keys():
            over = {"node": name, "state": NodeState.REMOVED.value}
            self._say(topics.node(name), "node", over, over)
            self._changes.drop(topics.node(name))
        for name, row in rows.items():
            value = {field: one for field, one in row.items() if field != _PASSING}
            self._say(topics.node(name), "node", value, row)
        self._named = set(rows)
        totals = nodes.totals(report)
        self._say(topics.REPAIR, "repair", totals, totals)

    def _say(self, topic: str, type: str, value: JsonObject, fields: JsonObject) -> None:
        """Publishes `fields` if `value` has changed."""
        self._changes.publish(topic, type, value, lambda: fields)
