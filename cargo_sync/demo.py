"""`cargo_sync demo`: a real server and a real daemon transfer files to the server and back.

All output is measured and compared, never assumed: every file of the last folder is compared with
the first by its hash; the time is from the first look to the last arrival.
"""

import contextlib
import json
import os
import secrets
import shlex
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Final, NamedTuple

import click
from blake3 import blake3

from cargo_sync.api import topics
from cargo_sync.api.addresses import DAEMON, AddressError, Addresses, instance_addresses, is_live
from cargo_sync.api.client import NotRunning, subscribe
from cargo_sync.api.messages import FeedMessage
from cargo_sync.config.job_shape import DEFAULT_EXCLUDE
from cargo_sync.plan.filters import Filters

SMALL, MEDIUM = 3000, 100
MIB: Final = 2**20
UP, DOWN = "demo up", "demo down"
START: Final = 60.0
STILL: Final = 60.0
"""Seconds without any progress after which the demo has failed."""
HOPELESS: Final = 10.0
"""Seconds in the state error after which the demo has failed."""
END: Final = 6.0
TAIL: Final = 30
OLD: Final = 3600


class DemoError(Exception):
    """The demo failed; the text says why."""


def run_demo(source: str | None, keep: bool, files: int | None) -> int:
    """Runs the demo.

    Args:
        source: a folder to transfer, which is only read; without it a tree is made.
        keep: leave everything running until Ctrl-C.
        files: number of small files to make.

    Returns:
        The exit code: 0 when every file was verified, 1 when not, 130 after Ctrl-C, 2 for bad
        input.
    """
    if source is not None and not os.path.isdir(source):
        click.echo(f"there is no folder {source}", err=True)
        return 2
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    place = tempfile.mkdtemp(prefix="cargo-demo-")
    try:
        return _in(place, source and os.path.abspath(source), keep, files)
    except (DemoError, AddressError, NotRunning) as error:
        click.echo(f"demo: {error}", err=True)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _in(place: str, source: str | None, keep: bool, files: int | None) -> int:
    if source is None:
        source = os.path.join(place, "first")
        click.echo(f"making a tree of files in {source}")
        make_tree(source, files)
    home = Home.make(place, source)
    wanted = look(source)
    size = sum(one.size for one in wanted.values())
    count = sum(one.kind == "file" for one in wanted.values())
    click.echo(f"{count:,} files, {_size(size)}: {source} -> the server -> {home.last}")
    with contextlib.ExitStack() as running:
        server = running.enter_context(Process("server", home))
        _await(server, home.listens)
        daemon = running.enter_context(Process("daemon", home))
        running.callback(
            signal.signal, signal.SIGINT, signal.SIG_IGN
        )  # Ctrl-C does not interrupt the cleanup
        _await(daemon, lambda: is_live(home.addresses.feed))
        seconds = _watch(home, daemon, wanted)
        _compare(wanted, look(home.last), source, home.last)
        click.echo(
            "measured: all bytes once, from the first look to the last arrival, up and down again"
        )
        click.echo(f"demo: {count} files, {size} bytes, {size / seconds / 1e6:.1f} MB/s, verified")
        if keep:
            _keep(home)
    return 0


# -- the folder of the demo ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Home:
    """The demo's settings, state, sockets and folders, all in one temporary folder."""

    place: str
    source: str
    api: int
    addresses: Addresses

    @classmethod
    def make(cls, place: str, source: str) -> "Home":
        api, lanes = _free_ports()
        home = cls(place, source, api, instance_addresses(os.path.join(place, "run"), DAEMON))
        password = secrets.token_urlsafe(16)
        os.mkdir(home.path("jobs"))
        os.mkdir(home.path("files"))
        home.write(
            "server.json",
            {
                "listen": f"127.0.0.1:{api}",
                "plain": True,
                "initial_port": lanes,
                "state_dir": home.path("server"),
                "users": [{"username": "demo", "password": password, "path": home.path("files")}],
            },
        )
        home.write("daemon.json", {"jobs_dir": home.path("jobs"), "state_dir": home.path("daemon")})
        for name, mode, folder in ((UP, "upload", source), (DOWN, "download", home.last)):
            home.write(
                f"jobs/{mode}.json",
                {
                    "sync_name": name,
                    "sync_mode": mode,
                    "local_dir": folder,
                    "remote_dir": "/demo",
                    "hostname": f"http://127.0.0.1:{api}",
                    "username": "demo",
                    "password": password,
                    "sleep": 1,
                    "settle": 0.5,
                },
            )
        return home

    @property
    def last(self) -> str:
        return self.path("last")

    def path(self, name: str) -> str:
        return os.path.join(self.place, name)

    def write(self, name: str, content: Mapping[str, object]) -> None:
        with open(
            os.open(self.path(name), os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8"
        ) as file:
            json.dump(content, file, indent=4)

    def listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.api)) == 0

    def environment(self) -> dict[str, str]:
        return os.environ | {"CARGO_RUNTIME_DIR": self.path("run")}


