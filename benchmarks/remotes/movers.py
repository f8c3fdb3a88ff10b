"""Who moves files: a daemon with a job, or `rclone copy`."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from benchmarks.programs import Programs, until
from benchmarks.remotes.far import Far
from tests.remotes.installed import of_python

LATE: Final = float("inf")
PATIENCE: Final = 120.0
"""Seconds after which an rclone is ended that is not done."""
MODES: Final = {"up": "upload", "down": "download", "both": "bidirectional"}


@contextmanager
def daemon(folder: Path) -> Iterator[Programs]:
    """A running daemon without jobs; `folder` is removed at the end."""
    folder.mkdir()
    programs = Programs(folder, {})
    try:
        start(programs)
        yield programs
    finally:
        programs.close()
        shutil.rmtree(folder)


def start(programs: Programs) -> None:
    """Starts the daemon, and waits until it answers."""
    programs.start("daemon")
    until(programs.answers, "the daemon answers", every=0.02)


def kill(programs: Programs) -> None:
    """Ends the daemon with kill -9."""
    program = programs.processes["daemon"]
    program.send_signal(signal.SIGKILL)
    program.wait()
    shutil.rmtree(programs.runtime)  # who asks at its old socket would wait


def call(programs: Programs, cmd: str, **args: Any) -> dict[str, Any]:
    """A command's answer."""
    with programs.client() as client:
        return client.call(cmd, args)


def add_job(programs: Programs, here: Path, far: Far, way: str) -> None:
    """Gives the daemon a job named `way`, which runs at once."""
    fields = {"sync_name": way, "sync_mode": MODES[way], "local_dir": str(here), "settle": 0}
    call(programs, "job.add", fields={**far.fields, **fields})


def until_synced(programs: Programs) -> None:
    """Waits for the one job."""
    told = ""

    def holds() -> bool:
        nonlocal told
        rows = client.call("job.list")["jobs"]
        why = "; ".join(f"{row['state']}: {row['detail']}" for row in rows if row["detail"])
        if why and why != told:
            print(f"  (the job is {why})", flush=True)
        told = why or told
        return [row["state"] for row in rows] == ["synced"]

    # Each question takes time of both cores from what is measured, and a new client even more.
    with programs.client() as client:
        until(holds, "the job is synced", every=0.05)


def cargo_once(folder: Path, here: Path, far: Far, way: str) -> float:
    """Seconds of a job of a new daemon, from `job.add` until it is synced."""
    with daemon(folder) as programs:
        began = time.monotonic()
        add_job(programs, here, far, way)
        until_synced(programs)
        return time.monotonic() - began


def rclone_once(here: Path, far: Far, way: str, patience: float | None = None) -> float:
    """Seconds of `rclone copy`, from its start to its end; LATE if it was ended before it was done.

    Args:
        here: the folder on this side.
        far: the place on the other side.
        way: "up" or "down".
        patience: after so many seconds it is ended; None: never.
    """
    began = time.monotonic()
    with rclone(here, far, way) as program:
        try:
            if program.wait(patience):
                raise SystemExit(f"rclone ended with {program.returncode}")
        except subprocess.TimeoutExpired:
            program.kill()
            return LATE
    return time.monotonic() - began


@contextmanager
def rclone(here: Path, far: Far, way: str) -> Iterator[subprocess.Popen[bytes]]:
    """A running `rclone copy`. Our own folder is not looked at."""
    ways = {"up": (str(here), far.below), "down": (far.below, str(here))}
    command = [of_python("rclone"), "copy", *ways[way], "--exclude", "/.cargo_sync/**"]
    with subprocess.Popen(command, env=os.environ | dict(far.environment)) as program:
        yield program


def rclone_says(far: Far, *arguments: str, put: bytes | None = None) -> bytes:
    """What another command of rclone writes."""
    done = subprocess.run(
        [of_python("rclone"), *arguments],
        env=os.environ | dict(far.environment),
        input=put,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"rclone {arguments[0]}: {done.stderr.decode(errors='replace')}")
    return done.stdout
