"""The names of workspaces: the history has the ids of their folders.

A named workspace is called by its name, the own folder of a user `USER:default`. No name has a
colon. A folder may have several names: the first one of a named workspace is shown.
"""

from collections.abc import Callable, Sequence

from cargo_sync.config.server import UserSettings, WorkspaceSettings
from cargo_sync.config.server_shape import USER_WORKSPACE
from cargo_sync.config.stored import real_root


class WorkspaceNames:
    """The current names. All of them are replaced when users or workspaces change."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}
        self._ids: dict[str, int] = {}

    def apply(
        self,
        users: Sequence[UserSettings],
        workspaces: Sequence[WorkspaceSettings],
        id_at: Callable[[str], int | None],
    ) -> None:
        """Takes over users and workspaces; `id_at` gives the id of an open folder's real path."""
        named = [(one.name, one.path) for one in sorted(workspaces, key=lambda one: one.name)]
        own = [(own_name(one.username), one.path) for one in users]
        names: dict[int, str] = {}
        ids: dict[str, int] = {}
        for name, path in (*named, *sorted(own)):
            id = id_at(real_root(path))
            if id is not None:
                names.setdefault(id, name)
                ids[name] = id
        self._names, self._ids = names, ids

    def __getitem__(self, id: int) -> str:
        """The name of a folder; "" if it is not served any more."""
        return self._names.get(id, "")

    def id(self, name: str) -> int | None:
        """The id of the folder of this name; None if there is none."""
        return self._ids.get(name)

    def all(self) -> list[str]:
        """All names, sorted."""
        return sorted(self._ids)


def own_name(user: str) -> str:
    """The name of a user's own workspace."""
    return f"{user}:{USER_WORKSPACE}"
