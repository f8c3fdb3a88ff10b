"""Kills a run before one of its writes: between two of them a kill leaves the same."""

from cargo_sync.model.actions import Action, Outcome
from cargo_sync.model.problems import Problem
from cargo_sync.model.transfers import Offer, Receipt
from cargo_sync.testing.tree import MemoryTree, TreeSink
from tests.state.crash import Killed


class Kill:
    """Stops a run before its `at`-th write: a commit of the state, or a change of a side."""

    def __init__(self) -> None:
        self.at: int | None = None

    def __call__(self, statement: str) -> None:
        if statement == "COMMIT":
            self.write()

    def write(self) -> None:
        if self.at is None:
            return
        self.at -= 1
        if self.at < 0:
            raise Killed


class Fragile(MemoryTree):
    """A side that counts its changes; `kill` is set for the run that is to be killed."""

    kill = Kill()

    def do(self, action: Action) -> Outcome:
        self.kill.write()
        return super().do(action)

    def sink(self, run: str) -> TreeSink:
        sink = TreeSink(self)
        publish = sink.publish

        def counted(offer: Offer, content: bytes, problem: Problem | None) -> Receipt:
            self.kill.write()
            return publish(offer, content, problem)

        sink.publish = counted  # type: ignore[method-assign]
        return sink
