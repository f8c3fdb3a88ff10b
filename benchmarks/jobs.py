"""What many jobs cost: a real server and a real daemon; half of the jobs upload, half download.

    .venv/bin/python -m benchmarks.jobs --jobs 500 --busy 50

Prints start time, latency of `status` and `job.list`, memory, threads, descriptors and CPU time,
when nothing happens and while some jobs transfer files. All traffic stays on loopback. All files
are in a temporary folder, which is removed.
"""

import argparse
import os
import secrets
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.programs import Programs, until

TICKS = os.sysconf("SC_CLK_TCK")
FILE = 200_000


def programs_of(folder: Path, count: int) -> Programs:
    """A server, and a daemon with `count` jobs; half of them download what the others upload."""
    jobs = {}
    for number in range(count // 2):
        for mode in ("upload", "download"):
            local = folder / mode / f"{number:04d}"
            common = {"sync_mode": mode, "local_dir": str(local), "remote_dir": f"/{number:04d}"}
            jobs[f"{mode} {number:04d}"] = common | {"sleep": 3}
    return Programs(folder, jobs)


class Busy:
    """Writes files into the folders of some upload jobs, again and again."""

    def __init__(self, programs: Programs, jobs: int, every: float) -> None:
        self._folders = [
            programs.folder / "upload" / f"{number:04d}" for number in range(jobs // 2)
        ]
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
    """Run the measurement with the options of the command line."""
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
        _up(Path(folder), given.jobs) as programs,
    ):
        if given.pids:
            print({name: process.pid for name, process in programs.processes.items()}, flush=True)
        print(f"idle: {_resources(programs)}", flush=True)
        print(f"idle CPU over {given.idle:.0f} s: {_cpu(programs, given.idle)}", flush=True)
        _latency(programs, given.calls, "idle")
        with Busy(programs, given.busy, given.every) as busy:
            time.sleep(10)
            print(f"busy: {programs.states()}", flush=True)
            began = time.monotonic()
            before = ticks(programs)
            _latency(programs, given.calls, "busy")
            passed = time.monotonic() - began
            print(f"busy: {_resources(programs)}", flush=True)
            used = {
                name: round((now - before[name]) / TICKS / passed, 2)
                for name, now in ticks(programs).items()
            }
            print(f"busy CPU, cores: {used}", flush=True)
        began = time.monotonic()
        wanted = busy.written
        until(lambda: _arrived(programs) >= wanted, "all files arrive")
        late = time.monotonic() - began
        print(f"{wanted} files up and down; the last {late:.1f} s after it was written")
        print(f"after: {_resources(programs)}; {programs.states()}")
        programs.stop("daemon")
        began = time.monotonic()
        programs.start("daemon")
        until(programs.answers, "the daemon answers again")
        print(f"restarted: commands answered after {time.monotonic() - began:.1f} s")


@contextmanager
def _up(folder: Path, jobs: int) -> Iterator[Programs]:
    programs = programs_of(folder, jobs)
    try:
        programs.start("server")
        until(programs.listens, "the server answers")
        began = time.monotonic()
        programs.start("daemon")
        until(programs.answers, "the daemon answers")
        print(f"{jobs} jobs: commands answered after {time.monotonic() - began:.1f} s", flush=True)
        until(lambda: programs.states().keys() == {"synced"}, "all jobs are synced")
        print(f"all synced after {time.monotonic() - began:.1f} s", flush=True)
        time.sleep(10)
        yield programs
    finally:
        programs.close()
        for name in ("server", "daemon"):
            print(f"--- {name}\n{(folder / f'{name}.log').read_text()[-1500:]}", file=sys.stderr)


def _latency(programs: Programs, calls: int, when: str) -> None:
    for cmd in ("status", "job.list"):
        took = []
        with programs.client() as client:
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


def _resources(programs: Programs) -> str:
    told = []
    for name, process in programs.processes.items():
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


def _cpu(programs: Programs, seconds: float) -> str:
    before = ticks(programs)
    time.sleep(seconds)
    return ", ".join(
        f"{name} {(now - before[name]) / TICKS * 60 / seconds:.1f} s per minute"
        for name, now in ticks(programs).items()
    )


def ticks(programs: Programs) -> dict[str, int]:
    """CPU time of each program, in ticks of the system."""
    return {
        name: sum(
            map(
                int,
                Path(f"/proc/{process.pid}/stat").read_text().rpartition(") ")[2].split()[11:13],
            )
        )
        for name, process in programs.processes.items()
    }


def _arrived(programs: Programs) -> int:
    return sum(len(list(one.glob("*.bin"))) for one in (programs.folder / "download").iterdir())


if __name__ == "__main__":
    main()
