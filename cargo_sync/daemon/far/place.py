"""Where the files of a person's session are: a contract, and what is the same of all kinds."""

from typing import NamedTuple, NoReturn, Protocol

from cargo_sync.admission.turn import Turn
from cargo_sync.model.abilities import Abilities
from cargo_sync.model.entries import Entry
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.trees.remote.relayed import RelayedFolder
from cargo_sync.trees.trash import FarTrash
from cargo_sync.trees.visit import FarVisited, Visited


class RemoteSpace(NamedTuple):
    """A workspace that the user may use; `access` is rw, ro or wo."""

    name: str
    access: str


class ShellTree(Visited, Protocol):
    """What a person does with single files and folders. All calls raise ProblemError."""

    async def entry(self, path: str) -> Entry | None:
        """What is at a path now; None for nothing."""

    async def delete(self, path: str, run: str, *, recursive: bool) -> str:
        """Moves it to the trash, as far as there is one; returns its path there, or ""."""

    async def move(self, path: str, to: str, run: str) -> None:
        """Gives it another path, where nothing may be."""


class FarPlace(Protocol):
    """A server where a person is logged in. All calls raise ProblemError.

    spaces     workspaces; none if the server has no such thing
    space      the current one
    abilities  what the server keeps and can do; known when `open` has returned
    """

    url: str
    username: str
    spaces: list[RemoteSpace]
    space: RemoteSpace

    @property
    def abilities(self) -> Abilities: ...

    async def open(self, workspace: str, *, make: bool = False) -> None:
        """Logs in; with `make`, the folder in the address is made if it is not there."""

    async def use(self, name: str) -> None:
        """Changes the current workspace."""

    def tree(self) -> ShellTree: ...

    def trash(self) -> FarTrash:
        """What was displaced there."""

    async def begin_changes(self) -> None:
        """Comes before anything is changed there."""

    def visited(self, folder: str, turn: Turn) -> FarVisited:
        """A folder, for one get or put; it moves content in its turn."""

    def relayed(self, folder: str) -> RelayedFolder:
        """A folder, to copy from it to another server or (then it is not used) the other way."""

    async def close(self) -> None: ...


def has_no(what: str) -> NoReturn:
    """Raises ProblemError `unsupported`: this kind of server has no `what`."""
    raise ProblemError(Problem(Code.UNSUPPORTED, f"this server has no {what}", retry=False))
