"""The feed of a server: its status when it changes, notices about users and files, and flows.

Flows are published once a second, and only while somebody subscribes.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Final

from cargo_sync.api import topics
from cargo_sync.api.messages import JsonObject
from cargo_sync.catalogue.quota_ledger import QuotaNews
from cargo_sync.control.changes import Changes, Publish
from cargo_sync.model.history import ToldBatch
from cargo_sync.process.wakeup import Wakeup
from cargo_sync.server.flows.sampler import FlowReading, FlowSampler, totals
from cargo_sync.server.history.names import WorkspaceNames
from cargo_sync.server.reporting import views

_log = logging.getLogger(__name__)

TICK: Final = 1.0

Tell = Callable[[str, str], None]
"""Called with (user, kind) when a user has changed. Kinds are added, changed, enabled, disabled,
expired, removed, password, invited and device."""


class ServerFeed:
    """Publishes the feed.

    `status` gives the status without the values that change every second, `names` the names of
    workspaces.
    """

    def __init__(
        self,
        publisher: Publish,
        status: Callable[[], JsonObject],
        sampler: FlowSampler,
        names: WorkspaceNames,
    ) -> None:
        self._publisher = publisher
        self._status = status
        self._sampler = sampler
        self._names = names
        self._changes = Changes(publisher)
        self._flows: dict[str, FlowReading] = {}
        self.beside: list[Callable[[], None]] = []
        """What else is called once a second, to publish what it has."""

    def notice(self, user: str, kind: str) -> None:
        """Publishes a change of a user."""
        self._publisher.publish(topics.notice(user), "notice", {"user": user, "kind": kind})
        if kind == "removed":
            self._publisher.forget(topics.notice(user))
        self.changed()

    def happened(self, told: Sequence[ToldBatch]) -> None:
        """Publishes what happened to files."""
        for one in told:
            name = self._names[one.batch.workspace]
            if name:
                topic, notice = topics.notice(name), views.told(one, name)
                self._publisher.publish(topic, "notice", notice, cursor=one.batch.cursor)

    def expires_soon(self, user: str, at: float) -> None:
        """Publishes that a user expires at `at`, unix seconds."""
        notice = {"user": user, "kind": "expires_soon", "expires": at}
        self._publisher.publish(topics.notice(user), "notice", notice)

    def quota(self, news: QuotaNews) -> None:
        """Publishes that the quota of a user or workspace is reached, or nearly."""
        topic = topics.notice(news.user or news.workspace)
        self._publisher.publish(topic, "notice", views.quota_news(news))

    def clock_jumped(self, message: str) -> None:
        """Publishes that the wall clock jumped; `message` is a sentence."""
        notice = {"user": "", "kind": "clock_jumped", "message": message}
        self._publisher.publish(topics.notice(""), "notice", notice)

    def changed(self) -> None:
        """Publishes the status if it has changed."""
        status = self._status()
        self._changes.publish(topics.STATUS, "status", status, lambda: status)

    async def run(self) -> None:
        """Ticks until cancelled."""
        never = Wakeup()
        while True:
            try:
                self.tick()
            except Exception as error:  # a bug of ours: it costs one tick, not the server
                _log.error("publishing the feed failed", exc_info=error)
            await never.wait(TICK)

    def tick(self) -> None:
        """Publishes what is due once a second."""
        self.changed()
        for tick in self.beside:
            tick()
        # Also without subscribers, so that speeds are known when somebody asks.
        readings = self._sampler.readings()
        if self._publisher.has_subscribers(topics.PROGRESS):
            progress = views.progress(totals(readings))
            self._changes.publish(topics.PROGRESS, "progress", progress, lambda: progress)
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