def _free_ports() -> tuple[int, int]:
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as other,
    ):
        return one.getsockname()[1], other.getsockname()[1]


class Process:
    """One of our programs: started by its command, ended by its id; on failure its log is shown."""

    def __init__(self, name: str, home: Home) -> None:
        self.name = name
        self._log_path = home.path(f"{name}.log")
        with open(self._log_path, "wb") as log:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "cargo_sync.main",
                    name,
                    "--config",
                    home.path(f"{name}.json"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=home.environment(),
                start_new_session=True,
            )

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and not issubclass(kind, KeyboardInterrupt):
            self.show_log()
        self._process.terminate()
        try:
            self._process.wait(END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def check(self) -> None:
        """Checks that it still runs.

        Raises:
            DemoError: it has ended.
        """
        code = self._process.poll()
        if code is not None:
            raise DemoError(f"the {self.name} ended with exit code {code}")

    def show_log(self) -> None:
        with open(self._log_path, encoding="utf-8", errors="backslashreplace") as log:
            lines = log.readlines()[-TAIL:]
        click.echo(f"--- the last lines of the {self.name}'s log ---", err=True)
        click.echo("".join(lines), err=True, nl=False)


def _await(program: Process, answers: Callable[[], bool]) -> None:
    until = time.monotonic() + START
    while not answers():
        program.check()
        if time.monotonic() > until:
            raise DemoError(f"the {program.name} does not answer after {START:.0f} s")
        time.sleep(0.02)


# -- progress --------------------------------------------------------------------------------------


@dataclass(slots=True)
class DemoJob:
    """What the feed has reported about one job.

    files, bytes   that arrived, from committed batches
    under_way      bytes, from the progress of running transfers
    failing        since when it fails, steady seconds; None while it does not
    """

    state: str = ""
    detail: str = ""
    files: int = 0
    bytes: int = 0
    under_way: int = 0
    failing: float | None = None

    @property
    def arrived(self) -> int:
        """Bytes that have arrived."""
        return max(self.bytes, self.under_way)

    def take(self, message: FeedMessage, now: float) -> None:
        """Takes in one message about the job."""
        told = message.fields
        if message.type == "status":
            self.state, self.detail = told["state"], told["detail"]
            since = now if self.failing is None else self.failing
            self.failing = since if self.state == "error" else None
        elif message.type == "progress":
            self.under_way = told["bytes_done"]
        elif told["kind"] in ("uploaded", "downloaded"):
            self.files += told["count"]
            self.bytes += told["bytes"]


JobsByName = dict[str, DemoJob]


def _watch(home: Home, daemon: Process, wanted: Mapping[str, "DemoEntry"]) -> float:
    """Shows progress from the feed until all files have arrived; returns the seconds it took."""
    jobs: JobsByName = {UP: DemoJob(), DOWN: DemoJob()}
    began = moved = time.monotonic()
    with (
        _screen(wanted) as show,
        subscribe(home.addresses, (topics.JOBS, topics.NOTICES)) as feed,
    ):
        while True:
            daemon.check()
            message = feed.receive(0.1)
            now = time.monotonic()
            if message is not None:
                moved = now
                jobs.setdefault(topics.name_of(message.topic), DemoJob()).take(message, now)
                show(jobs)
            if all(job.state == "synced" for job in jobs.values()) and arrived(wanted, home.last):
                return moved - began
            if now - moved > STILL or any(
                job.failing is not None and now - job.failing > HOPELESS for job in jobs.values()
            ):
                standing = (f"{name} is {job.state}: {job.detail}" for name, job in jobs.items())
                raise DemoError("; ".join(standing))


@contextlib.contextmanager
def _screen(wanted: Mapping[str, "DemoEntry"]) -> Iterator[Callable[[JobsByName], None]]:
    """Shows jobs: on a terminal one bar per job, else at most one line per job and second."""
    total = max(1, sum(one.size for one in wanted.values()))
    if not sys.stdout.isatty():
        said: dict[str, tuple[int, float]] = {}

        def lines(jobs: JobsByName) -> None:
            now = time.monotonic()
            for name, job in jobs.items():
                percent = min(100, 100 * job.arrived // total)
                before, at = said.get(name, (0, 0.0))
                if percent > before and (percent == 100 or now - at >= 1):
                    said[name] = (percent, now)
                    line = f"{name:<9} {percent:3d}%  {job.files:,} files, {_size(job.arrived)}"
                    click.echo(line)

        yield lines
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description:<10}"),
        BarColumn(),
        DownloadColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns) as bars:
        tasks = {name: bars.add_task(name, total=total) for name in (UP, DOWN)}

        def drawn(jobs: JobsByName) -> None:
            for name, task in tasks.items():
                bars.update(task, completed=jobs[name].arrived)

        yield drawn
        for task in tasks.values():
            bars.update(task, completed=total)


# -- comparison ------------------------------------------------------------------------------------


class DemoEntry(NamedTuple):
    """One entry of a tree; kind is file, folder or link."""

    kind: str
    size: int = 0
    mtime_ns: int = 0
    mode: int = 0
    target: str = ""


