"""The far tree over any protocol: a folder on somebody else's server."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final

from cargo_sync.lanes.figures import Figures
from cargo_sync.local.ages import AgeStore
from cargo_sync.local.trash import numbered
from cargo_sync.machines.client_fence import JobClient
from cargo_sync.machines.newest_change import NOTHING_SEEN, SeenChange
from cargo_sync.model import paths
from cargo_sync.model.abilities import Abilities, Trashing
from cargo_sync.model.actions import Action, Outcome
from cargo_sync.model.entries import BY_UMASK, Entry
from cargo_sync.model.jobs import Identity, Mode
from cargo_sync.model.known_hashes import KnownHash
from cargo_sync.model.problems import Code, Problem, ProblemError, not_as_delivered
from cargo_sync.model.world import World
from cargo_sync.model.xattrs import Xattrs
from cargo_sync.trees.contract import Brought, Delta, Ends, Observation, Task, Whole
from cargo_sync.trees.remote.contract import RemoteFolder
from cargo_sync.trees.remote.findings import FindingStore
from cargo_sync.trees.remote.looking import RemoteLook
from cargo_sync.trees.remote.reading import ContentHashes
from cargo_sync.trees.remote.steps import RemoteSteps
from cargo_sync.trees.remote.together import is_whole
from cargo_sync.trees.remote.transfer.content import Relays, UploadSource
from cargo_sync.trees.remote.transfer.fetching import DownloadCarrier
from cargo_sync.trees.remote.transfer.files import UNMEASURED, MovingFiles
from cargo_sync.trees.remote.transfer.flow import BatchCarrier, RemoteFlow
from cargo_sync.trees.remote.transfer.limits import TransferLimits
from cargo_sync.trees.remote.transfer.near_end import NearSink, NearSource
from cargo_sync.trees.remote.transfer.pieces import Resumption
from cargo_sync.trees.remote.transfer.sending import UploadCarrier
from cargo_sync.trees.remote.transfer.uploads import UploadStore
from cargo_sync.trees.remote.trash import RemoteTrash
from cargo_sync.trees.remote.upkeep import TWO_WEEKS, RemoteUpkeep, TrashLife

NUMBERS: Final = 100
"""How many numbered names are tried if a name is taken."""


@dataclass(frozen=True, slots=True)
class RemoteUse:
    """What is done with a remote.

    makes     the folder is made if it is not there
    changes   files are replaced, deleted or taken away there
    loses     what is replaced or deleted may be gone for good, where there can be no trash
    life      of the trash; None: what is in it stays
    """

    makes: bool = True
    changes: bool = True
    loses: bool = False
    life: TrashLife | None = TWO_WEEKS


@dataclass(frozen=True, slots=True)
class RemoteMemory:
    """What is remembered about a remote across restarts.

    bound  whether a base was agreed with its folder: then one that is gone is not made again,
           because everything in it would count as deleted
    delivers  whether deletions there are repeated here, and files were agreed on: then an empty
              folder, as of a disk that is not mounted there, is refused
    had       whether something was agreed on in a folder
    findings  what was found out about servers; None: in memory
    """

    uploads: UploadStore
    ages: AgeStore
    bound: Callable[[], bool] = lambda: False
    delivers: Callable[[], bool] = lambda: False
    had: Callable[[str], bool] = lambda _: True
    findings: FindingStore | None = None


class RemoteTree:
    """One remote as the far side of a job.

    turn  entered while content moves, to limit how many jobs of a daemon move it at once
    """

    def __init__(
        self,
        remote: RemoteFolder,
        use: RemoteUse,
        memory: RemoteMemory,
        world: World,
        turn: AbstractAsyncContextManager[Any],
    ) -> None:
        self._remote = remote
        self._use = use
        self._bound = memory.bound
        self._delivers = memory.delivers
        self._world = world
        self._limits = TransferLimits(turn, world.steady)
        self._resumption = Resumption(remote, memory.uploads, world.offload)
        self._trash = RemoteTrash(remote)
        self._steps = RemoteSteps(remote, self._trash)
        self._hashes = ContentHashes(remote, world.offload, self._limits.pace)
        self._look = RemoteLook(remote, world.offload, world.lived, memory.had)
        self._upkeep = RemoteUpkeep(
            remote, self._resumption, memory.ages, use.life, world, lambda: self._look.staged
        )
        self._flows: dict[Mode, RemoteFlow] = {}
        self._resumed: dict[Mode, Mapping[str, int]] = {}
        self._closed = asyncio.Event()

    @property
    def abilities(self) -> Abilities:
        """What the server can do; known when `open` has returned."""
        return replace(self._remote.abilities, remembers=False)

    def lacks(self) -> Sequence[str]:
        """Sentences about what the server cannot do; none before `open` has returned."""
        return self.abilities.sentences() if self._resumption.root else ()

    @property
    def newest(self) -> SeenChange:
        return NOTHING_SEEN

    async def open(
        self,
        cursor: int = 0,
        newest: SeenChange = NOTHING_SEEN,
        client: JobClient | None = None,
    ) -> Identity:
        """Like FarTree.open. A server like this knows no jobs, and has no history of changes."""
        bound = self._use.makes and await self._world.offload(self._bound)
        try:
            root = await self._remote.open(make=self._use.makes and not bound)
        except ProblemError as error:
            if bound and error.problem.code is Code.ROOT_GONE:
                hint = "restore it, or make it anew if it is to be empty"
                raise ProblemError(replace(error.problem, hint=hint)) from error
            raise
        self._resumption.root = root
        if self._use.changes:
            await self._remote.find_out()
            if not self._use.loses:
                self._check_trash()
            await self._upkeep.keep_up()
        return Identity(root, abilities=self.abilities)

    def _check_trash(self) -> None:
        if self._remote.abilities.trashing is Trashing.NONE:
            raise ProblemError(
                Problem(
                    Code.BAD_SETTINGS,
                    "this server can keep nothing of what a job replaces or deletes there",
                    hint='write "trash": "none" into the job file if that may be gone for good, '
                    "or switch on versions at the server",
                    retry=False,
                )
            )

    async def observe(self, cursor: int) -> AsyncIterator[Observation]:
        async for seen in self._look.observe(cursor):
            if _has_empty_top(seen) and await self._world.offload(self._delivers):
                raise ProblemError(
                    Problem(
                        Code.ROOT_REPLACED,
                        "the folder on the server is empty, and was not before; nothing is deleted",
                        hint="is a disk missing there? If it is right, the job goes on as soon as "
                        "something is in the folder",
                    )
                )
            yield seen

    async def wait(self, cursor: int, seconds: float) -> bool:
        """No server says at once that something changed: it returns False after `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self._closed.wait()
        except TimeoutError:
            pass
        return False

    async def hashes(
        self, items: Sequence[tuple[str, Entry]], *, reread: bool = False
    ) -> list[str | Problem]:
        return await self._hashes.of(items, reread=reread)

    async def known_hashes(self, items: Sequence[tuple[str, Entry]]) -> Sequence[KnownHash | None]:
        return await self._remote.hashes(items) if items else []

    async def xattrs(self, items: Sequence[tuple[str, Entry]]) -> list[Xattrs | Problem]:
        return [{} for _ in items]  # such a server keeps none

    async def apply(self, actions: Sequence[Action], run: str) -> list[Outcome]:
        return await self._steps.apply(actions, run)

    def renamed(self, outcomes: Sequence[Outcome]) -> None:
        """The next look lists what a rename has changed."""

    async def retire(
        self, path: str, entry: Entry, content: str, move_to: str, run: str
    ) -> str | Problem:
        [found] = await self._hashes.of([(path, entry)], reread=True)
        if isinstance(found, Problem):
            return found
        if found != content:
            return not_as_delivered(path)
        try:
            if not move_to:
                return await self._trash.away(path, entry, run)
            await self._move_numbered(path, entry, paths.join(move_to, path))
        except ProblemError as error:
            if is_whole(error):
                raise
            return error.problem
        return ""

    async def _move_numbered(self, path: str, entry: Entry, place: str) -> None:
        """Moves a file to a place; if the name is taken, a number is appended."""
        above = paths.parent(place)
        if self._remote.abilities.folders:
            await self._remote.make(above, BY_UMASK)
        names = list(islice(numbered(paths.name(place)), NUMBERS))
        for name in names:
            try:
                await self._remote.move(path, paths.join(above, name), entry)
                return
            except ProblemError as error:
                if error.problem.code is not Code.OCCUPIED or name == names[-1]:
                    raise

    async def close(self) -> None:
        self._closed.set()
        await self._remote.close()

    # -- content -----------------------------------------------------------------------------------

    async def transfer(
        self,
        mode: Mode,
        near: Ends,
        batches: AsyncIterator[Sequence[Task]],
        speed: int | None,
        run: str,
    ) -> AsyncGenerator[Brought, None]:
        if not self._limits.moves:  # else the turn has said what the job may use
            self._limits.set_speed(speed)
        files = MovingFiles(self._limits, self._world.steady)
        flow = RemoteFlow(self._carrier(mode, near, files, run), files, self._limits)
        self._flows[mode] = flow
        try:
            async with aclosing(flow.run(batches)) as results:
                async for result in results:
                    yield result
        finally:
            self._resumed[mode] = files.resumed
            del self._flows[mode]

    def _carrier(self, mode: Mode, near: Ends, files: MovingFiles, run: str) -> BatchCarrier:
        offload = self._world.offload
        if mode is Mode.DOWNLOAD:
            sink = NearSink(near.sink(run), offload, self._world.steady)
            return DownloadCarrier(self._remote, sink, files, self._world)
        source: UploadSource
        if isinstance(near, Relays):
            source = near.relay(offload)
        else:
            source = NearSource(near.source(), offload)
        return UploadCarrier(
            self._remote, self._trash, self._resumption, source, files, self._world, run
        )

    def flow_figures(self) -> Mapping[Mode, Figures]:
        """The figures of the running transfers."""
        return {mode: flow.files.figures() for mode, flow in self._flows.items()}

    def open_tasks(self) -> list[Task]:
        return [task for flow in self._flows.values() for task in flow.open_tasks()]

    def rate(self, mode: Mode) -> int:
        flow = self._flows.get(mode)
        return UNMEASURED if flow is None else flow.files.rate()

    def resumed(self, mode: Mode) -> Mapping[str, int]:
        return self._resumed.get(mode, {})

    async def set_speed(self, bits: int | None) -> int | None:
        self._limits.set_speed(bits)
        return bits if self._flows else None

    def cancel(self, path: str) -> None:
        for flow in self._flows.values():
            flow.files.cancel(path)


def _has_empty_top(seen: Observation) -> bool:
    return not isinstance(seen, Delta) and any(
        isinstance(one, Whole) and not (one.path or one.entries or one.problems) for one in seen
    )
