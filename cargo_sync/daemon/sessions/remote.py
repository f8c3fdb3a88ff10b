"""The contract of a session's server, whatever its kind."""

from collections.abc import Sequence
from typing import NamedTuple, NoReturn, Protocol

from cargo_sync.daemon.far.place import RemoteSpace
from cargo_sync.daemon.sessions.transfer import CopyOrder, Work
from cargo_sync.model.displaced import Restored, TrashFilter
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.trees.remote.relayed import RelayedFolder
from cargo_sync.trees.trash import FarTrashPage


class RemoteItem(NamedTuple):
    """One file or folder on the server.

    kind   file, folder or link
    size   bytes; None if the server does not say
    mtime  unix seconds
    id     of a backup's file; else None
    """

    name: str
    kind: str
    size: int | None
    mtime: float | None = None
    mode: int | None = None
    id: str | None = None


class RemotePage(NamedTuple):
    """One page of a folder's listing.

    next      the `after` of the next page, None at the end
    problems  one per name that was left out, because it cannot be used
    """

    items: Sequence[RemoteItem]
    next: str | None
    problems: Sequence[Problem] = ()


class Remote(Protocol):
    """A server where the user of a session is logged in. All calls raise ProblemError."""

    url: str
    username: str

    @property
    def spaces(self) -> list[RemoteSpace]: ...

    @property
    def space(self) -> RemoteSpace: ...

    async def use(self, name: str) -> None:
        """Changes the current workspace."""

    async def listing(self, path: str, after: str, limit: int) -> RemotePage:
        """The items of a folder, sorted by name: up to `limit` after `after`."""

    async def stat(self, path: str) -> RemoteItem:
        """One file or folder."""

    async def mkdir(self, path: str) -> None: ...

    async def delete(self, path: str, *, recursive: bool) -> str:
        """Deletes a file or folder. Returns its path in the trash."""

    async def trash(self, wanted: TrashFilter, before: int | None, limit: int) -> FarTrashPage:
        """Versions in the server's trash, the newest first."""

    async def restore(self, ids: Sequence[int], inside: str) -> list[Restored | Problem]:
        """Brings versions back to their places; one result per id.

        Unless `inside` is "", only what has this path in the folders that the versions are.
        """

    async def move(self, path: str, to: str) -> None: ...

    async def get(self, order: CopyOrder) -> Work:
        """Prepares a get. What cannot work is refused here as far as possible."""

    async def put(self, order: CopyOrder) -> Work: ...

    async def copy(self, order: CopyOrder, source: "Remote") -> Work:
        """Prepares a copy from another server; its files pass through this machine."""

    def relayed(self, folder: str) -> RelayedFolder:
        """A folder, as the source of a copy to another server."""

    def check_speed(self) -> None:
        """Checks that this kind of server has speeds. Raises ProblemError."""

    async def close(self) -> None: ...


def unsupported(what: str) -> NoReturn:
    """Raises ProblemError(unsupported): backups have no `what`."""
    raise ProblemError(Problem(Code.UNSUPPORTED, f"a backup session has no {what}", retry=False))


def unknown(path: str) -> ProblemError:
    """The error for a path that is not on the server."""
    return ProblemError(
        Problem(Code.UNKNOWN, f"there is no {path!r} on the server", path, retry=False)
    )
