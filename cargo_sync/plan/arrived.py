"""Uploads that may have arrived: whether what the server has at a path is what was sent there.

Nobody knows what became of an upload that was cut off. If the local file has changed since, what
the server has there would count as a change of somebody else's. So it is recognised by its content:
a size or a time proves nothing, and what cannot be proven stays somebody else's.
"""

from cargo_sync.model.agreed import Agreed
from cargo_sync.model.entries import DAMAGED, FILE, Entry


def may_be_what_was_sent(
    sent: Entry, near: Entry | None, far: Entry | None, base: Agreed | None
) -> bool:
    """Whether it matters what the server has at a path, and only its hash can say it, or has.

    If the local file is still as it was sent, both sides are compared anyway. If it is gone, what
    the server has stays.

    Args:
        sent: the local file as it was sent, with the hash of its content.
        near: what is there now.
        far: what the server has now.
        base: what is agreed on.
    """
    if near is None or far is None or not near.kind == far.kind == FILE or near.same_state(sent):
        return False
    if base is not None and base.far_is(far):
        return False  # it has what it had before
    return far.size == sent.size and far.hash in ("", sent.hash) and far.hash != DAMAGED
