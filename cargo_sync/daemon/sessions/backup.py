"""The kind "backup": a nickname at Servidor Backup's framed port.

It has no folders, and a file is known by its id.
"""

import os
from collections.abc import Mapping, Sequence

from cargo_sync.backup_protocol.answers import StoredFile, stored_files
from cargo_sync.backup_protocol.client import CoordinatorAddress, connected
from cargo_sync.backup_protocol.messages import BackupVerb
from cargo_sync.backup_protocol.text import NO_FILES, NO_NICKNAME
from cargo_sync.config.secret import Secret
from cargo_sync.daemon.far.place import RemoteSpace
from cargo_sync.daemon.sessions.backup_steps import Fetching, Fields, Sending
from cargo_sync.daemon.sessions.files import Shared
from cargo_sync.daemon.sessions.local_paths import checked_target, file_to_put
from cargo_sync.daemon.sessions.remote import Remote, RemoteItem, RemotePage, unsupported
from cargo_sync.daemon.sessions.transfer import CopyOrder
from cargo_sync.model.displaced import Restored, TrashFilter
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.world import World
from cargo_sync.trees.guest import GuestFolder
from cargo_sync.trees.remote.relayed import RelayedFolder
from cargo_sync.trees.trash import FarTrashPage


class BackupSession:
    """See Remote. Each request has its own connection, so that none waits for a large transfer."""

    def __init__(
        self,
        address: CoordinatorAddress,
        nickname: str,
        password: Secret | None,
        shared: Shared,
        world: World,
    ) -> None:
        self.url = f"{'tls' if address.sealed else 'tcp'}://{address}"
        self.username = nickname
        self.spaces: list[RemoteSpace] = []
        self.space = RemoteSpace("", "rw")
        self._address = address
        self._password = password
        self._shared = shared
        self._world = world

    async def open(self) -> None:
        """Checks that the server answers and knows the user. Raises ProblemError."""
        await self._listed()

    async def use(self, name: str) -> None:
        unsupported("workspaces")

    async def listing(self, path: str, after: str, limit: int) -> RemotePage:
        """Lists the files; `after` and `next` are counts of files that were listed before."""
        if path:
            unsupported("folders")
        start = int(after) if after.isascii() and after.isdigit() else 0
        files = await self._listed()
        shown = [_item(one) for one in files[start : start + limit]]
        after_these = str(start + limit) if start + limit < len(files) else None
        return RemotePage(shown, after_these)

    async def stat(self, path: str) -> RemoteItem:
        unsupported("single entries")

    async def mkdir(self, path: str) -> None:
        unsupported("folders")

    async def delete(self, path: str, *, recursive: bool) -> str:
        unsupported("deletion")

    async def trash(self, wanted: TrashFilter, before: int | None, limit: int) -> FarTrashPage:
        unsupported("trash")

    async def restore(self, ids: Sequence[int], inside: str) -> list[Restored | Problem]:
        unsupported("trash")

    async def move(self, path: str, to: str) -> None:
        unsupported("renaming")

    def check_speed(self) -> None:
        unsupported("speeds")

    async def get(self, order: CopyOrder) -> Fetching:
        if order.recursive:
            unsupported("folders")
        checked_target(order.local)
        is_folder = await self._world.offload(os.path.isdir, order.local)
        folder, name = (order.local, "") if is_folder else os.path.split(order.local)
        near = self._guest(folder)
        await near.open_for_arrivals(self._shared.roots())
        return Fetching(
            self._address,
            self._fields(BackupVerb.FETCH, id=order.remote),
            near,
            name,
            order,
            self._world,
        )

    async def put(self, order: CopyOrder) -> Sending:
        if order.recursive:
            unsupported("folders")
        folder, name = await self._world.offload(file_to_put, order.local)
        near = self._guest(folder)
        await near.open()
        new_name = os.path.basename(order.remote or order.local)
        return Sending(
            self._address,
            self._fields(BackupVerb.SEND, nome_arquivo=new_name),
            near,
            name,
            self._world,
        )

    async def copy(self, order: CopyOrder, source: Remote) -> Sending:
        unsupported("copies from other servers")

    def relayed(self, folder: str) -> RelayedFolder:
        unsupported("copies to other servers")

    async def close(self) -> None:
        return None

    def _guest(self, folder: str) -> GuestFolder:
        shared = self._shared
        return GuestFolder(
            folder, self._world, shared.checkpoints, shared.space, shared.ages, shared.guests
        )

    async def _listed(self) -> list[StoredFile]:
        try:
            async with connected(self._address) as connection:
                await connection.ask(self._fields(BackupVerb.LIST)())
                answer = await connection.answer()
        except ProblemError as error:
            if error.problem.code == Code.REFUSED and self._is_empty(error.problem.message):
                return []
            raise
        return stored_files(answer)

    def _is_empty(self, sentence: str) -> bool:
        """Whether a coordinator's refusal only means that this user has no files yet.

        An unknown nickname with a password is a failed login. Without a password it is a user who
        has not sent a first file yet.
        """
        return NO_FILES in sentence or (NO_NICKNAME in sentence and self._password is None)

    def _fields(self, verb: BackupVerb, **more: str) -> Fields:
        """A function that makes the request, so that the password is copied only for sending."""

        def made() -> Mapping[str, object]:
            fields = {"verbo": verb.value, "apelido": self.username, **more}
            return fields if self._password is None else fields | {"senha": self._password.reveal()}

        return made


def _item(one: StoredFile) -> RemoteItem:
    return RemoteItem(one.name, "file", one.size, id=one.id)
