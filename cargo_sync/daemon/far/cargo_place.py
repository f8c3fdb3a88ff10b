"""A user's workspaces on a Cargo server, for a session."""

from contextlib import nullcontext

from cargo_sync.admission.turn import Turn
from cargo_sync.daemon.far.place import RemoteSpace
from cargo_sync.model.abilities import CARGO, Abilities
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.world import World
from cargo_sync.trees.cargo.api import Apis, ServerLogin
from cargo_sync.trees.cargo.replies import SpacesReply
from cargo_sync.trees.cargo.trash import CargoTrash
from cargo_sync.trees.cargo.visit import VisitedTree
from cargo_sync.trees.remote.relayed import RelayedFolder


class CargoPlace:
    """See FarPlace. Jobs and sessions with the same login share it."""

    def __init__(self, login: ServerLogin, apis: Apis, world: World) -> None:
        self.url = login.url
        self.username = login.username
        self.spaces: list[RemoteSpace] = []
        self.space = RemoteSpace("", "ro")
        self._world = world
        self._api = apis.of(login)

    @property
    def abilities(self) -> Abilities:
        return CARGO

    async def open(self, workspace: str, *, make: bool = False) -> None:
        self._api.hold(self)
        found = await self._api.get("/workspaces", SpacesReply.read)
        self.spaces = [RemoteSpace(one.name, one.access) for one in found.workspaces]
        await self.use(workspace)

    async def use(self, name: str) -> None:
        found = [space for space in self.spaces if space.name == name]
        if not found:
            has = ", ".join(space.name for space in self.spaces) or "none"
            message = f"{self.username} has no workspace {name!r} on the server"
            raise ProblemError(
                Problem(
                    Code.UNKNOWN_WORKSPACE,
                    message,
                    hint=f"workspaces of this user: {has}",
                    retry=False,
                )
            )
        self.space = found[0]

    def tree(self) -> VisitedTree:
        return VisitedTree(self._api, self.space.name, "", self._world, nullcontext())

    def trash(self) -> CargoTrash:
        return CargoTrash(self._api, self.space.name, "")

    async def begin_changes(self) -> None:
        """Refuses what the server would refuse for each file."""
        if self.space.access == "ro":
            message = f'you may read the workspace "{self.space.name}" but not change it'
            hint = 'the person who runs the server can grant "rw"'
            raise ProblemError(Problem(Code.READ_ONLY, message, hint=hint, retry=False))

    def visited(self, folder: str, turn: Turn) -> VisitedTree:
        return VisitedTree(self._api, self.space.name, folder, self._world, turn)

    def relayed(self, folder: str) -> RelayedFolder:
        words = "files of a Cargo server are not copied to another server in one step"
        hint = "get them into a folder, then put them; or use two jobs with one folder"
        raise ProblemError(Problem(Code.UNSUPPORTED, words, hint=hint, retry=False))

    async def close(self) -> None:
        await self._api.let_go(self)
