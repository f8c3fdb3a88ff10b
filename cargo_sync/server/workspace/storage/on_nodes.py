"""Workspaces whose contents lie on storage nodes: the spool, the store, and what goes on there.

Nothing of it is open in a server that has neither such a workspace nor a node.
"""

import asyncio
import os
import secrets
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Final

from cargo_sync.config.server import ServerSettings, WorkspaceSettings
from cargo_sync.config.stored import COPIES
from cargo_sync.machines.nodes.states import PATIENCE
from cargo_sync.model.world import World
from cargo_sync.process.metrics import Family
from cargo_sync.process.offload import ThreadOffload, threads
from cargo_sync.process.tasks import lasting
from cargo_sync.server.workspace.content.tree import ContentState
from cargo_sync.server.workspace.opened import SharedParts, StoredParts
from cargo_sync.server.workspace.storage.spool import keep_clean, open_spool, pause
from cargo_sync.state.blob_owners import BlobOwners
from cargo_sync.state.blobs import Blobs
from cargo_sync.state.database import Database
from cargo_sync.state.manifests import Manifests
from cargo_sync.state.nodes import NodeRows
from cargo_sync.state.recovery import RecoveryRows
from cargo_sync.stores.claims import Claims
from cargo_sync.stores.nodes.fleet import Dial
from cargo_sync.stores.nodes.store import NodeSettings, NodeStore
from cargo_sync.stores.nodes.survey import StoreReport
from cargo_sync.stores.snapshots.keeping import Snapshots
from cargo_sync.stores.snapshots.making import ServerPlaces, SnapshotMaker
from cargo_sync.stores.spool import BlobSpool

SPOOL: Final = "spool"
"""Its folder in `state_dir`."""
Dialer = Callable[[BlobSpool, World], Dial]
"""Gives what makes clients of nodes, which bring contents into the spool and out of it."""


class NodeStorage:
    """The store of a server's workspaces on nodes, from when it is needed.

    store      None before
    snapshots  of the state, on the nodes; None before
    """

    def __init__(
        self,
        settings: ServerSettings,
        database: Database,
        world: World,
        shared: SharedParts,
        dialer: Dialer,
        keys: str,
    ) -> None:
        """`keys` is the folder of the keys of the control sockets."""
        self._places = ServerPlaces(settings.file, settings.state_dir, keys)
        self._settings = settings
        self._database = database
        # Readers in the server's threads wait for the store: its calls need threads of its own.
        self._threads = ExitStack()
        pool = self._threads.enter_context(threads("nodes"))
        self._world = replace(world, offload=ThreadOffload(pool))
        self._dialer = dialer
        self._shared = shared
        self._rows = NodeRows(database)
        self._copies: Mapping[int, int] = {}
        self._work: asyncio.Task[None] | None = None
        self._recovery = RecoveryRows(database)
        self.store: NodeStore | None = None
        self.snapshots: Snapshots | None = None

    async def open(self, workspaces: Iterable[WorkspaceSettings]) -> StoredParts | None:
        """Opens the spool, if one of these workspaces or a node needs it and it is not open yet.

        Returns:
            What workspaces on nodes need, if it was opened now.

        Raises:
            ProblemError: the spool cannot be opened, or the state not be read.
        """
        database, world, settings = self._database, self._world, self._settings.nodes
        if self.store is not None:
            return None
        if all(one.copies is None for one in workspaces) and not await world.offload(
            self._rows.all
        ):
            return None
        claims = Claims()
        path = os.path.join(self._settings.state_dir, SPOOL)
        spool = await world.offload(open_spool, path, claims, self._shared, world)
        blobs = Blobs(database)
        recovery = await world.offload(self._recovery.get)
        since = None if recovery is None else recovery.since
        self.store = NodeStore(
            spool,
            claims,
            (blobs, self._rows),
            self._dialer(spool, world),
            world,
            NodeSettings(
                self._wanted,
                PATIENCE._replace(gone=settings.grace),
                settings.repair_speed,
                lambda: since is None or world.lived() >= since + settings.keep_unknown,
                settings.keep_unknown,
            ),
            pause,
        )
        maker = SnapshotMaker(self._places, world.wall, secrets.token_bytes)
        self.snapshots = Snapshots(self._recovery, maker, self.store, world, settings.snapshot)
        manifests = partial(Manifests, database)
        shared = self._shared
        rows = ContentState(shared.catalogue, shared.ledger, manifests, blobs, database)
        return StoredParts(self.store, rows, BlobOwners(database))

    def serve(
        self,
        workspaces: Iterable[WorkspaceSettings],
        id_at: Callable[[str], int | None],
        tasks: asyncio.TaskGroup,
    ) -> None:
        """Keeps so many copies of these from now on. `id_at` gives the id of an open workspace.

        A workspace that is not served any more keeps what it wanted, so that nothing of it is
        deleted only because it is not in the file for a while.
        """
        if self.store is None:
            return
        found = {id_at(one.path): one.copies for one in workspaces if one.copies is not None}
        wanted = {id: copies for id, copies in found.items() if id is not None}
        self._copies = {**self._copies, **wanted}
        if self._work is None:
            assert self.snapshots is not None, "it is opened with the store"
            run = partial(self._run, self.store, self.snapshots)
            self._work = tasks.create_task(lasting(run, "storage nodes and their spool"))

    async def read_nodes(self) -> None:
        """A node has joined, or joined again."""
        if self.store is not None:
            await self.store.read_nodes()

    @property
    def is_asked(self) -> bool:
        """Whether each node has answered since the start, or was found not to."""
        return self.store is None or self.store.fleet.is_asked

    def report(self) -> StoreReport | None:
        """How the nodes are; None while there is no store on nodes."""
        return None if self.store is None else self.store.report()

    async def recovery_key(self, sealing: bytes, verifier: bytes) -> None:
        """A person has a new recovery key, from which these are derived. Raises ProblemError."""
        if self.snapshots is not None:
            await self.snapshots.set_key(sealing, verifier)
        else:
            await self._world.offload(self._recovery.set_key, sealing, verifier)

    async def has_recovery_key(self) -> bool:
        """Whether a person has a recovery key. Raises ProblemError."""
        return await self._world.offload(self._recovery.get) is not None

    def warnings(self) -> list[str]:
        """What a person should do."""
        return [] if self.snapshots is None else self.snapshots.warnings()

    def families(self) -> Iterable[Family]:
        """The metrics of snapshots."""
        return () if self.snapshots is None else self.snapshots.families()

    async def rest(self) -> None:
        """Ends the work. What is not secured yet waits for the next start."""
        if self.snapshots is not None and self._work is not None:
            await self.snapshots.last()
        if self._work is not None:
            self._work.cancel()
            await asyncio.gather(self._work, return_exceptions=True)

    def close(self) -> None:
        """Closes the spool; nobody may use it any more."""
        if self.store is not None:
            self.store.spool.blobs.close()
        self._threads.close()

    async def _run(self, store: NodeStore, snapshots: Snapshots) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(lasting(snapshots.run, "snapshots of the state"))
            tasks.create_task(lasting(store.run, "storage nodes"))
            clean = partial(keep_clean, store.spool, self._shared.ages, self._world.offload)
            tasks.create_task(lasting(clean, "clean-up of the spool"))

    def _wanted(self, workspace: int) -> int:
        return self._copies.get(workspace, COPIES)
