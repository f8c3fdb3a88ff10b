"""`tar | nc`: a stream between two machines that trust their network. Nothing is checked."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from subprocess import DEVNULL, Popen
from typing import Final

from benchmarks.programs import free_ports, until
from benchmarks.transfers.metering import Ended, Run, command, waited
from benchmarks.transfers.peer import Move, Need
from benchmarks.transfers.procfs import listens
from benchmarks.transfers.servers import version_of
from benchmarks.transfers.workloads import Direction, Kind, Workload

NC: Final = "nc.openbsd"
"""Other versions have other options."""


class TarNc:
    """GNU tar and OpenBSD's netcat."""

    name = "tar"
    fills = False

    def __init__(self) -> None:
        self.needs = [Need("tar", "tar"), Need(NC, "netcat-openbsd")]

    def version(self) -> str:
        return version_of("tar", "--version")

    def over(self, workload: Workload, direction: Direction) -> str:
        return "nc"

    def can(self, workload: Workload, direction: Direction) -> bool:
        return workload.kind is Kind.FRESH and not workload.on_disk

    @contextmanager
    def serving(self, home: Path, workload: Workload) -> Iterator["_Listening"]:
        yield _Listening()


class _Listening:
    """Both ends live for one run; the far one waits for the near one."""

    far: Sequence[int] = ()
    near: Sequence[int] = ()

    @contextmanager
    def ready(self, move: Move) -> Iterator[Run]:
        port, _ = free_ports()
        sends = f"tar -c -C '{move.source}' . | {NC} -N"
        takes = f"| tar -x -C '{move.target}'"
        up = move.direction is Direction.UP
        far = f"{NC} -l 127.0.0.1 {port} {takes}" if up else f"{sends} -l 127.0.0.1 {port}"
        near = f"{sends} 127.0.0.1 {port}" if up else f"{NC} 127.0.0.1 {port} {takes}"
        server = Popen(["sh", "-c", far], stdin=DEVNULL)

        def run() -> Ended:
            return Ended(command(["sh", "-c", near]).cpu + waited(server))

        try:
            until(lambda: listens(port), "nc listens")
            yield run
        finally:
            server.kill()
            server.wait()
