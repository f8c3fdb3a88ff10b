"""Workspaces whose contents lie in buckets: the spool, the store, and what goes on there.

Nothing of it is open in a server that has no such workspace.
"""

import asyncio
import os
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Final

from cargo_sync.config.bucket import BucketSettings
from cargo_sync.config.server import WorkspaceSettings
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.world import World
from cargo_sync.process.loop_thread import LoopThread
from cargo_sync.process.offload import ThreadOffload, threads
from cargo_sync.process.tasks import lasting
from cargo_sync.server.workspace.content.tree import ContentState
from cargo_sync.server.workspace.opened import SharedParts, StoredParts
from cargo_sync.server.workspace.storage.spool import keep_clean, open_spool, pause
from cargo_sync.state.database import Database
from cargo_sync.state.manifests import Manifests
from cargo_sync.state.object_contents import ObjectContents
from cargo_sync.state.object_uploads import ObjectUploads
from cargo_sync.state.objects import Objects
from cargo_sync.stores.claims import Claims
from cargo_sync.stores.objects.buckets import BucketReport, StoreBucket
from cargo_sync.stores.objects.coming import LEAVING
from cargo_sync.stores.objects.handover import OtherServers
from cargo_sync.stores.objects.ports import BucketCalls
from cargo_sync.stores.objects.reclaiming import ReclaimPart
from cargo_sync.stores.objects.store import ObjectStore

SPOOL: Final = "bucket-spool"
"""Its folder in `state_dir`."""

_LOOK: Final = 0.05

ConnectBucket = Callable[[BucketSettings, World], BucketCalls]
"""Makes the calls to a bucket. Nothing is asked yet."""


class ObjectStorage:
    """The store of a server's workspaces in buckets, from when it is needed.

    store  None before
    """

    def __init__(
        self,
        state_dir: str,
        database: Database,
        world: World,
        shared: SharedParts,
        connect: ConnectBucket,
        servers: OtherServers | None = None,
    ) -> None:
        """`servers` are those that share the state, if there are others."""
        self._servers = servers
        self._state_dir = state_dir
        self._database = database
        # Readers in the server's threads wait for the store: its calls need threads of its own.
        self._threads = ExitStack()
        pool = self._threads.enter_context(threads("buckets"))
        self._world = replace(world, offload=ThreadOffload(pool))
        self._shared = shared
        self._connect = connect
        self._thread: LoopThread | None = None
        self._asked: dict[str, BucketSettings] = {}
        """How buckets are asked, by their addresses."""
        self._workspaces: dict[str, int] = {}
        """Those in buckets, by their roots."""
        self._end: Callable[[], None] = lambda: None
        self.store: ObjectStore | None = None

    async def open(self, workspaces: Iterable[WorkspaceSettings]) -> StoredParts | None:
        """Opens the spool, if one of these workspaces needs it and it is not open yet.

        Returns:
            What workspaces in buckets need, if it was opened now.

        Raises:
            ProblemError: the spool cannot be opened.
        """
        if self.store is not None or all(one.bucket is None for one in workspaces):
            return None
        claims, database, world = Claims(), self._database, self._world
        path = os.path.join(self._state_dir, SPOOL)
        spool = await world.offload(open_spool, path, claims, self._shared, world)
        contents = ObjectContents(database, world.lived)
        tables = Objects(database, world.token()), contents, ObjectUploads(database)
        thread = self._thread = LoopThread("buckets")
        make = partial(ObjectStore, spool, claims, tables, world, pause, servers=self._servers)
        self.store = await thread.call(make)
        manifests = partial(Manifests, database)
        shared = self._shared
        rows = ContentState(shared.catalogue, shared.ledger, manifests, contents, database)
        self._end = thread.start(self._run(self.store))
        return StoredParts(self.store, rows, contents)

    def serve(
        self, workspaces: Iterable[WorkspaceSettings], id_at: Callable[[str], int | None]
    ) -> None:
        """Keeps the contents of these in their buckets from now on, asked as their settings say.

        `id_at` gives the id of an open workspace.
        """
        if self.store is None:
            return
        for one in workspaces:
            id = id_at(one.path)
            if one.bucket is not None and id is not None:
                address = str(one.bucket.address)
                bucket = self.store.buckets.at(address)
                if bucket is None:
                    self.store.add(StoreBucket(address, self._connect(one.bucket, self._world)))
                elif self._asked[address] != one.bucket:
                    bucket.calls.ask_by(self._connect(one.bucket, self._world))
                self._asked[address] = one.bucket
                self._workspaces[one.path] = id
                self.store.buckets.assign(id, address)

    @property
    def is_asked(self) -> bool:
        """Whether each bucket has answered since the start, or was found not to."""
        return self.store is None or all(bucket.is_asked for bucket in self.store.buckets)

    def report(self) -> list[BucketReport]:
        """How the buckets are."""
        return [] if self.store is None else self.store.report()

    async def reclaim(self, root: str, after: str, *, delete: bool) -> ReclaimPart:
        """Looks for what the bucket of a workspace has and the state has never known.

        Args:
            root: of the workspace.
            after: a key; what comes behind it is looked at.
            delete: what is found.

        Raises:
            ProblemError: see `stores.objects.reclaiming`; or the workspace is not open.
        """
        workspace = self._workspaces.get(root)
        if workspace is None or self.store is None or self._thread is None:
            message = "this workspace is not open"
            raise ProblemError(Problem(Code.NOT_OPEN, message, hint="try again later"))
        return await self._thread.result(self.store.reclaim(workspace, after, delete=delete))

    async def rest(self) -> None:
        """Ends the work. What is not secured yet is sent again by its client.

        Of large files what is here goes on first: another server may go on with them.
        """
        steady = self._world.steady
        until = steady() + LEAVING
        while self.store is not None and self.store.is_leaving and steady() < until:
            await pause(_LOOK)
        await self._world.offload(self._end)

    def close(self) -> None:
        """Closes the spool; nobody may use it any more. Work that still goes on ends first."""
        self._end()
        if self._thread is not None:
            self._thread.close()
        if self.store is not None:
            self.store.spool.blobs.close()
        self._threads.close()

    async def _run(self, store: ObjectStore) -> None:
        try:
            await lasting(partial(self._work, store), "buckets")
        finally:
            for bucket in store.buckets:
                await bucket.calls.aclose()

    async def _work(self, store: ObjectStore) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(lasting(store.run, "buckets"))
            clean = partial(keep_clean, store.spool, self._shared.ages, self._world.offload)
            tasks.create_task(lasting(clean, "clean-up of the spool"))
