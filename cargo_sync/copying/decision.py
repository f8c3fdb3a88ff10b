"""What a get or put does with one name, given what is at the destination (there is no base)."""

from enum import Enum
from typing import Final, NamedTuple

from cargo_sync.model import paths
from cargo_sync.model.abilities import SECOND, Abilities
from cargo_sync.model.entries import FILE, FOLDER, LINK, Entry, is_clamped
from cargo_sync.model.problems import Code, Problem

COARSEST: Final = 2 * SECOND
"""A time that is kept in larger steps does not say that a file is the same."""


class CopyStep(Enum):
    """What to do with one name."""

    COPY = "copy"
    """Copy it; what is at the destination is displaced."""
    EQUAL = "equal"
    """Skip it, because it is there already."""
    COMPARE = "compare"
    """The size is the same, and the time is not or may not be: compare the hashes."""
    REFUSE = "refuse"


class Decision(NamedTuple):
    """What to do with one name.

    problem  why it is refused; with COMPARE: why it is refused if the hashes differ
    """

    step: CopyStep
    problem: Problem | None = None


def decide(
    path: str,
    source: Entry,
    there: Entry | Problem | None,
    server: Abilities,
    *,
    overwrite: bool,
) -> Decision:
    """Decides about a file or a link. Folders need no decision: they are always made.

    Args:
        path: for messages, relative to the folder that is copied.
        source: what to copy.
        there: what is at the destination, or why that is unknown.
        server: what the far side keeps.
        overwrite: what is at the destination may be displaced.
    """
    if source.kind == LINK and leads_out(path, source.target):
        message = f"{path!r} is a link that leads out of the folder, to {source.target!r}"
        return Decision(CopyStep.REFUSE, Problem(Code.SYMLINK, message, path, retry=False))
    if source.kind == LINK and not server.links:
        message = f"{path!r} is a symbolic link, and this server keeps none"
        return Decision(CopyStep.REFUSE, Problem(Code.SYMLINK, message, path, retry=False))
    if there is None:
        return Decision(CopyStep.COPY)
    if isinstance(there, Problem):
        return Decision(CopyStep.REFUSE, there)
    if there.kind == FOLDER:
        message = f"{path!r} is a folder at the destination and a file at the source"
        return Decision(CopyStep.REFUSE, Problem(Code.IS_A_FOLDER, message, path, retry=False))
    if server.same_face(source, there) and _is_sure(source, server):
        return Decision(CopyStep.EQUAL)
    occupied = (
        None
        if overwrite
        else Problem(Code.OCCUPIED, f"{path!r} is there already", path, _ASK, False)
    )
    if source.kind == there.kind == FILE and source.size == there.size:
        return Decision(CopyStep.COMPARE, occupied)
    return Decision(CopyStep.REFUSE if occupied else CopyStep.COPY, occupied)


def _is_sure(source: Entry, server: Abilities) -> bool:
    """Whether what looks the same is the same: of a file, its time must say so."""
    if source.kind != FILE:
        return True
    fine = server.time_step is not None and server.time_step <= COARSEST
    return fine and not is_clamped(source.mtime_ns)


def decide_by_content(decided: Decision, *, equal: bool) -> Decision:
    """Decides a COMPARE after both files were read."""
    if equal:
        return Decision(CopyStep.EQUAL)
    return Decision(CopyStep.REFUSE if decided.problem else CopyStep.COPY, decided.problem)


_ASK = "use overwrite to replace it; the old file goes to the trash"


def leads_out(path: str, target: str) -> bool:
    """Whether a link at `path` could lead out of the root.

    Each ".." at the beginning goes up one folder. A ".." after a name could lead anywhere, because
    the name may be a link itself.
    """
    if target.startswith("/") or not target:
        return True
    parts = [part for part in target.split("/") if part not in ("", ".")]
    up = 0
    while up < len(parts) and parts[up] == "..":
        up += 1
    above = paths.parent(path)
    return ".." in parts[up:] or up > (above.count("/") + 1 if above else 0)
