"""Each of our programs alone, with another end that has next to nothing to do."""

import multiprocessing
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from benchmarks.programs import PATIENCE, Programs, running, until
from benchmarks.transfers import trees
from benchmarks.transfers.alone import client
from benchmarks.transfers.alone.client import Folder, Login
from benchmarks.transfers.metering import Ended, FailedCommandError, Run
from benchmarks.transfers.peer import Move
from benchmarks.transfers.peers import catalogue
from benchmarks.transfers.peers.cargo import SERVER, Cargo, RunningCargo
from benchmarks.transfers.workloads import Direction, Kind, Mode, Workload

DAEMON: Final = "daemon"
LONE_SERVER: Final = "server"


class _Lone(Cargo):
    def can(self, workload: Workload, direction: Direction) -> bool:
        return workload.kind is Kind.ALONE

    def version(self) -> str:
        return ""  # that of ours


class LoneDaemon(_Lone):
    """A daemon; its server keeps nothing and reads nothing."""

    def __init__(self, mode: Mode) -> None:
        super().__init__(mode, name=DAEMON)

    @contextmanager
    def serving(self, home: Path, workload: Workload) -> Iterator[RunningCargo]:
        programs = self.programs(home, SERVER, module="benchmarks.transfers.alone.server")
        with running(programs), programs.client() as commands:
            yield _Daemon(programs, commands)


class _Daemon(RunningCargo):
    @contextmanager
    def ready(self, move: Move) -> Iterator[Run]:
        with super().ready(move) as run:
            yield run
        if move.direction is Direction.DOWN:
            trees.check_sizes(move.workload, move.target)


class LoneServer(_Lone):
    """A server; its client keeps nothing and reads nothing."""

    def __init__(self, mode: Mode) -> None:
        super().__init__(mode, name=LONE_SERVER)

    @contextmanager
    def serving(self, home: Path, workload: Workload) -> Iterator["_Server"]:
        programs = self.programs(home, SERVER)
        try:
            programs.start("server")
            until(programs.listens, "the server answers")
            with _client(programs.login()) as (orders, pid):
                yield _Server(programs, orders, [pid])
        finally:
            programs.close()


@contextmanager
def _client(login: dict[str, str]) -> Iterator[tuple[Connection, int]]:
    """A client in a process of its own, until the end: the pipe for its orders, its process id."""
    ours, theirs = multiprocessing.Pipe()
    known = Login(
        login["hostname"], login["username"], login["password"], login.get("tls_fingerprint", "")
    )
    process = multiprocessing.get_context("spawn").Process(
        target=client.serve, args=(theirs, known), daemon=True
    )
    process.start()
    theirs.close()
    assert process.pid is not None
    try:
        yield ours, process.pid
    finally:
        ours.close()
        process.join(PATIENCE)


@dataclass(frozen=True, slots=True)
class _Server:
    """A server that runs, and the client that moves files to and from it."""

    programs: Programs
    orders: Connection
    near: Sequence[int]

    @property
    def far(self) -> Sequence[int]:
        return [self.programs.processes["server"].pid]

    @contextmanager
    def ready(self, move: Move) -> Iterator[Run]:
        folder = move.far.name
        if move.direction is Direction.DOWN:
            catalogue.wait_for(self.programs.login(), folder, move.workload.files)
        self._order(Folder(move.workload, move.direction, folder))
        yield self._run
        if move.direction is Direction.UP:
            trees.check_sizes(move.workload, move.target)

    def _run(self) -> Ended:
        self._order(None)
        return Ended()  # the client lives on: its CPU time is counted with the server's

    def _order(self, order: Folder | None) -> None:
        """Sends an order, and waits until it is carried out.

        Raises:
            FailedCommandError: it is not.
        """
        self.orders.send(order)
        try:
            if not self.orders.poll(PATIENCE):
                raise FailedCommandError(f"the client was not done within {PATIENCE:g} s")
            why = self.orders.recv()
        except EOFError as error:
            raise FailedCommandError("the client has ended") from error
        if why:
            raise FailedCommandError(why)
