"""A file that went to the trash with its folder is found by the versions of the folders above it.

A deleted folder is one version, with all that was in it.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from cargo_ctl import answers
from cargo_sync.api.messages import JsonObject


class InFolder(NamedTuple):
    """What may be in a folder's version.

    id      of the version
    inside  its path in that folder
    """

    id: str
    inside: str


def newest_above(path: str, versions: Callable[[str], Iterable[JsonObject]]) -> InFolder | None:
    """The newest version of a folder above `path`.

    Args:
        path: of a file or folder.
        versions: the versions that match a pattern.
    """
    found: list[tuple[float, InFolder]] = []
    above, _, _ = path.rpartition("/")
    while above:
        found += [
            (answers.moment(row, "time"), InFolder(answers.text(row, "id"), path[len(above) + 1 :]))
            for row in versions(_exactly(above))
            if row.get("path") == above and row.get("kind") == "folder"
        ]
        above, _, _ = above.rpartition("/")
    return max(found)[1] if found else None


def _exactly(path: str) -> str:
    """A pattern that a path matches, and nothing that is below it."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in path[:-1]) + f"[{path[-1]}]"
