"""The real programs that benchmarks measure: a server, and a daemon with jobs, in one folder.

All traffic stays on loopback. Only the folder is left at the end; the caller removes it.
"""

import hashlib
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from cargo_sync.api.addresses import instance_addresses
from cargo_sync.api.client import Client, CommandError, NotRunning

USER: Final = "bench"
MAIN: Final = "cargo_sync.main"
PATIENCE: Final = 600.0
"""Seconds before a wait ends with an error."""


class Programs:
    """A server and a daemon. `files` is the folder that the server serves to `USER`.

    server, jobs, daemon  additional fields of their files
    sealed                over TLS; then jobs come later, by `job.add`, with the fields of `login`
    python                the interpreter that has the `cargo_sync` which is measured
    server_module         what it runs as the server
    """

    def __init__(
        self,
        folder: Path,
        jobs: Mapping[str, Mapping[str, Any]],
        *,
        daemon: Mapping[str, Any] | None = None,
        server: Mapping[str, Any] | None = None,
        log_level: str = "warning",
        sealed: bool = False,
        python: str = sys.executable,
        server_module: str = MAIN,
    ) -> None:
        self.folder = folder
        self.files = folder / "files"
        self.runtime = str(folder / "run")
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._log_level = log_level
        self._sealed = sealed
        self._python = python
        self._server_module = server_module
        self.port, data_port = free_ports()
        self.files.mkdir(exist_ok=True)
        (folder / "jobs").mkdir()
        common: dict[str, Any] = {"listen": f"127.0.0.1:{self.port}", "plain": not sealed}
        common |= {"initial_port": data_port, "state_dir": str(folder / "server")}
        common |= {"users": [{"username": USER, "password": USER, "path": str(self.files)}]}
        store(folder / "server.json", common | dict(server or {}))
        common = {"jobs_dir": str(folder / "jobs"), "state_dir": str(folder / "daemon")}
        store(folder / "daemon.json", common | dict(daemon or {}))
        for name, job in jobs.items():
            Path(job["local_dir"]).mkdir(parents=True, exist_ok=True)
            common = self.login() | {"sync_name": name}
            store(folder / "jobs" / f"{name.replace(' ', '-')}.json", common | dict(job))

    def login(self) -> dict[str, str]:
        """The fields of a job that name the server and its user; if it is `sealed`, it must run."""
        login = {"username": USER, "password": USER}
        if not self._sealed:
            return login | {"hostname": f"http://127.0.0.1:{self.port}"}
        pem = ssl.get_server_certificate(("127.0.0.1", self.port))
        digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()
        return login | {"hostname": f"https://127.0.0.1:{self.port}", "tls_fingerprint": digest}

    def start(self, name: str) -> None:
        """Starts "server" or "daemon"; its log is appended to NAME.log."""
        with open(self.folder / f"{name}.log", "ab") as log:
            self.processes[name] = subprocess.Popen(
                self.command(name),
                cwd=self.folder,  # so that only the interpreter decides which `cargo_sync` it is
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | self.env,
            )

    def command(self, name: str) -> list[str]:
        """The command that runs "server" or "daemon", with `env` in its environment."""
        module = self._server_module if name == "server" else MAIN
        command = [self._python, "-m", module, "--log-level", self._log_level, name]
        return [*command, "--config", str(self.folder / f"{name}.json")]

    @property
    def env(self) -> dict[str, str]:
        return {"CARGO_RUNTIME_DIR": self.runtime, "HOME": str(self.folder)}

    def stop(self, name: str) -> None:
        self.processes[name].send_signal(signal.SIGTERM)
        self.processes[name].wait(20)

    def close(self) -> None:
        for name in reversed(self.processes):
            self.stop(name)

    def client(self) -> Client:
        """Of the daemon."""
        return Client(instance_addresses(self.runtime, "daemon").commands)

    def states(self) -> dict[str, int]:
        """How many jobs are in each state."""
        with self.client() as client:
            return {state: count for state, count in client.call("status")["jobs"].items() if count}

    def answers(self) -> bool:
        """Whether the daemon answers commands."""
        try:
            self.states()
        except (NotRunning, CommandError):
            return False
        return True

    def listens(self) -> bool:
        """Whether the server takes connections. Raises SystemExit when it has ended."""
        if self.processes["server"].poll() is not None:
            raise SystemExit(f"the server ended: see {self.folder}/server.log")
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True


@contextmanager
def running(programs: Programs) -> Iterator[Programs]:
    """Start both programs and wait until they answer; they end with the `with`."""
    try:
        programs.start("server")
        until(programs.listens, "the server answers")
        programs.start("daemon")
        until(programs.answers, "the daemon answers")
        yield programs
    finally:
        programs.close()


def until(holds: Callable[[], bool], what: str, *, every: float = 0.1) -> None:
    """Wait until `holds()` is true. Raises SystemExit after PATIENCE.

    `every`: seconds between two questions.
    """
    deadline = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            raise SystemExit(f"waited {PATIENCE:g} s in vain for: {what}")
        time.sleep(every)


def resident(pid: int) -> int:
    """The resident memory of a process in bytes; only on Linux."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def store(path: Path, content: Mapping[str, Any]) -> None:
    """Write a file of settings that only its owner can read."""
    path.touch(mode=0o600)
    path.write_text(json.dumps(content))


def free_ports() -> tuple[int, int]:
    """Two TCP ports that nobody uses now."""
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]
