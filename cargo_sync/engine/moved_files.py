"""Files that were moved: what is agreed and told about a batch of them.

A batch has thousands of small files, and nothing else happens to nearly all of them. So their
values are made column by column: a step for each file would cost more than to read it does.
"""

from collections.abc import Sequence
from itertools import repeat

from cargo_sync.model.actions import Action
from cargo_sync.model.agreed import Agreed
from cargo_sync.model.events import Event, EventDetails, Happened
from cargo_sync.model.jobs import Mode, Rules
from cargo_sync.model.transfers import Receipt
from cargo_sync.trees.contract import Brought


def agreements(
    mode: Mode, actions: Sequence[Action], receipts: Sequence[Receipt]
) -> list[tuple[str, Agreed | None]]:
    """What both sides hold now, by path."""
    names, kinds, sizes, times, modes, versions, idents, known, targets = zip(
        *[action.source for action in actions if action.source], strict=True
    )
    _, new_versions, new_idents, new_times, new_modes, hashes, *_ = zip(*receipts, strict=True)
    near, far = (times, modes, versions, idents), (new_versions, new_idents)
    if mode is Mode.DOWNLOAD:
        near, far = (new_times, new_modes, new_versions, new_idents), (versions, idents)
    contents = [content or before for content, before in zip(hashes, known, strict=True)]
    agreed = zip(names, kinds, sizes, *near, *far, contents, targets, strict=True)
    return list(zip([action.path for action in actions], map(Agreed._make, agreed), strict=True))


def events(rules: Rules, now: float, batch: Brought) -> list[Event]:
    """Tells of each file that it is there, and what a file that was not as delivered lost."""
    actions, transfers = zip(*batch.done, strict=True)
    files, sizes = [action.path for action in actions], [action.bytes for action in actions]
    seconds, lost, rtt_ms = batch.moved
    details = EventDetails.of_moved(
        transfers,
        [receipt.hash for receipt in batch.receipts],
        round(seconds, 6),
        lost,
        rtt_ms,
        _moved(transfers, sizes, batch) if batch.had else repeat(None),
    )
    upload = rules.mode is Mode.UPLOAD
    happened = Happened.UPLOADED if upload else Happened.DOWNLOADED
    return rules.events(happened, now, files, sizes, details) + [
        rules.event(
            Happened.DISPLACED,
            now,
            action.path,
            action.bytes,
            EventDetails(displaced=receipt.displaced),
        )
        for action, receipt in zip(actions, batch.receipts, strict=True)
        if receipt.displaced and action.drifted
    ]


def _moved(transfers: Sequence[str], sizes: Sequence[int], batch: Brought) -> list[int | None]:
    """The bytes that moved of each file, where that is not the whole file."""
    had = map(batch.had.get, transfers)
    return [size - before if before else None for size, before in zip(sizes, had, strict=True)]
