"""A job with somebody else's server, beside rclone at its defaults, on the same server.

    .venv/bin/python -m benchmarks.remotes --servers rclone-s3,swift,openssh --big 1024 --files 5000

For each server one file of `--big` MiB, then `--files` files of 4 KiB go there and back: by a job
of a daemon that runs, from `job.add` until it is synced, and by `rclone copy`, from start to
end; the order changes with each round. What came back is compared with what went. Printed are the
medians in seconds, and rclone's time divided by ours.

Then the daemon, and rclone, are killed (kill -9) as soon as half of the big file went over the
line, and started again: a proxy on loopback counts what is sent twice. The servers are those of
tests/remotes; one that cannot be had is left out. All files are in a temporary folder, which is
removed.
"""

import argparse
import hashlib
import os
import shutil
import signal
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest

from benchmarks.programs import Programs, until
from tests.crash.proxy import HOST as COUNTED
from tests.crash.proxy import Proxy
from tests.e2e.test_remotes import fields_of
from tests.remotes.installed import of_python
from tests.remotes.remotes import Remotes
from tests.remotes.running import Running

MIB: Final = 2**20
SMALL: Final = 4096
IN_FOLDER: Final = 500
DIRECTIONS: Final = ("up", "down")


def main() -> None:
    """Run the measurement with the options of the command line."""
    parsing = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parsing.add_argument("--servers", default="rclone-s3,swift,openssh")
    parsing.add_argument("--big", type=int, default=1024, help="MiB of the big file")
    parsing.add_argument("--files", type=int, default=5_000, help="files of 4 KiB")
    parsing.add_argument("--rounds", type=int, default=3)
    parsing.add_argument("--no-kill", action="store_true", help="without the kills")
    given = parsing.parse_args()
    for name in given.servers.split(","):
        with tempfile.TemporaryDirectory(prefix="cargo-bench-") as folder:
            _measure(Path(folder), name, given)


def _measure(folder: Path, name: str, given: argparse.Namespace) -> None:
    remotes = Remotes(folder)
    try:
        server = remotes.get(name)
    except pytest.skip.Exception as missing:
        print(missing, flush=True)
        return
    try:
        trees = {"big": folder / "trees/big", "small": folder / "trees/small"}
        make_tree(trees["big"], 1, given.big * MIB)
        make_tree(trees["small"], given.files, SMALL)
        for kind, tree in trees.items():
            for line in _compared(folder, server, tree, given.rounds):
                print(f"{server.name} {server.version}, {kind}: {line}", flush=True)
        if not given.no_kill:
            for line in _killed(folder, server, trees["big"]):
                print(f"{server.name} {server.version}, kill -9: {line}", flush=True)
    finally:
        remotes.close()


def make_tree(folder: Path, files: int, size: int) -> None:
    """Files of chance, some hundred in each folder."""
    for number in range(files):
        below = folder / f"{number // IN_FOLDER:03d}"
        below.mkdir(parents=True, exist_ok=True)
        with open(below / f"{number:06d}", "wb") as file:
            for start in range(0, size, MIB):
                file.write(os.urandom(min(MIB, size - start)))


def contents_of(folder: Path) -> Mapping[str, str]:
    """SHA-256 of each file by its path, without our own folder."""
    found = {}
    for path in folder.rglob("*"):
        below = path.relative_to(folder)
        if path.is_file() and below.parts[0] != ".cargo_sync":
            with open(path, "rb") as file:
                found[str(below)] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


# -- who moves files -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Far:
    """A place on a server: its address, and how a job and rclone reach it."""

    url: str
    fields: Mapping[str, Any]
    environment: Mapping[str, str]

    @classmethod
    def new(cls, server: Running, host: str = "127.0.0.1") -> "Far":
        """A place of which nobody else knows, reached at `host`."""
        url = server.place().url.replace("127.0.0.1", host)
        fields = {key: value for key, value in fields_of(url, server.login).items() if value}
        return cls(url, fields, rclone_environment(url, server))

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 0

    @property
    def below(self) -> str:
        """The place as rclone names it."""
        path = urlsplit(self.url).path
        return f"far:{path.removeprefix('/') if self.url.startswith('s3') else path}"


def rclone_environment(url: str, server: Running) -> dict[str, str]:
    """The settings of the remote `far`; secrets are in no list of arguments."""
    parts, login = urlsplit(url), server.login
    if url.startswith("s3"):
        settings = {
            "TYPE": "s3",
            "PROVIDER": "Rclone" if server.name.startswith("rclone") else "Other",
            "ACCESS_KEY_ID": login.user,
            "SECRET_ACCESS_KEY": login.password,
            "ENDPOINT": f"http://{parts.netloc}",
        }
    else:
        settings = {
            "TYPE": "sftp",
            "HOST": parts.hostname or "",
            "PORT": str(parts.port),
            "USER": login.user,
        }
        if login.key_file is not None:
            settings["KEY_FILE"] = str(login.key_file)
        else:
            settings["PASS"] = _obscured(login.password)
    named = {f"RCLONE_CONFIG_FAR_{key}": value for key, value in settings.items()}
    return {**named, "RCLONE_CONFIG": os.devnull}


