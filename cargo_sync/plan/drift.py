"""Drift: what a destination does not have any more as it was delivered.

"Delivered is delivered": a job never changes such a file by itself. But it counts them, so that
nobody takes two sides for equal that are not.
"""

from cargo_sync.model.agreed import (
    Agreed,
    AgreedColumns,
    far_surely_as_agreed,
    near_surely_as_agreed,
)
from cargo_sync.model.entries import FOLDER, EntryColumns
from cargo_sync.model.jobs import Mode


def drifted(agreed: bytes | None, destination: bytes | None, direction: Mode) -> int:
    """How many delivered files of a folder are changed or gone at its destination.

    Args:
        agreed: what both sides agreed on, encoded.
        destination: what is there, encoded; None for nothing.
        direction: UPLOAD or DOWNLOAD.
    """
    upload = direction is Mode.UPLOAD
    if agreed is None:
        return 0
    surely_as_agreed = far_surely_as_agreed if upload else near_surely_as_agreed
    if destination is not None and surely_as_agreed(agreed, destination):
        return 0
    is_there = Agreed.far_is if upload else Agreed.stays_near
    there = EntryColumns.decode(destination) if destination else EntryColumns.nothing()
    found = {entry.name: entry for entry in there}
    return sum(
        row.kind != FOLDER and not (row.name in found and is_there(row, found[row.name]))
        for row in AgreedColumns.decode(agreed)
    )
