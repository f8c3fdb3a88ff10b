"""Between the engine's values and a flow's: tasks -> offers, receipts -> outcomes."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from cargo_sync.model import paths
from cargo_sync.model.actions import Action, Outcome
from cargo_sync.model.entries import DAMAGED, FILE, LINK, Entry
from cargo_sync.model.problems import Problem
from cargo_sync.model.transfers import Offer, Receipt
from cargo_sync.trees.contract import Task


def offers(tasks: Sequence[Task]) -> list[Offer]:
    """The offers of the tasks' sources, in the same order."""
    return [offer(task.action, task.transfer) for task in tasks]


def offer(action: Action, transfer: str) -> Offer:
    """The offer of one action's source."""
    source, expected = action.source, action.expected
    assert source is not None, "only an action with a source is offered"
    return Offer(
        action.path,
        source.size,
        source.mtime_ns,
        source.mode,
        source.version,
        source.ident,
        transfer,
        expected.version if expected else 0,
        expected.ident if expected else 0,
        "" if source.hash == DAMAGED else source.hash,
        source.target,
    )


class Moved(NamedTuple):
    """How a batch moved: how long it took (s), and the connection's lost frames and round trip."""

    seconds: float = 0.0
    lost: int | None = None
    rtt_ms: float | None = None


NONE_HAD: Final[Mapping[str, int]] = {}


def outcomes(
    tasks: Sequence[Task],
    receipts: Sequence[Receipt],
    moved: Moved,
    had: Mapping[str, int] = NONE_HAD,
) -> list[Outcome]:
    """The outcomes of the tasks, from the receiver's receipts.

    `had` has what the receiver had already of some files, by the transfer's id.
    """
    return [
        _outcome(task, receipt, moved, had.get(task.transfer, 0))
        for task, receipt in zip(tasks, receipts, strict=True)
    ]


def _outcome(task: Task, receipt: Receipt, moved: Moved, had: int) -> Outcome:
    action, source = task.action, task.action.source
    assert source is not None
    if receipt.code != "done":
        problem = Problem.received(
            receipt.code, receipt.message or receipt.code, action.path, retry=receipt.retry
        )
        return Outcome(action, problem=problem, transfer=task.transfer, seconds=moved.seconds)
    return Outcome(
        action,
        source,
        committed(action.path, source.size, source.target, receipt),
        receipt.hash,
        receipt.displaced,
        None,
        task.transfer,
        *moved,
        had,
    )


def committed(path: str, size: int, target: str, receipt: Receipt) -> Entry:
    """The destination's entry that a receipt describes."""
    return Entry(
        paths.name(path),
        LINK if target else FILE,
        size,
        receipt.mtime_ns,
        receipt.mode,
        receipt.version,
        receipt.ident,
        receipt.hash,
        target,
    )