def _obscured(password: str) -> str:
    """A password as rclone's settings have it."""
    command = [of_python("rclone"), "obscure", "-"]
    asked = subprocess.run(command, input=password, check=True, capture_output=True, text=True)
    return asked.stdout.strip()


@contextmanager
def rclone(here: Path, far: Far, direction: str) -> Iterator[subprocess.Popen[bytes]]:
    """A running `rclone copy`."""
    ways = {"up": (str(here), far.below), "down": (far.below, str(here))}
    command = [of_python("rclone"), "copy", *ways[direction]]
    with subprocess.Popen(command, env=os.environ | dict(far.environment)) as program:
        yield program


@contextmanager
def daemon(folder: Path) -> Iterator[Programs]:
    """A running daemon without jobs."""
    folder.mkdir()
    programs = Programs(folder, {})
    try:
        start(programs)
        yield programs
    finally:
        programs.close()


def start(programs: Programs) -> None:
    """Starts the daemon, and waits until it answers."""
    programs.start("daemon")
    until(programs.answers, "the daemon answers")


def add_job(programs: Programs, here: Path, far: Far, direction: str) -> None:
    """Gives the daemon a job, which runs at once."""
    fields = {"sync_name": direction, "sync_mode": f"{direction}load", "local_dir": str(here)}
    with programs.client() as client:
        client.call("job.add", {"fields": {**far.fields, **fields, "settle": 0}})


def until_synced(programs: Programs) -> None:
    """Waits for the one job."""
    until(lambda: programs.states() == {"synced": 1}, "the job is synced", every=0.02)


# -- beside each other -----------------------------------------------------------------------------


def _compared(folder: Path, server: Running, tree: Path, rounds: int) -> list[str]:
    took: dict[tuple[str, str], list[float]] = {}
    wanted = contents_of(tree)
    for number in range(rounds):
        for who in ("cargo", "rclone") if number % 2 else ("rclone", "cargo"):
            far, back = Far.new(server), folder / "back"
            for direction, here in zip(DIRECTIONS, (tree, back), strict=True):
                here.mkdir(exist_ok=True)
                seconds = _once(folder, who, here, far, direction)
                took.setdefault((who, direction), []).append(seconds)
            if contents_of(back) != wanted:
                raise SystemExit(f"{who}: what came back from {server.name} is not what went there")
            shutil.rmtree(back)
            shutil.rmtree(tree / ".cargo_sync", ignore_errors=True)
    lines = []
    for direction in DIRECTIONS:
        ours, theirs = (statistics.median(took[who, direction]) for who in ("cargo", "rclone"))
        lines.append(
            f"{direction} {ours:.2f} s, rclone {theirs:.2f} s: rclone / ours {theirs / ours:.2f}"
        )
    return lines


def _once(folder: Path, who: str, here: Path, far: Far, direction: str) -> float:
    if who == "rclone":
        began = time.monotonic()
        with rclone(here, far, direction) as program:
            if program.wait():
                raise SystemExit(f"rclone ended with {program.returncode}")
        return time.monotonic() - began
    with daemon(folder / "cargo") as programs:
        began = time.monotonic()
        add_job(programs, here, far, direction)
        until_synced(programs)
        seconds = time.monotonic() - began
    shutil.rmtree(folder / "cargo")
    return seconds


# -- killed in the middle --------------------------------------------------------------------------


def _killed(folder: Path, server: Running, tree: Path) -> list[str]:
    size = sum(path.stat().st_size for path in tree.rglob("*") if path.is_file())
    lines, far = [], Far.new(server, COUNTED)
    proxy = Proxy(far.port)  # one for both: its port is not free at once
    try:
        for who in ("cargo", "rclone"):
            before, far = proxy.sent, Far.new(server, COUNTED)
            count = before + size // 2
            if who == "cargo":
                _kill_cargo(folder / "cargo", proxy, tree, far, count)
            else:
                _kill_rclone(proxy, tree, far, count)
            more = (proxy.sent - before - size) / MIB
            lines.append(f"{who} sent {more:.1f} MiB more than the file's {size // MIB} MiB")
            shutil.rmtree(tree / ".cargo_sync", ignore_errors=True)
    finally:
        proxy.close()
    return lines


def _kill_cargo(folder: Path, proxy: Proxy, tree: Path, far: Far, count: int) -> None:
    with daemon(folder) as programs:
        add_job(programs, tree, far, "up")
        until(lambda: proxy.sent >= count, "half of it is sent", every=0.001)
        program = programs.processes["daemon"]
        program.send_signal(signal.SIGKILL)
        program.wait()
        start(programs)
        until_synced(programs)
    shutil.rmtree(folder)


def _kill_rclone(proxy: Proxy, tree: Path, far: Far, count: int) -> None:
    with rclone(tree, far, "up") as program:
        until(lambda: proxy.sent >= count, "half of it is sent", every=0.001)
        program.kill()
    with rclone(tree, far, "up") as program:
        if program.wait():
            raise SystemExit(f"rclone ended with {program.returncode}")


if __name__ == "__main__":
    main()
