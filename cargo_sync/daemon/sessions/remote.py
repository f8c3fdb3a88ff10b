"""What a session asks of the other end, whatever kind it is."""

from collections.abc import Sequence
from typing import NamedTuple, NoReturn, Protocol

from cargo_sync.daemon.sessions.transfer import CopyOrder, Work
from cargo_sync.model.problems import Code, Problem, ProblemError


class RemoteSpace(NamedTuple):
    """A workspace as the user knows it; `access` is rw or ro."""

    name: str
    access: str


class RemoteItem(NamedTuple):
    """One file or folder of the other end.

    kind   file, folder or link
    size   bytes; None when the other end does not say
    mtime  unix seconds
    id     what a backup calls it; None where paths are names
    """

    name: str
    kind: str
    size: int | None
    mtime: float | None = None
    mode: int | None = None
    id: str | None = None


class RemotePage(NamedTuple):
    """A part of a folder's listing. next: where to go on, None at the end."""

    items: Sequence[RemoteItem]
    next: str | None


class Remote(Protocol):
    """The other end of a session, logged in. All calls raise ProblemError."""

    url: str
    username: str
    spaces: list[RemoteSpace]
    space: RemoteSpace

    async def use(self, name: str) -> None:
        """Another workspace for what comes next."""

    async def listing(self, path: str, after: str, limit: int) -> RemotePage:
        """What is in a folder, by name: up to `limit` items after `after`."""

    async def stat(self, path: str) -> RemoteItem:
        """One file or folder."""

    async def mkdir(self, path: str) -> None: ...

    async def delete(self, path: str, *, recursive: bool) -> str:
        """Where it lies in the trash now."""

    async def move(self, path: str, to: str) -> None: ...

    async def get(self, order: CopyOrder) -> Work:
        """What can be refused at once is; the rest is the work's."""

    async def put(self, order: CopyOrder) -> Work: ...

    def check_speed(self) -> None:
        """Raises ProblemError where rates cannot be asked for."""

    async def close(self) -> None: ...


def unsupported(what: str) -> NoReturn:
    raise ProblemError(Problem(Code.UNSUPPORTED, f"a backup session has no {what}", retry=False))


def unknown(path: str) -> ProblemError:
    return ProblemError(
        Problem(Code.UNKNOWN, f"there is no {path!r} on the server", path, retry=False)
    )
