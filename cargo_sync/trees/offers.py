"""Between the engine's values and a flow's: tasks -> offers, receipts -> what became of a batch.

A batch of thousands of small files is turned over as columns: a step for each file would take more
of the CPU than reading it does.
"""

from collections.abc import Mapping, Sequence
from itertools import compress

from cargo_sync.model.actions import Outcome
from cargo_sync.model.entries import DAMAGED
from cargo_sync.model.problems import Problem
from cargo_sync.model.transfers import Offer, Receipt
from cargo_sync.trees.contract import NONE_HAD, Brought, Moved, Task, Tasks


def offers(tasks: Sequence[Task]) -> list[Offer]:
    """The offers of the tasks' sources, in the same order."""
    columns = Tasks.of(tasks)
    puts, sources = columns.puts, columns.puts.sources
    hashes = sources.hashes
    if DAMAGED in hashes:
        hashes = ["" if known == DAMAGED else known for known in hashes]
    expected, occupants = [0] * len(tasks), [0] * len(tasks)
    for index, action in puts.others.items():
        if action.expected:
            expected[index], occupants[index] = action.expected.version, action.expected.ident
    return list(
        map(
            Offer._make,
            zip(
                puts.paths,
                sources.sizes,
                sources.times,
                sources.modes,
                sources.versions,
                sources.idents,
                columns.transfers,
                expected,
                occupants,
                hashes,
                sources.targets,
                [0] * len(tasks),
                strict=True,
            ),
        )
    )


def brought(
    tasks: Sequence[Task],
    receipts: Sequence[Receipt],
    moved: Moved,
    had: Mapping[str, int] = NONE_HAD,
) -> Brought:
    """What became of the tasks, from the receiver's receipts.

    `had` has what the receiver had already of some files, by the transfer's id.
    """
    done = [receipt.code == "done" for receipt in receipts]
    if all(done):
        return Brought(tasks, receipts, (), moved, had)
    failed = [
        _failure(task, receipt)
        for task, receipt in zip(tasks, receipts, strict=True)
        if receipt.code != "done"
    ]
    return Brought(list(compress(tasks, done)), list(compress(receipts, done)), failed, moved, had)


def _failure(task: Task, receipt: Receipt) -> Outcome:
    problem = Problem.received(
        receipt.code, receipt.message or receipt.code, task.action.path, retry=receipt.retry
    )
    return Outcome(task.action, hash=receipt.hash, problem=problem, transfer=task.transfer)
