"""What a get or a put does with one name, by what stands at its place. Nothing was agreed
before."""

from enum import Enum
from typing import NamedTuple

from cargo_sync.model import paths
from cargo_sync.model.entries import FILE, FOLDER, LINK, Entry
from cargo_sync.model.problems import Code, Problem


class CopyStep(Enum):
    BRING = "bring"
    """It is brought over; what stands there is displaced."""
    EQUAL = "equal"
    """It is there already: skipped."""
    COMPARE = "compare"
    """Same size, another time: equal when the hashes are."""
    REFUSE = "refuse"


class Decision(NamedTuple):
    """What is done with one name.

    problem  why it is refused; with COMPARE, why it would be when they differ
    """

    step: CopyStep
    problem: Problem | None = None


def decide(path: str, source: Entry, there: Entry | Problem | None, *, overwrite: bool) -> Decision:
    """Decides about a file or a link; folders are made, and not decided about.

    Args:
        path: for the sentence, below the folder that is brought over.
        source: what would come.
        there: what stands at its place, or why that cannot be told.
        overwrite: what stands there may be displaced.
    """
    if source.kind == LINK and leads_out(path, source.target):
        message = f"{path!r} is a link that leads out of the folder, to {source.target!r}"
        return Decision(CopyStep.REFUSE, Problem(Code.SYMLINK, message, path, retry=False))
    if there is None:
        return Decision(CopyStep.BRING)
    if isinstance(there, Problem):
        return Decision(CopyStep.REFUSE, there)
    if there.kind == FOLDER:
        message = f"a folder stands at {path!r}, where a file is to come"
        return Decision(CopyStep.REFUSE, Problem(Code.IS_A_FOLDER, message, path, retry=False))
    if source.same_face(there):
        return Decision(CopyStep.EQUAL)
    occupied = (
        None
        if overwrite
        else Problem(Code.OCCUPIED, f"{path!r} is there already", path, _ASK, False)
    )
    if source.kind == there.kind == FILE and source.size == there.size:
        return Decision(CopyStep.COMPARE, occupied)
    return Decision(CopyStep.REFUSE if occupied else CopyStep.BRING, occupied)


def decide_by_content(decided: Decision, *, equal: bool) -> Decision:
    """What COMPARE comes to once both files were read."""
    if equal:
        return Decision(CopyStep.EQUAL)
    return Decision(CopyStep.REFUSE if decided.problem else CopyStep.BRING, decided.problem)


_ASK = "order it with overwrite, and what stands there goes to the trash"


def leads_out(path: str, target: str) -> bool:
    """Whether a link at `path` could lead out of the root.

    Only a beginning of ".." is counted; after a name, which may be a link itself, ".." could lead
    anywhere.
    """
    if target.startswith("/") or not target:
        return True
    parts = [part for part in target.split("/") if part not in ("", ".")]
    up = 0
    while up < len(parts) and parts[up] == "..":
        up += 1
    above = paths.parent(path)
    return ".." in parts[up:] or up > (above.count("/") + 1 if above else 0)
