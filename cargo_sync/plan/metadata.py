"""What may be a change of time or mode alone: then no content moves.

A time says nothing about the content: `touch` changes it, and a program may write other content of
the same size. So a file that passes here is read, and its hash compared with what was delivered,
before it counts as unchanged.
"""

from cargo_sync.model.abilities import Abilities
from cargo_sync.model.actions import Action
from cargo_sync.model.agreed import Agreed
from cargo_sync.model.entries import BY_UMASK, FILE, FOLDER, PERMISSIONS, Entry


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


def is_as_there(action: Action, server: Abilities) -> bool:
    """Whether a file's time and mode are the same on both sides, as far as the server keeps them.

    Then only its ctime changed, or a step would show nothing.
    """
    source, there = action.source, action.expected
    if source is None or there is None or not action.hash:
        return False
    return server.same_time(source.mtime_ns, there.mtime_ns) and source.same_mode(there)


def as_known(action: Action, server: Abilities) -> Action:
    """The step without what the source's side does not know: the destination keeps its own.

    So a file does not lose its exact time for one that the server has rounded.
    """
    source, there = action.source, action.expected
    if source is None or there is None:
        return action
    mode = there.mode if source.mode == BY_UMASK else source.mode
    same = server.same_time(source.mtime_ns, there.mtime_ns)
    time = there.mtime_ns if same else source.mtime_ns
    return action._replace(source=source._replace(mtime_ns=time, mode=mode))
