"""The server's ends of the lanes of its flows."""

import socket
from collections.abc import Callable, Sequence

from cargo_sync.lanes.end import End
from cargo_sync.lanes.link import Link
from cargo_sync.lanes.pacing import Pace, pace_of
from cargo_sync.lanes.receiver import Receiver
from cargo_sync.lanes.sender import OnSent, Sender
from cargo_sync.machines.budget import Budgets
from cargo_sync.model.history import ChangeCause, HistoryFiles
from cargo_sync.model.jobs import Mode
from cargo_sync.model.transfers import Offer
from cargo_sync.server.flows.flows import SHOWN, Flow, Flows
from cargo_sync.server.flows.lane_budget import FlowBudgets
from cargo_sync.server.flows.public_ends import PublicSink, PublicSource
from cargo_sync.server.history.downloads import Downloads
from cargo_sync.trees.placed import PlacePath, below


class FlowLanes:
    """The lanes of the flows; see `lanes.listener.LaneHost`. `steady`: seconds."""

    def __init__(
        self,
        flows: Flows,
        steady: Callable[[], float],
        downloads: Downloads,
        budgets: Budgets | None = None,
    ) -> None:
        self.claim = flows.claim
        self.release = flows.release
        self.started = flows.started
        self.ended = flows.ended
        self._steady = steady
        self._downloads = downloads
        self._budgets = FlowBudgets(budgets or Budgets())

    def machine(self, flow: Flow, sock: socket.socket, link: Link) -> tuple[End, Pace | None]:
        """See `lanes.listener.LaneHost`."""
        view = flow.permit.access.view
        place = below(view.inside(flow.folder))
        budget = self._budgets.of(flow.id, flow.user.name)
        cause = flow.permit.cause(flow.run, flow.id[:SHOWN])
        if flow.mode is Mode.UPLOAD:
            sink = view.sink(flow.run, flow.permit.check, cause)
            sink = PublicSink(sink, place, view.words)
            return Receiver(link, sink, self._steady, client=False, budget=budget), None
        pace = pace_of(sock)
        source = PublicSource(view.source(), place, view.words)
        sender = Sender(
            link,
            source,
            self._steady,
            client=False,
            pace=pace,
            budget=budget,
            on_sent=self._sent(flow.permit.access.whole.id, cause, place),
        )
        return sender, pace

    def _sent(self, workspace: int, cause: ChangeCause, place: PlacePath) -> OnSent:
        """Notes what a lane's client received, and how long it took since the batch before."""
        last = self._steady()

        def sent(offers: Sequence[Offer]) -> None:
            nonlocal last
            before, last = last, self._steady()
            if offers:
                columns = HistoryFiles(
                    [place(offer.path) for offer in offers],
                    [offer.size for offer in offers],
                    [offer.hash for offer in offers],
                    [offer.version for offer in offers],
                )
                self._downloads.took(workspace, cause, columns, last - before)

        return sent
