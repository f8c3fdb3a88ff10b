"""Runs a storage node: from settings to running ports, until it is stopped."""

import asyncio
import logging
import os
import secrets
from collections.abc import Callable
from contextlib import ExitStack, closing
from functools import partial
from typing import Final

from cargo_sync.config.node import StorageNodeSettings
from cargo_sync.machines.suspects import UncleanStop
from cargo_sync.model.world import Offload
from cargo_sync.node.node import Node, NodeUp, open_folder
from cargo_sync.process.alongside import alongside
from cargo_sync.process.descriptors import more_descriptors
from cargo_sync.process.offload import threads
from cargo_sync.process.service import Service
from cargo_sync.process.stopping import Stop
from cargo_sync.process.system import system_clocks, system_world
from cargo_sync.process.tasks import contained, lasting
from cargo_sync.state.clock import RetentionClock
from cargo_sync.state.node_orders import NodeOrders
from cargo_sync.state.sqlite.database import SqliteDatabase

STATE: Final = "state.db"

_log = logging.getLogger(__name__)


def announce(up: NodeUp) -> None:
    """Prints the addresses on the terminal."""
    print(f"the node is up: {up.api}, lanes {up.lanes}", flush=True)
    print(f"certificate fingerprint: {up.fingerprint}", flush=True)


async def run(
    settings: StorageNodeSettings,
    *,
    ready: Callable[[NodeUp], None] = announce,
    service: Service | None = None,
) -> None:
    """Runs a node until SIGTERM or SIGINT.

    Args:
        settings: of the node.
        ready: called once requests are answered.
        service: the process that this runs in.

    Raises:
        ProblemError: the state, the folder, a port or the certificate cannot be used.
    """
    service = service or Service()
    stop = Stop()
    stop.on_signals(_nothing_to_read)
    more_descriptors()
    with ExitStack() as last:
        last.callback(stop.rested)
        database = last.enter_context(
            closing(SqliteDatabase.open(os.path.join(settings.state_dir, STATE), "node"))
        )
        clock = last.enter_context(RetentionClock(database, system_clocks(), _unclean))
        blobs = last.enter_context(
            closing(open_folder(settings, database, clock, secrets.token_hex(16)))
        )
        world = system_world(last.enter_context(threads()), clock)
        node = Node(settings, blobs, NodeOrders(database), world)
        beside = (settings.process, service, database.path, [node.measured], node.doors)
        async with asyncio.TaskGroup() as tasks:
            up = await node.start()
            serving = [
                tasks.create_task(lasting(work, what))
                for work, what in (
                    (partial(alongside, *beside), "the watchdog and the metrics"),
                    (node.scrubbing.run, "the scrub"),
                    (node.watch_certificate, "looking at the certificate"),
                    (partial(_keep_time, clock, world.offload), "storing the retention clock"),
                )
            ]
            serving.append(tasks.create_task(contained(node.count(), "counting what is kept")))
            ready(up)
            service.notifier.ready(node.words())
            await stop.wait()
            service.notifier.stopping()
            stop.at_last()
            for task in serving:
                task.cancel()
            await node.rest()
    _log.info("ended")


async def _keep_time(clock: RetentionClock, offload: Offload) -> None:
    """Stores the retention clock once a minute."""
    await clock.run(offload, _beside, _jumped)


def _beside(_reading: float) -> None:
    """Nothing else is stored with it."""


async def _jumped(_message: str) -> None:
    """The log has it."""


def _unclean(_stopped: UncleanStop) -> None:
    """Contents are whole or not there, whatever has ended the last process."""


def _nothing_to_read() -> None:
    _log.info("a node reads its file only when it starts: restart it to apply changes")
