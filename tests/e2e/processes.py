"""Real programs for these tests: started by their commands, watched by sockets and folders, ended
by pid.

Every wait is bounded, and one that fails shows the programs' logs.
"""

import contextlib
import json
import os
import secrets
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from cargo_sync.api.addresses import instance_addresses
from cargo_sync.api.client import Client, CommandError, NotRunning, Subscription, subscribe
from tests.e2e.beginning import Process, begin, called, finished
from tests.ports import free_port

PATIENCE = 60.0
USER, PASSWORD = "ana", "canary-9b1e"


class Place:
    """A server, a daemon and their folders below one temporary folder."""

    def __init__(self, folder: Path) -> None:
        # Sockets' paths are short, whatever the test's folder is called.
        self.runtime = Path(f"/tmp/cargo-e2e-{os.getpid()}-{secrets.token_hex(3)}")
        self.folder = folder
        self.files = folder / "files"
        self.jobs = folder / "jobs"
        self.api, self.lanes = free_port(), free_port()
        self.is_forked = True
        """If not, programs are really started, and the system lists their own arguments."""
        self._running: dict[str, Process] = {}
        self.files.mkdir()
        self.jobs.mkdir()
        self.write("server.json", {
            "listen": f"127.0.0.1:{self.api}", "plain": True, "initial_port": self.lanes,
            "state_dir": str(folder / "server"), "settle": 0.1,
            "users": [{"username": USER, "password": PASSWORD, "path": str(self.files)}],
        })  # fmt: skip
        self.write("daemon.json", {"jobs_dir": str(self.jobs), "state_dir": str(folder / "daemon")})

    # -- settings ----------------------------------------------------------------------------------

    def write(self, name: str, content: dict[str, Any]) -> str:
        path = self.folder / name
        path.write_text(json.dumps(content))
        path.chmod(0o600)
        return str(path)

    def job(self, name: str, mode: str = "upload", **changes: Any) -> Path:
        """A job file, and the job's local folder. A field that is None is left out."""
        local = self.folder / name
        if mode == "upload":
            local.mkdir(exist_ok=True)
        fields = {
            "sync_name": name, "sync_mode": mode, "local_dir": str(local), "username": USER,
            "password": PASSWORD, "hostname": f"http://127.0.0.1:{self.api}", "sleep": 0.5,
            "settle": 0,
        } | changes  # fmt: skip
        given = {field: value for field, value in fields.items() if value is not None}
        self.write(f"jobs/{name}.json", given)
        return local

    def edit(self, job: str, **changes: Any) -> None:
        """Changes a job file, and has it read again."""
        content = json.loads((self.jobs / f"{job}.json").read_text())
        self.write(f"jobs/{job}.json", content | changes)
        self.call("job.reload", job=job)

    # -- programs ----------------------------------------------------------------------------------

    def start(self, name: str) -> None:
        """Starts the `server` or the `daemon`, and waits until it answers."""
        self.begin(name, name, "--config", str(self.folder / f"{name}.json"))
        self.until(self._listens if name == "server" else self._answers, f"the {name} answers")

    def begin(self, name: str, *arguments: str) -> int:
        """Starts `cargo_sync` with these arguments, under a name of the test's; its process id."""
        with open(self.folder / f"{name}.log", "ab") as log:
            self._running[name] = begin(
                [*self.command(name), *arguments],
                self.environment(),
                log.fileno(),
                is_forked=self.is_forked,
            )
        return self._running[name].pid

    def command(self, name: str) -> list[str]:
        """How `begin` starts a program."""
        return [sys.executable, "-m", "cargo_sync.main"]

    def has_ended(self, name: str) -> bool:
        return self._running[name].poll() is not None

    def kill(self, name: str) -> None:
        """kill -9."""
        process = self._running.pop(name)
        process.kill()
        process.wait()

    def stop(self, name: str, number: int = signal.SIGTERM) -> int:
        process = self._running.pop(name)
        process.send_signal(number)
        try:
            return process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            self.fail(f"the {name} does not end")

    def ended(self, name: str) -> int:
        """Waits for a program that was told to end; its exit code."""
        return self._running.pop(name).wait(PATIENCE)

    def close(self) -> None:
        for process in self._running.values():
            process.kill()
            process.wait()
        with contextlib.suppress(OSError):
            for folder in list(self.runtime.iterdir()):
                for path in folder.iterdir() if folder.is_dir() else ():
                    path.unlink()
                with contextlib.suppress(FileNotFoundError):
                    folder.rmdir()
            self.runtime.rmdir()

    def run(self, program: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """One of our programs (cargo_sync, cargo_ctl), to its end."""
        command = [sys.executable, "-c", called(f"{program}.main"), *arguments]
        return finished(command, self.environment(), PATIENCE)

    def environment(self) -> dict[str, str]:
        return os.environ | {
            "CARGO_RUNTIME_DIR": str(self.runtime), "HOME": str(self.folder),
            "XDG_CONFIG_HOME": str(self.folder / ".config"),
        }  # fmt: skip

    # -- what they say -----------------------------------------------------------------------------

    @property
    def commands(self) -> str:
        return instance_addresses(str(self.runtime), "daemon").commands

    def client(self) -> Client:
        """Of the daemon."""
        return Client(self.commands)

    def pid(self, name: str) -> int:
        """The process id of a program that runs."""
        return self._running[name].pid

    def call(self, cmd: str, **args: Any) -> dict[str, Any]:
        with Client(self.commands) as client:
            return client.call(cmd, args)

    def feed(self, *topics: str) -> Subscription:
        return subscribe(instance_addresses(str(self.runtime), "daemon"), topics)

    def shown(self, job: str) -> dict[str, Any]:
        return self.call("job.show", job=job)

    def until_state(self, job: str, state: str) -> dict[str, Any]:
        self.until(lambda: self.shown(job)["state"] == state, f"{job} is {state}")
        return self.shown(job)

    def events(self, happened: str) -> list[str]:
        """Paths of the rows of one kind in the daemon's history, in order."""
        return self._query(
            "daemon", "SELECT path FROM event WHERE happened = ? ORDER BY cursor", happened
        )

    def checkpoints(self, program: str) -> int:
        return len(self._query(program, "SELECT transfer FROM checkpoint"))

    def uploads(self) -> int:
        """How many uploads to somebody else's server the daemon can go on with."""
        return len(self._query("daemon", "SELECT kept FROM remote_upload"))

    def _query(self, program: str, sql: str, *parameters: str) -> list[str]:
        path = self.folder / program / "state.db"
        with contextlib.closing(
            sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)
        ) as database:
            return [row[0] for row in database.execute(sql, parameters)]

    # -- waiting -----------------------------------------------------------------------------------

    def until(self, holds: Callable[[], object], what: str, patience: float = PATIENCE) -> None:
        """Returns as soon as `holds()`; fails with the jobs and the logs when it does not."""
        deadline = time.monotonic() + patience
        while not holds():
            for name, process in self._running.items():
                if process.poll() is not None:
                    self.fail(f"the {name} ended with {process.returncode} while waiting: {what}")
            if time.monotonic() > deadline:
                self.fail(f"waited in vain: {what}")
            time.sleep(0.02)

    def fail(self, why: str) -> NoReturn:
        logs = [
            f"--- {path.name}\n{path.read_text()[-4000:]}"
            for path in sorted(self.folder.glob("*.log"))
        ]
        pytest.fail("\n".join([why, *self._jobs(), *self._trees(), *logs]), pytrace=False)

    def _trees(self) -> list[str]:
        """What is in each folder of files: the first names, with their sizes."""
        folders = [one for one in sorted(self.folder.iterdir()) if one.is_dir()]
        told = []
        for folder in folders:
            if folder.name in {"daemon", "server", "jobs"}:
                continue
            files = sorted(one for one in folder.rglob("*") if one.is_file())
            names = [f"{one.relative_to(folder)} ({one.stat().st_size})" for one in files[:100]]
            told.append(f"--- {folder.name}: {len(files)} files\n{', '.join(names)}")
        return told

    def _jobs(self) -> list[str]:
        """What the daemon says of its jobs, if it says anything."""
        try:
            names = [row["name"] for row in self.call("job.list")["jobs"]]
            return [f"--- job {name}\n{self.shown(name)}" for name in names]
        except (NotRunning, CommandError):
            return []

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.api)) == 0

    def _answers(self) -> bool:
        try:
            self.call("hello")
        except (NotRunning, CommandError):
            return False
        return True


@contextlib.contextmanager
def place(folder: Path) -> Iterator[Place]:
    one = Place(folder)
    try:
        yield one
    finally:
        one.close()


def tree(root: Path) -> dict[str, bytes]:
    """The files below `root`, without what is ours. Programs may change them meanwhile."""
    found: dict[str, bytes] = {}
    for place, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name != ".cargo_sync"]
        for name in names:
            path = Path(place, name)
            with contextlib.suppress(FileNotFoundError):
                if path.is_file() and ".cargo_sync" not in path.parts:
                    found[str(path.relative_to(root))] = path.read_bytes()
    return found
