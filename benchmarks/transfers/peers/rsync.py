"""rsync with its daemon: no encryption, and nothing is synced to the disk."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.programs import free_ports
from benchmarks.transfers.peer import FILES, LOOPBACK, Commands, Move, Need
from benchmarks.transfers.servers import started, version_of
from benchmarks.transfers.workloads import Direction, Kind, Workload


class Rsync:
    """`rsync -a` to and from `rsync --daemon`; `rsync -an` where nothing has changed."""

    name = "rsync"
    fills = False

    def __init__(self) -> None:
        self.needs = [Need("rsync", "rsync")]

    def version(self) -> str:
        return version_of("rsync", "--version")

    def over(self, workload: Workload, direction: Direction) -> str:
        return "rsync://"

    def can(self, workload: Workload, direction: Direction) -> bool:
        return workload.kind in (Kind.FRESH, Kind.SETTLED, Kind.CHANGED)

    @contextmanager
    def serving(self, home: Path, workload: Workload) -> Iterator[Commands]:
        port, _ = free_ports()
        words = server(home, LOOPBACK, port)
        with started(words, port, home / "rsync.log") as pid:
            yield Commands([pid], lambda move: client(move, LOOPBACK, port))


def server(home: Path, host: str, port: int) -> Sequence[str]:
    """The command of the daemon, with its settings written."""
    settings = home / "rsyncd.conf"
    settings.write_text(
        f"address = {host}\nport = {port}\nuse chroot = no\npid file = {home}/rsyncd.pid\n"
        f"lock file = {home}/rsyncd.lock\nlog file = {home}/rsyncd.log\n"
        f"uid = {home.stat().st_uid}\ngid = {home.stat().st_gid}\n"
        f"[{FILES}]\npath = {home}/{FILES}\nread only = no\n"
    )
    return ["rsync", "--daemon", "--no-detach", f"--config={settings}"]


def client(move: Move, host: str, port: int) -> Sequence[str]:
    """The command of a run."""
    far = f"rsync://{host}:{port}/{FILES}/{move.far.name}/"
    near = f"{move.near}/"
    option = "-an" if move.workload.kind is Kind.SETTLED else "-a"
    return ["rsync", option, *((near, far) if move.direction is Direction.UP else (far, near))]
