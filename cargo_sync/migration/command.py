"""The command in a process: its file, its log, its exit code."""

import os
from typing import TYPE_CHECKING

from cargo_sync.config.errors import ConfigError
from cargo_sync.config.places import server_file
from cargo_sync.config.process_shape import LogSettings
from cargo_sync.migration.ending import WorkEnd
from cargo_sync.migration.giving_up import GivingUp
from cargo_sync.migration.leaving import LeftRemoval
from cargo_sync.migration.place import MoveOrder, MoveTask
from cargo_sync.migration.run import Migration, run
from cargo_sync.migration.screen import Screen
from cargo_sync.migration.stores import StoreAccess
from cargo_sync.migration.to_database import move_state
from cargo_sync.running import refuse, run_application
from cargo_sync.server.app import node_links
from cargo_sync.stores.objects.s3_bucket import connect

if TYPE_CHECKING:
    from cargo_sync.process.service import Service


def migrate_state(file: str, address: str) -> int:
    """Moves the state of a server into PostgreSQL; returns the exit code.

    Args:
        file: the server's file; "" for the usual one.
        address: of an empty database.
    """
    env, code = os.environ, 1

    async def application(_service: "Service") -> None:
        nonlocal code
        code = move_state(file or server_file(env), address, Screen(), env)

    try:
        run_application(application, LogSettings(), "cargo-migrate")
    except ConfigError as error:
        refuse([str(problem) for problem in error.problems])
    return code


def migrate_workspace(order: MoveOrder, task: MoveTask) -> int:
    """Moves a workspace, or gives its move up, or removes what it has left behind.

    Args:
        order: what is asked; its `file` may be "", for the usual one.
        task: which of these.

    Returns:
        The exit code.
    """
    env, code = os.environ, 1
    folder = os.path.abspath(order.folder) if order.folder else ""
    bucket = os.path.abspath(order.bucket) if order.bucket else ""
    order = order._replace(file=order.file or server_file(env), folder=folder, bucket=bucket)

    async def application(_service: "Service") -> None:
        nonlocal code
        screen, end = Screen(), WorkEnd()
        match task:
            case MoveTask.MOVE:
                reach = StoreAccess(node_links, connect, env)
                work = Migration(screen, reach, end).move(order)
            case MoveTask.GIVE_UP:
                work = GivingUp(screen, env, end)(order)
            case MoveTask.REMOVE:
                work = LeftRemoval(screen, env, end)(order)
        code = await run(work, end)

    try:
        run_application(application, LogSettings(), "cargo-migrate")
    except ConfigError as error:
        refuse([str(problem) for problem in error.problems])
    return code
