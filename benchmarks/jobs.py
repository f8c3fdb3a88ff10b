"""What many jobs cost: a real server and a real daemon, half of the jobs upload and the others
download.

    .venv/bin/python benchmarks/jobs.py --jobs 500 --busy 50

Prints start time, latency of `status` and `job.list`, memory, threads, descriptors and CPU time,
when nothing happens and while some jobs are busy with files. All traffic stays on loopback;
everything lies in a temporary folder, which is removed.
"""

import argparse
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from cargo_sync.api.addresses import instance_addresses
from cargo_sync.api.client import Client, CommandError, NotRunning

TICKS = os.sysconf("SC_CLK_TCK")
FILE = 200_000
PATIENCE = 600.0


class House:
    """A server and a daemon with `count` jobs, below one temporary folder."""

    def __init__(self, folder: Path, count: int) -> None:
        self.folder = folder
        self.count = count
        self.runtime = f"/tmp/cargo-bench-{os.getpid()}"
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        api, lanes = _ports()
        (folder / "files").mkdir()
        (folder / "jobs").mkdir()
        _write(folder / "server.json", {
            "listen": f"127.0.0.1:{api}", "plain": True, "initial_port": lanes,
            "state_dir": str(folder / "server"),
            "users": [{"username": "bench", "password": "bench", "path": str(folder / "files")}],
        })  # fmt: skip
        _write(
            folder / "daemon.json",
            {"jobs_dir": str(folder / "jobs"), "state_dir": str(folder / "daemon")},
        )
        for number in range(count // 2):
            for mode in ("upload", "download"):
                local = folder / mode / f"{number:04d}"
                local.mkdir(parents=True)
                _write(folder / "jobs" / f"{mode}-{number:04d}.json", {
                    "sync_name": f"{mode} {number:04d}", "sync_mode": mode, "local_dir": str(local),
                    "remote_dir": f"/{number:04d}", "username": "bench", "password": "bench",
                    "hostname": f"http://127.0.0.1:{api}", "sleep": 3,
                })  # fmt: skip

    def start(self, name: str) -> None:
        with open(self.folder / f"{name}.log", "ab") as log:
            self.processes[name] = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "cargo_sync.main",
                    "--log-level",
                    "warning",
                    name,
                    "--config",
                    str(self.folder / f"{name}.json"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | {"CARGO_RUNTIME_DIR": self.runtime, "HOME": str(self.folder)},
            )

    def stop(self, name: str) -> None:
        self.processes[name].send_signal(signal.SIGTERM)
        self.processes[name].wait(20)

    def client(self) -> Client:
        return Client(instance_addresses(self.runtime, "daemon").commands)

    def states(self) -> dict[str, int]:
        with self.client() as client:
            return {state: count for state, count in client.call("status")["jobs"].items() if count}

    def close(self) -> None:
        for name in reversed(self.processes):
            self.stop(name)
        shutil.rmtree(self.runtime, ignore_errors=True)


class Busy:
    """Writes a file into each of some upload jobs' folders, again and again; their download jobs
    follow."""

    def __init__(self, house: House, jobs: int, every: float) -> None:
        self._folders = [house.folder / "upload" / f"{number:04d}" for number in range(jobs // 2)]
        self._every = every
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.written = 0

    def __enter__(self) -> "Busy":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        content = secrets.token_bytes(FILE)
        while not self._stop.wait(self._every):
            for folder in self._folders:
                (folder / f"{self.written:08d}.bin").write_bytes(content)
                self.written += 1


def main() -> None:
    parsing = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parsing.add_argument("--jobs", type=int, default=500)
    parsing.add_argument("--busy", type=int, default=50)
    parsing.add_argument(
        "--every", type=float, default=1.0, help="seconds between two files of a busy job"
    )
    parsing.add_argument("--calls", type=int, default=2_000)
    parsing.add_argument(
        "--idle", type=float, default=60.0, help="seconds over which idle CPU is measured"
    )
    parsing.add_argument("--pids", action="store_true", help="print the processes, for a profiler")
    given = parsing.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="cargo-bench-") as folder,
        _up(Path(folder), given.jobs) as house,
    ):
        if given.pids:
            print({name: process.pid for name, process in house.processes.items()}, flush=True)
        print(f"idle: {_resources(house)}", flush=True)
        print(f"idle CPU over {given.idle:.0f} s: {_cpu(house, given.idle)}", flush=True)
        _latency(house, given.calls, "idle")
        with Busy(house, given.busy, given.every) as busy:
            time.sleep(10)
            print(f"busy: {house.states()}", flush=True)
            began = time.monotonic()
            before = _ticks(house)
            _latency(house, given.calls, "busy")
            passed = time.monotonic() - began
            print(f"busy: {_resources(house)}", flush=True)
            used = {
                name: round((now - before[name]) / TICKS / passed, 2)
                for name, now in _ticks(house).items()
            }
            print(f"busy CPU, cores: {used}", flush=True)
        began = time.monotonic()
        wanted = busy.written
        _until(lambda: _arrived(house) >= wanted, "all files arrive")
        print(
            f"{wanted} files up and down; the last {time.monotonic() - began:.1f} s after it was written"
        )
        print(f"after: {_resources(house)}; {house.states()}")
        house.stop("daemon")
        began = time.monotonic()
        house.start("daemon")
        _until(lambda: _answers(house), "the daemon answers again")
        print(f"started again: commands answered after {time.monotonic() - began:.1f} s")


@contextmanager
def _up(folder: Path, jobs: int) -> Iterator[House]:
    house = House(folder, jobs)
    try:
        house.start("server")
        time.sleep(2)
        began = time.monotonic()
        house.start("daemon")
        _until(lambda: _answers(house), "the daemon answers")
        print(f"{jobs} jobs: commands answered after {time.monotonic() - began:.1f} s", flush=True)
        _until(lambda: house.states().keys() == {"synced"}, "all jobs are synced")
        print(f"all synced after {time.monotonic() - began:.1f} s", flush=True)
        time.sleep(10)
        yield house
    finally:
        house.close()
        for name in ("server", "daemon"):
            print(f"--- {name}\n{(folder / f'{name}.log').read_text()[-1500:]}", file=sys.stderr)


def _latency(house: House, calls: int, when: str) -> None:
    for cmd in ("status", "job.list"):
        took = []
        with house.client() as client:
            for _ in range(calls):
                began = time.perf_counter()
                client.call(cmd)
                took.append(1000 * (time.perf_counter() - began))
        took.sort()
        p50, p99 = took[len(took) // 2], took[len(took) * 99 // 100]
        print(
            f"{when}: {cmd:9} p50 {p50:.2f} ms  p99 {p99:.2f} ms  worst {took[-1]:.1f} ms",
            flush=True,
        )


def _resources(house: House) -> str:
    told = []
    for name, process in house.processes.items():
        status = dict(
            line.split(":\t", 1)
            for line in Path(f"/proc/{process.pid}/status").read_text().splitlines()
        )
        memory = int(status["VmRSS"].split()[0]) / 1000
        fds = len(os.listdir(f"/proc/{process.pid}/fd"))
        told.append(
            f"{name} {memory:.0f} MB, {status['Threads'].strip()} threads, {fds} descriptors"
        )
    return "; ".join(told)


def _cpu(house: House, seconds: float) -> str:
    before = _ticks(house)
    time.sleep(seconds)
    return ", ".join(
        f"{name} {(now - before[name]) / TICKS * 60 / seconds:.1f} s a minute"
        for name, now in _ticks(house).items()
    )


def _ticks(house: House) -> dict[str, int]:
    return {
        name: sum(
            map(
                int,
                Path(f"/proc/{process.pid}/stat").read_text().rpartition(") ")[2].split()[11:13],
            )
        )
        for name, process in house.processes.items()
    }


def _arrived(house: House) -> int:
    return sum(len(list(one.glob("*.bin"))) for one in (house.folder / "download").iterdir())


def _answers(house: House) -> bool:
    with suppress(NotRunning, CommandError):
        house.states()
        return True
    return False


def _until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            raise SystemExit(f"waited in vain: {what}")
        time.sleep(0.1)


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content))
    path.chmod(0o600)


def _ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


if __name__ == "__main__":
    main()
