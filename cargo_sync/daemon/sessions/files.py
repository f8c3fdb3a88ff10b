"""The kind "files": folders and files on a server, a Cargo server's or somebody else's."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from cargo_sync.admission.bandwidth import Shares
from cargo_sync.admission.slots import Slots
from cargo_sync.copying.decision import CopyStep, decide
from cargo_sync.copying.walk import EntryPages, SingleEntry, Walk
from cargo_sync.daemon.far.place import FarPlace, RemoteSpace
from cargo_sync.daemon.sessions.local_paths import checked_target, file_to_put, folder_to_put
from cargo_sync.daemon.sessions.moving import CopiedFolder, FilesTransfer
from cargo_sync.daemon.sessions.passage import Passage
from cargo_sync.daemon.sessions.remote import Remote, RemoteItem, RemotePage, unknown
from cargo_sync.daemon.sessions.transfer import CopyOrder
from cargo_sync.local.ages import AgeStore
from cargo_sync.local.parts import CheckpointStore
from cargo_sync.local.space import SpaceLedger
from cargo_sync.local.trash import run_folder
from cargo_sync.model import paths
from cargo_sync.model.abilities import Abilities
from cargo_sync.model.displaced import Restored, TrashFilter
from cargo_sync.model.entries import BY_UMASK, FILE, FOLDER, LINK, Entry
from cargo_sync.model.problems import NOTICES, Code, Problem, ProblemError
from cargo_sync.model.world import World
from cargo_sync.state.orders import Orders, Way
from cargo_sync.trees.cargo.api import Apis
from cargo_sync.trees.guest import GuestFolder, Guests
from cargo_sync.trees.remote.findings import FindingStore
from cargo_sync.trees.remote.relayed import RelayedFolder
from cargo_sync.trees.remote.transfer.uploads import UploadStore
from cargo_sync.trees.trash import FarTrashPage

KINDS: Final = {FILE: "file", FOLDER: "folder", LINK: "link"}


@dataclass(frozen=True, slots=True)
class Shared:
    """What all sessions of a daemon share with its jobs or with each other.

    slots   each transfer takes one while content moves
    shares  parts of the daemon's bandwidth
    apis    the logins at Cargo servers
    uploads what is known of uploads to other servers that are not published
    findings  what was found out about other servers
    space   what is reserved on the disks
    in_use  transfer ids of large files that gets and puts use now
    roots   gives the local folders of the daemon's jobs
    """

    slots: Slots
    shares: Shares
    apis: Apis
    uploads: UploadStore
    findings: FindingStore
    checkpoints: CheckpointStore
    space: SpaceLedger
    ages: AgeStore
    orders: Orders
    guests: Guests
    in_use: set[str]
    roots: Callable[[], Sequence[str]]


class FilesSession:
    """A login at a server with folders and files; see Remote.

    Each transfer has its own flow.
    """

    def __init__(self, place: FarPlace, shared: Shared, world: World) -> None:
        self.url = place.url
        self.username = place.username
        self._place = place
        self._shared = shared
        self._world = world

    @property
    def spaces(self) -> list[RemoteSpace]:
        return self._place.spaces

    @property
    def space(self) -> RemoteSpace:
        return self._place.space

    async def open(self, workspace: str, *, make: bool = False) -> None:
        """Logs in; with `make`, the folder in the address is made. Raises ProblemError."""
        await self._place.open(workspace, make=make)

    async def use(self, name: str) -> None:
        await self._place.use(name)

    async def listing(self, path: str, after: str, limit: int) -> RemotePage:
        page = await self._place.tree().page(paths.check(path), after, limit)
        problems = [one for one in page.problems if one.code not in NOTICES]
        return RemotePage(
            [_item(entry, self._place.abilities) for entry in page.entries], page.next, problems
        )

    async def stat(self, path: str) -> RemoteItem:
        return _item(await self._entry(path), self._place.abilities)

    async def mkdir(self, path: str) -> None:
        await self._make(path, None)

    async def delete(self, path: str, *, recursive: bool) -> str:
        await self._place.begin_changes()
        return await self._place.tree().delete(paths.check(path), self._run(), recursive=recursive)

    async def trash(self, wanted: TrashFilter, before: int | None, limit: int) -> FarTrashPage:
        return await self._place.trash().page(wanted, before, limit)

    async def restore(self, ids: Sequence[int], inside: str) -> list[Restored | Problem]:
        return await self._place.trash().restore(ids, "", self._run(), inside)

    async def move(self, path: str, to: str) -> None:
        await self._place.begin_changes()
        await self._place.tree().move(paths.check(path), paths.check(to), self._run())

    async def get(self, order: CopyOrder) -> FilesTransfer:
        checked_target(order.local)
        entry = await self._entry(order.remote)
        if order.recursive:
            if entry.kind != FOLDER:
                message = f"{order.remote!r} is not a folder"
                raise _refused(Code.NOT_A_FOLDER, message, "get it without recursive")
            return await self._arriving(order, order.remote, order.local, None)
        if entry.kind == FOLDER:
            raise _refused(
                Code.IS_A_FOLDER, f"{order.remote!r} is a folder", "get it with recursive"
            )
        folder, name = os.path.split(order.local)
        return await self._arriving(order, paths.parent(order.remote), folder, (entry, name))

    async def put(self, order: CopyOrder) -> FilesTransfer:
        await self._place.begin_changes()
        remote = paths.check(order.remote)
        if order.recursive:
            mode = await self._world.offload(folder_to_put, order.local)
            if remote:
                await self._make(remote, mode)
            near = self._guest(order.local)
            await near.open()
            return self._moving(order, self._passage(remote), remote, near, Walk(near))
        folder, name = await self._world.offload(file_to_put, order.local)
        new_name = paths.name(remote)
        near, passage = self._guest(folder, name), self._passage(paths.parent(remote))
        await near.open()
        try:
            entry = _present((await near.stand("", [new_name])).get(new_name), order.local)
            self._refuse_now(order, entry, await self._place.tree().entry(remote))
            return self._moving(order, passage, paths.parent(remote), near, SingleEntry(entry))
        except BaseException:
            await near.close()
            raise

    async def copy(self, order: CopyOrder, source: Remote) -> FilesTransfer:
        self._place.relayed("")
        await self._place.begin_changes()
        remote, at = paths.check(order.remote), paths.check(order.local)
        if order.recursive:
            near = source.relayed(at)
            if remote:
                await self._make(remote, None)
            return self._moving(order, self._passage(remote), remote, near, Walk(near))
        name = paths.name(at)
        if paths.name(remote) != name:
            message = f"a copy of {at!r} on another server keeps its name"
            raise _refused(Code.UNSUPPORTED, message, "rename it there afterwards")
        near = source.relayed(paths.parent(at))
        entry = _present((await near.stand("", [name])).get(name), at)
        if entry.kind == FOLDER:
            raise _refused(Code.IS_A_FOLDER, f"{at!r} is a folder", "copy it with recursive")
        self._refuse_now(order, entry, await self._place.tree().entry(remote))
        folder = paths.parent(remote)
        if folder and await self._place.tree().entry(folder) is None:
            await self._make(folder, None)
        return self._moving(order, self._passage(folder), folder, near, SingleEntry(entry))

    def relayed(self, folder: str) -> RelayedFolder:
        return self._place.relayed(folder)

    def check_speed(self) -> None:
        return None

    async def close(self) -> None:
        await self._place.close()

    # -- within ------------------------------------------------------------------------------------

    async def _arriving(
        self, order: CopyOrder, remote: str, folder: str, alone: tuple[Entry, str] | None
    ) -> FilesTransfer:
        """A get of a whole folder, or of the entry `alone` = (entry, its local name)."""
        near, passage = self._guest(folder, alone[1] if alone else None), self._passage(remote)
        await near.open_for_arrivals(self._shared.roots())
        try:
            if alone is None:
                return self._moving(order, passage, remote, near, Walk(passage.far))
            entry = alone[0]
            self._refuse_now(order, entry, (await near.stand("", [entry.name])).get(entry.name))
            return self._moving(order, passage, remote, near, SingleEntry(entry))
        except BaseException:
            await near.close()
            raise

    def _moving(
        self, order: CopyOrder, passage: Passage, folder: str, near: CopiedFolder, pages: EntryPages
    ) -> FilesTransfer:
        way = Way(order.verb, self.url, self.username, self.space.name)
        shared = self._shared
        return FilesTransfer(
            order, way, passage, folder, near, pages, shared.orders, shared.in_use, self._world
        )

    def _guest(self, folder: str, alone: str | None = None) -> GuestFolder:
        shared = self._shared
        return GuestFolder(
            folder,
            self._world,
            shared.checkpoints,
            shared.space,
            shared.ages,
            shared.guests,
            alone,
        )

    def _passage(self, folder: str) -> Passage:
        make = partial(self._place.visited, folder)
        name, shared = f"session of {self.username}", self._shared
        return Passage(self._world.token(), name, shared.slots, shared.shares, make)

    def _refuse_now(self, order: CopyOrder, entry: Entry, there: Entry | Problem | None) -> None:
        """Refuses at once what can be refused without reading content."""
        server = self._place.abilities
        step, problem = decide(entry.name, entry, there, server, overwrite=order.overwrite)
        at_once = step is CopyStep.REFUSE
        if step is CopyStep.COMPARE and server.time_step is not None:
            at_once = True  # its time says that it is another one
        if at_once and problem is not None:
            raise ProblemError(problem)

    def _run(self) -> str:
        return run_folder(self._world.wall(), self._world.token()[:8])

    async def _entry(self, path: str) -> Entry:
        found = await self._place.tree().entry(paths.check(path))
        if found is None:
            raise unknown(path)
        return found

    async def _make(self, path: str, mode: int | None) -> None:
        await self._place.begin_changes()
        [problem] = await self._place.tree().make([(paths.check(path), mode)], self._run())
        if problem is not None:
            raise ProblemError(problem)


def _item(entry: Entry, server: Abilities) -> RemoteItem:
    """An entry for people: without what the server does not keep."""
    has_time = server.time_step is not None and (entry.kind != FOLDER or entry.mtime_ns != 0)
    mtime = entry.mtime_ns / 1e9 if has_time else None
    mode = entry.mode if entry.mode != BY_UMASK else None
    return RemoteItem(entry.name, KINDS[entry.kind], entry.size, mtime, mode)


def _present(found: Entry | Problem | None, path: str) -> Entry:
    if isinstance(found, Problem):
        raise ProblemError(found)
    if found is None:
        raise _refused(Code.VANISHED, f"{path!r} does not exist")
    return found


def _refused(code: Code, message: str, hint: str = "") -> ProblemError:
    return ProblemError(Problem(code, message, hint=hint, retry=False))
