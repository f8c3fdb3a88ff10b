"""What may be a change of time or mode alone: then no content moves.

A time says nothing about the content: `touch` changes it, and a program may write other content of
the same size. So a file that passes here is read, and its hash compared with what was delivered,
before it counts as unchanged.
"""

from cargo_sync.model.agreed import Agreed
from cargo_sync.model.entries import FILE, FOLDER, PERMISSIONS, Entry


def may_be_as_delivered(entry: Entry, agreed: Agreed | None) -> bool:
    """Whether a file may have the content that was agreed on: its hash will say."""
    return (
        agreed is not None
        and entry.kind == agreed.kind == FILE
        and entry.size == agreed.size
        and agreed.hash != ""
        and entry.hash in ("", agreed.hash)
    )


def has_new_mode(entry: Entry, agreed: Agreed | None, other: Entry) -> bool:
    """Whether a folder got another mode since it was agreed on, which `other` has not.

    At first contact each side keeps its own modes.
    """
    return (
        agreed is not None
        and entry.kind == agreed.kind == other.kind == FOLDER
        and (entry.mode ^ agreed.mode) & PERMISSIONS != 0
        and not entry.same_mode(other)
    )