def look(root: str) -> dict[str, DemoEntry]:
    """The entries of the tree at `root` that a job transfers, by path."""
    filters = Filters((), DEFAULT_EXCLUDE)
    found: dict[str, DemoEntry] = {}
    pending = [""]
    while pending:
        folder = pending.pop()
        for entry in os.scandir(os.path.join(root, folder)):
            path = os.path.join(folder, entry.name)
            status = entry.stat(follow_symlinks=False)
            is_folder = stat.S_ISDIR(status.st_mode)
            if filters.excluded(path, is_folder):
                continue
            if is_folder:
                pending.append(path)
                found[path] = DemoEntry("folder")
            elif stat.S_ISLNK(status.st_mode):
                found[path] = DemoEntry("link", target=os.readlink(entry.path))
            elif stat.S_ISREG(status.st_mode):
                mode = stat.S_IMODE(status.st_mode) & 0o777
                found[path] = DemoEntry("file", status.st_size, status.st_mtime_ns, mode)
    return found


def arrived(wanted: Mapping[str, DemoEntry], root: str) -> bool:
    """Whether every path is there; the contents are compared later."""
    return os.path.isdir(root) and len(look(root)) >= len(wanted)


def _compare(
    wanted: Mapping[str, DemoEntry], found: Mapping[str, DemoEntry], first: str, last: str
) -> None:
    click.echo("comparing every file with the first folder")
    wrong = [f"{path!r} did not arrive" for path in wanted.keys() - found.keys()]
    wrong += [
        f"{path!r} is there, but not in the first folder" for path in found.keys() - wanted.keys()
    ]
    for path in wanted.keys() & found.keys():
        if wanted[path] != found[path]:
            wrong.append(f"{path!r} differs: {wanted[path]} became {found[path]}")
        elif wanted[path].kind == "file" and _hash(first, path) != _hash(last, path):
            wrong.append(f"{path!r} has different content")
    if wrong:
        raise DemoError(f"{len(wrong)} differences, such as {'; '.join(sorted(wrong)[:5])}")


def _hash(root: str, path: str) -> str:
    return blake3().update_mmap(os.path.join(root, path)).hexdigest()


# -- the made-up files -----------------------------------------------------------------------------


def make_tree(root: str, files: int | None) -> None:
    """Makes 3,000 small files, 100 of 1 MiB, one of 256 MiB, and special names and kinds.

    With `files` it makes about that many, none of them large.
    """
    small = SMALL if files is None else max(1, files - 5)
    sizes = [
        (f"many/{number // 100:02d}/{number % 100 // 20}/{number:04d}.txt", 200 + number * 7 % 4000)
        for number in range(small)
    ]
    if files is None:
        sizes += [(f"medium/{number:03d}.bin", MIB) for number in range(MEDIUM)]
        sizes.append(("large.bin", 256 * MIB))
    sizes += [
        ("names/with spaces.txt", 10),
        ("names/señor müller.txt", 11),
        ("names/📦 cargo.txt", 12),
    ]
    sizes += [("names/-leading dash", 13), ("empty file", 0)]
    chunk = os.urandom(MIB)
    made = time.time() - OLD
    for number, (path, size) in enumerate(sizes):
        whole = os.path.join(root, path)
        os.makedirs(os.path.dirname(whole), exist_ok=True)
        with open(whole, "wb") as file:
            _fill(file, size, number, chunk)
        os.chmod(whole, 0o600 if number % 10 == 0 else 0o644)
        os.utime(whole, (made + number, made + number))
    os.mkdir(os.path.join(root, "empty folder"))
    os.symlink("names/with spaces.txt", os.path.join(root, "a link"))


def _fill(file: IO[bytes], size: int, number: int, chunk: bytes) -> None:
    """Writes `size` bytes that no other file has: each MiB begins with the file's number."""
    head = number.to_bytes(4, "big")
    for start in range(0, size, MIB):
        piece = head + start.to_bytes(8, "big") + chunk[12:]
        file.write(piece[: min(MIB, size - start)])


def _keep(home: Home) -> None:
    click.echo(what_to_try(home))
    with contextlib.suppress(KeyboardInterrupt):
        signal.pause()
    click.echo("stopping, and deleting what was made")


def what_to_try(home: Home) -> str:
    """Commands for another terminal, which run as they are printed.

    `cargo_ctl` is named by its path: the other terminal may not have it on its PATH.
    """
    control = shlex.quote(os.path.join(os.path.dirname(sys.executable), "cargo_ctl"))
    return f"""
Everything keeps running until Ctrl-C. In another terminal:

    export CARGO_CONTROL={shlex.quote(home.addresses.folder)}
    {control} status
    {control} watch
    {control} job show {shlex.quote(UP)}
    cp FILE {shlex.quote(home.source)}       # and see it arrive in {home.last}
    {control} job pause {shlex.quote(DOWN)}
    {control} feed --topic notice/

The server's copy is in {home.path("files")}/demo.
The logs are server.log and daemon.log in {home.place}."""


def _size(count: float) -> str:
    return f"{count / 1e6:,.1f} MB"
