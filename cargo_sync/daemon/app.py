"""Runs a daemon until it is stopped."""

import asyncio
import logging
import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from itertools import count

from cargo_sync.api.addresses import Addresses, keys_dir, runtime_dir
from cargo_sync.config.control import ControlSettings
from cargo_sync.config.daemon import DaemonSettings
from cargo_sync.control.endpoint import Endpoint
from cargo_sync.control.identity import this_process
from cargo_sync.daemon.daemon import Daemon
from cargo_sync.daemon.jobs.loading import JobFiles
from cargo_sync.daemon.one_run import RunOnce
from cargo_sync.machines.client_fence import ClientProcess
from cargo_sync.machines.suspects import UncleanStop
from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.process.descriptors import more_descriptors
from cargo_sync.process.offload import threads
from cargo_sync.process.service import Service
from cargo_sync.process.stopping import Stop
from cargo_sync.process.system import place, system_clocks, system_world
from cargo_sync.state.clock import RetentionClock
from cargo_sync.state.database import Database
from cargo_sync.state.displaced import all_incomplete
from cargo_sync.state.jobs import JobRows
from cargo_sync.state.sqlite.database import SqliteDatabase
from cargo_sync.state.suspects import suspect_all

_log = logging.getLogger(__name__)


async def run(
    settings: DaemonSettings,
    files: JobFiles,
    *,
    instance: str,
    env: Mapping[str, str],
    ready: Callable[[Sequence[Addresses]], None],
    service: Service | None = None,
    private: bool = False,
    control: ControlSettings | None = None,
    with_parent: bool = False,
    once: RunOnce | None = None,
) -> None:
    """Runs a daemon until SIGTERM, SIGINT or the command `shutdown`; SIGHUP reads the files again.

    Args:
        settings: the daemon's.
        files: its job files.
        instance: the name of its sockets.
        env: environment variables, for files that are read again.
        ready: called when commands are answered, with all addresses where they are.
        service: the process that this runs in.
        private: its state is one of several below `state_dir`; implies `with_parent`.
        control: where commands are answered, in place of the settings.
        with_parent: the daemon ends with the process that started it: when its standard input ends.
            SIGINT and SIGHUP are that process's concern.
        once: its only job runs once, and then the daemon ends; it is no instance for others.

    Raises:
        EndpointError, AddressError: the sockets cannot be opened.
        ProblemError: the state cannot be opened.
    """
    more_descriptors()
    stop = Stop()
    epoch = secrets.token_hex(16)
    control = control or settings.control
    sockets = Endpoint(
        control.runtime_dir or runtime_dir(env),
        instance,
        epoch=epoch,
        now=time.time,
        control=control,
        keys=keys_dir(env, instance),
    )
    with (
        _opened(sockets, temporary=private or once is not None) as endpoint,
        _state(settings.state_dir, private=private) as database,
        RetentionClock(database, system_clocks(), partial(_unclean, database)) as clock,
        threads() as pool,
    ):
        world = system_world(pool, clock)
        JobRows(database).begin_start()
        process = ClientProcess(world.token(), place(database.path))
        service = service or Service()
        daemon = Daemon(
            settings, files, database, endpoint, world, env, stop, service, process,
            () if once is None else (once,),
        )  # fmt: skip
        if private or with_parent:
            stop.with_parent()
        else:
            stop.on_signals(daemon.reload)
        me = this_process(epoch, instance, world.steady())

        def begun(places: Sequence[Addresses]) -> None:
            ready(places)
            if once is not None:
                once.begin()

        tasks = {asyncio.create_task(daemon.serve(me, clock, begun))}
        tasks.add(asyncio.create_task(stop.wait()))
        if once is not None:
            tasks.add(asyncio.create_task(once.run(daemon, world.steady)))
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        service.notifier.stopping()
        stop.at_last()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        for task in tasks:
            if not task.cancelled() and (error := task.exception()) is not None:
                raise error
    stop.rested()
    _log.info("ended")


def _state(folder: str, *, private: bool) -> Database:
    """Opens the daemon's state. Raises ProblemError.

    A private daemon takes the first state that no other process uses, so that a get that was cut
    continues there.
    """
    if not private:
        return SqliteDatabase.open(os.path.join(folder, "state.db"), "daemon")
    for number in count():
        try:
            return SqliteDatabase.open(os.path.join(folder, str(number), "state.db"), "daemon")
        except ProblemError as error:
            if error.problem.code != Code.STATE_IN_USE:
                raise
    raise AssertionError("numbers never end")


def _unclean(database: Database, stop: UncleanStop) -> None:
    """Notes what is to be checked after an unclean stop. Raises ProblemError."""
    suspect_all(database, stop)
    all_incomplete(database, "daemon")


@contextmanager
def _opened(sockets: Endpoint, *, temporary: bool) -> Iterator[Endpoint]:
    """Opens the sockets. If they are `temporary`, nothing of their folder stays."""
    is_ours = False
    try:
        with sockets as endpoint:
            is_ours = True
            yield endpoint
    finally:
        if temporary and is_ours:
            _remove_folder(sockets.addresses.folder)


def _remove_folder(folder: str) -> None:
    """Removes the folder of the sockets of an instance that will not run again."""
    with suppress(OSError):
        os.unlink(os.path.join(folder, "lock"))
        os.rmdir(folder)
