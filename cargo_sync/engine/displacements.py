"""What a run displaced in the local folder, as versions for the ledger of its trash.

The hash of a version is what both sides agreed on, so it is looked up before the agreement is
replaced. Nothing is read for it again.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from cargo_sync.model import paths
from cargo_sync.model.actions import Action, Op
from cargo_sync.model.displaced import DisplacedVersion, TrashCause
from cargo_sync.state.folders import Folders

_CAUSES = {Op.DELETE: TrashCause.DELETED, Op.RETIRE: TrashCause.DELIVERED}


class Displacement(NamedTuple):
    """A step that moved something into the trash, to `place`."""

    action: Action
    place: str


def versions(folders: Folders, displaced: Sequence[Displacement]) -> list[DisplacedVersion]:
    """The versions that these steps displaced. Call it before their agreements are stored.

    Raises:
        ProblemError: the state cannot be read.
    """
    names: dict[str, set[str]] = {}
    for action, _ in displaced:
        names.setdefault(paths.parent(action.path), set()).add(paths.name(action.path))
    agreed = dict(_agreed(folders, names))
    found = []
    for action, place in displaced:
        entry = action.source if action.op is Op.RETIRE else action.expected
        assert entry is not None, "only what was expected is displaced"
        content = action.hash or entry.hash or agreed.get((action.path, entry.version, entry.ident))
        cause = _CAUSES.get(action.op, TrashCause.OVERWRITTEN)
        entry = entry._replace(hash=content or "")
        found.append(DisplacedVersion.of(entry, action.path, place, cause))
    return found


def _agreed(
    folders: Folders, names: dict[str, set[str]]
) -> Iterable[tuple[tuple[str, int, int], str]]:
    """The hashes of files by path, version and ident in the local folder."""
    for folder, some in names.items():
        for state in folders.parts(folder, dict.fromkeys(some)):
            for row in state.base or ():
                if row.name in some:
                    path = paths.join(folder, row.name)
                    yield (path, row.near_version, row.near_ident), row.hash
