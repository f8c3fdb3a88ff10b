"""The store to which a workspace moves, or from which it comes: it works while it is open."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import NamedTuple

from cargo_sync.api.addresses import SERVER, keys_dir
from cargo_sync.config.server import ServerSettings, WorkspaceSettings
from cargo_sync.migration.parts import MovingState
from cargo_sync.model.problems import ProblemError
from cargo_sync.server.workspace.storage.in_buckets import ConnectBucket, ObjectStorage
from cargo_sync.server.workspace.storage.on_nodes import Dialer, NodeStorage
from cargo_sync.stores.contract import ContentStore


class StoreAccess(NamedTuple):
    """How stores are reached.

    dialer   makes clients of nodes
    connect  makes the calls to a bucket
    env      the environment, which says where keys are
    """

    dialer: Dialer
    connect: ConnectBucket
    env: Mapping[str, str]


class StoreWork(NamedTuple):
    """The settings for which a store is opened, and the workspace in it: its id, its settings."""

    settings: ServerSettings
    id: int
    space: WorkspaceSettings


@asynccontextmanager
async def open_store(
    server: MovingState, work: StoreWork, reach: StoreAccess, ending: Callable[[], None]
) -> AsyncIterator[ContentStore]:
    """The store of a workspace, which works meanwhile; `ending` is called when it is to end.

    Raises:
        ProblemError: it cannot be opened.
    """
    failed: ProblemError | None = None
    async with asyncio.TaskGroup() as tasks:
        store, storage = await _opened(server, work, reach, tasks)
        try:
            yield store
        except ProblemError as error:
            failed = error  # the group would wrap it
        finally:
            ending()
            await storage.rest()
            storage.close()
    if failed is not None:
        raise failed


async def _opened(
    server: MovingState, work: StoreWork, reach: StoreAccess, tasks: asyncio.TaskGroup
) -> tuple[ContentStore, NodeStorage | ObjectStorage]:
    database, world, space = server.database, server.world, work.space
    if space.bucket is not None:
        # The server may run, and has a spool of its own.
        os.makedirs(server.own_folder, mode=0o700, exist_ok=True)
        in_bucket = ObjectStorage(server.own_folder, database, world, server.shared, reach.connect)
        await in_bucket.open([space])
        in_bucket.serve([space], lambda root: work.id)
        assert in_bucket.store is not None, "the workspace is in a bucket"
        return in_bucket.store, in_bucket
    keys = keys_dir(reach.env, SERVER)
    on_nodes = NodeStorage(work.settings, database, world, server.shared, reach.dialer, keys)
    workspaces = work.settings.workspaces
    await on_nodes.open(workspaces)
    ids = {**server.moves.roots(), space.path: work.id}
    on_nodes.serve(workspaces, ids.get, tasks)
    assert on_nodes.store is not None, "the workspace is on nodes"
    return on_nodes.store, on_nodes
