"""What a server publishes, and when: how it stands as that changes, notices about users as they
come, flows once a second and only to whoever listens."""

from collections.abc import Callable, Sequence
from typing import Final

from cargo_sync.api import topics
from cargo_sync.api.messages import JsonObject
from cargo_sync.control.changes import Changes, Publish
from cargo_sync.server import views
from cargo_sync.server.flows.sampler import FlowReading, FlowSampler, totals

TICK: Final = 1.0

Tell = Callable[[str, str], None]
"""Told (user, kind) when something became of a user: added, changed, enabled, disabled, removed,
password."""


class ServerFeed:
    """The voice of a server. `status` is how it stands, without what changes from second to
    second."""

    def __init__(
        self, publisher: Publish, status: Callable[[], JsonObject], sampler: FlowSampler
    ) -> None:
        self._publisher = publisher
        self._status = status
        self._sampler = sampler
        self._changes = Changes(publisher)
        self._flows: dict[str, FlowReading] = {}

    def notice(self, user: str, kind: str) -> None:
        """Something became of a user."""
        self._publisher.publish(topics.notice(user), "notice", {"user": user, "kind": kind})
        if kind == "removed":
            self._publisher.forget(topics.notice(user))
        self.changed()

    def changed(self) -> None:
        """Says how it stands, if that is another than was said."""
        status = self._status()
        self._changes.say(topics.STATUS, "status", status, lambda: status)

    def tick(self) -> None:
        """What is to be said once a second."""
        self.changed()
        readings = (
            self._sampler.readings()
        )  # also when nobody listens: rates are known when somebody asks
        if self._publisher.has_subscribers(topics.PROGRESS):
            progress = views.progress(totals(readings))
            self._changes.say(topics.PROGRESS, "progress", progress, lambda: progress)
        else:
            self._changes.drop(topics.PROGRESS)
        if self._publisher.has_subscribers(topics.FLOWS):
            self._say_flows(readings)
        elif self._flows:
            self._flows = {}
            self._publisher.forget(topics.FLOWS)

    def _say_flows(self, readings: Sequence[FlowReading]) -> None:
        flows = {one.id: one for one in readings}
        for id, one in self._flows.items():
            if id not in flows:
                over = views.flow(one) | {"speed_bps": 0, "ended": True}
                self._publisher.publish(topics.flow(id), "flow", over)
                self._publisher.forget(topics.flow(id))
        for id, one in flows.items():
            self._publisher.publish(topics.flow(id), "flow", views.flow(one) | {"ended": False})
        self._flows = flows
