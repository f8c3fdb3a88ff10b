"""How a conflict is resolved: the job's policy and what both sides have -> a choice."""

from typing import Final

from cargo_sync.model.abilities import Abilities
from cargo_sync.model.conflicts import Choice, ConflictPolicy
from cargo_sync.model.entries import FILE, FOLDER, Entry, is_clamped

_SECOND: Final = 10**9
COARSEST: Final = 2 * _SECOND
"""Times that differ by less may be equal: some file systems keep only every second second."""
AHEAD: Final = 86_400 * _SECOND
"""A file that is newer than now by more than this was written by a wrong clock."""

_FIXED: Final = {
    ConflictPolicy.KEEP_BOTH: Choice.KEEP_BOTH,
    ConflictPolicy.LOCAL: Choice.LOCAL,
    ConflictPolicy.REMOTE: Choice.REMOTE,
    ConflictPolicy.ASK: None,
}


def choose(
    policy: ConflictPolicy,
    near: Entry,
    far: Entry,
    server: Abilities,
    *,
    wall: float,
    clock_jumped: bool,
) -> Choice | None:
    """How the policy resolves the conflict of two entries; None: a person must say.

    Args:
        policy: of the job.
        near: what the local folder has.
        far: what the server has.
        server: how well it keeps times.
        wall: unix seconds.
        clock_jumped: the clock of this machine jumped lately, so times may be wrong.
    """
    if policy is ConflictPolicy.ASK:
        return None
    if FOLDER in (near.kind, far.kind):
        return Choice.KEEP_BOTH  # no file takes the place of a folder and what is in it
    if policy is not ConflictPolicy.NEWEST:
        return _FIXED[policy]
    if clock_jumped:
        return Choice.KEEP_BOTH
    return _newest(near, far, server, wall)


def allowed(near: Entry, far: Entry) -> tuple[Choice, ...]:
    """What a person may choose: nobody throws a folder away by one word."""
    return (Choice.KEEP_BOTH,) if FOLDER in (near.kind, far.kind) else tuple(Choice)


def _newest(near: Entry, far: Entry, server: Abilities, wall: float) -> Choice:
    """The later one, if both times can be believed; a link's time says nothing.

    A server that keeps no times says when a file came there, and not when it was written.
    """
    if server.time_step is None:
        return Choice.KEEP_BOTH
    latest = int(wall) * _SECOND + AHEAD
    for one in (near, far):
        if one.kind != FILE or is_clamped(one.mtime_ns) or one.mtime_ns > latest:
            return Choice.KEEP_BOTH
    later = near.mtime_ns - far.mtime_ns
    if abs(later) < max(COARSEST, server.time_step):
        return Choice.KEEP_BOTH
    return Choice.LOCAL if later > 0 else Choice.REMOTE
