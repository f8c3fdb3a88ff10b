"""Servers that share a PostgreSQL and a store, with a balancer before them."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psycopg

from cargo_sync.api.addresses import SERVER, instance_addresses
from cargo_sync.api.client import Client
from tests.e2e.processes import PASSWORD, USER
from tests.many_servers.balancer import Balancer, balanced
from tests.many_servers.forward import Forward
from tests.ports import free_port
from tests.postgres.program import PostgresProgram
from tests.remotes.remotes import Remotes
from tests.remotes.server import HTTP
from tests.remotes.waiting import greets

WORKSPACE: Final = "shared"
NAMES: Final = ("a", "b", "c", "d", "e")
PATIENCE: Final = 120.0
"""Seconds for what a person would wait for, too."""
_LOG: Final = 4_000
REFUSED: Final = 2
"""The exit code after which a service manager does not start a server again."""
NO_MORE: Final[Mapping[str, str]] = {}


@dataclass(slots=True)
class OneServer:
    """One of the servers.

    api, lanes  its ports
    """

    name: str
    api: int
    lanes: int
    runtime: str
    program: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)


class Fleet:
    """The programs, in a folder of their own. `close` ends all of them.

    url      of the API, at the balancer
    servers  by name
    """

    def __init__(
        self,
        folder: Path,
        count: int,
        store: str = "",
        settings: Mapping[str, str] = NO_MORE,
        *,
        alone: bool = False,
    ) -> None:
        """Starts the database, the store and the balancer.

        Args:
            folder: exists, and is empty.
            count: servers.
            store: a kind of other people's servers with buckets, such as "swift"; "" for a folder
                that one server holds.
            settings: more of the PostgreSQL.
            alone: there is none: one server has its state in a file.
        """
        self.folder = folder
        self._last = ExitStack()
        self._postgres: PostgresProgram | None = None
        self._bucket: Path | None = None
        self.store: Forward | None = None
        try:
            self.database = "" if alone else self._own_database(settings)
            self._runtimes = Path(self._last.enter_context(_short_folder()))
            self.servers = {
                name: OneServer(name, *_two_ports(), str(self._runtimes / name))
                for name in NAMES[:count]
            }
            self._write_settings(self._stored(store) if store else None)
            port = free_port()
            ports = {name: one.api for name, one in self.servers.items()}
            self.balancer: Balancer = self._last.enter_context(balanced(folder, port, ports))
            self.url = f"http://127.0.0.1:{port}"
        except BaseException:
            self._last.close()
            raise

    def __enter__(self) -> "Fleet":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        for one in self.servers.values():
            if one.program is not None:
                one.program.kill()
                one.program.wait()
        self._last.close()

    # -- programs ----------------------------------------------------------------------------------

    def begin(self, name: str) -> None:
        """Starts a server."""
        one = self.servers[name]
        with open(self.folder / f"{name}.log", "ab") as log:
            one.program = subprocess.Popen(
                [sys.executable, "-m", "cargo_sync.main", "server", "--config",
                 str(self.folder / f"{name}.json")],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                env=self.environment(one.runtime),
            )  # fmt: skip

    def start(self, *names: str) -> None:
        """Starts servers, of all if none is named, and waits until they answer."""
        names = names or tuple(self.servers)
        for name in names:
            self.begin(name)
        for name in names:
            self.until(lambda name=name: self.answers(name), f"the server {name} answers")  # type: ignore[misc]

    def kill(self, name: str) -> None:
        """kill -9."""
        self._end(name, signal.SIGKILL)

    def stop(self, name: str) -> int:
        """Ends it as a system does; its exit code."""
        return self._end(name, signal.SIGTERM)

    def environment(self, runtime: str) -> dict[str, str]:
        """That of a program of ours, with its runtime folder."""
        return os.environ | {"CARGO_RUNTIME_DIR": runtime, "HOME": str(self.folder)}

    def answers(self, name: str) -> bool:
        return greets(self.servers[name].api, HTTP)

    def restart_postgres(self) -> None:
        """As after a crash of it."""
        assert self._postgres is not None, "it is not the trial's own"
        self._postgres.stop()
        self._postgres.start()

    def pids(self) -> list[int]:
        """Of the servers that run."""
        programs = [one.program for one in self.servers.values()]
        return [program.pid for program in programs if program is not None]

    def objects(self) -> int:
        """How many objects are in the bucket, if it is a folder on this disk; else 0."""
        if self._bucket is None:
            return 0
        return sum(1 for path in self._bucket.rglob("*") if path.is_file())

    # -- what they say -----------------------------------------------------------------------------

    def call(self, name: str, command: str, **args: Any) -> dict[str, Any]:
        """Asks one of the servers over its socket."""
        with Client(instance_addresses(self.servers[name].runtime, SERVER).commands) as client:
            return client.call(command, args)

    def until(self, holds: Callable[[], object], what: str, patience: float = PATIENCE) -> None:
        """Returns as soon as it holds; fails with the servers' logs when it does not."""
        deadline = time.monotonic() + patience
        while not holds():
            if time.monotonic() > deadline:
                raise AssertionError(f"waited in vain: {what}\n{self.logs()}")
            time.sleep(0.02)

    def logs(self) -> str:
        """The ends of the servers' logs."""
        return "\n".join(
            f"--- {path.name}\n{path.read_text(errors='replace')[-_LOG:]}"
            for path in sorted(self.folder.glob("*.log"))
        )

    def ended(self) -> dict[str, int]:
        """The exit codes of servers that have ended by themselves."""
        found = {name: one.program.poll() for name, one in self.servers.items() if one.program}
        return {name: code for name, code in found.items() if code is not None}

    def start_again(self) -> None:
        """As a service manager, of those that have ended by themselves; they had no fault then.

        A server that starts while PostgreSQL comes back may find nobody beside it, and begins a new
        life of the database. The others end, because it is not as they knew it.
        """
        names = sorted(name for name, code in self.ended().items() if code != REFUSED)
        if names:
            self.start(*names)

    def unexpected(self) -> list[str]:
        """What is in a log and should not be there: what nobody foresaw."""
        words = ("Traceback", "never retrieved", "failed unexpectedly")
        return [
            f"{path.name}: {line if len(line) <= 600 else f'{line[:100]} ... {line[-500:]}'}"
            for path in sorted(self.folder.glob("*.log"))
            for line in path.read_text(errors="replace").splitlines()
            if any(word in line for word in words)
        ]

    # -- within ------------------------------------------------------------------------------------

    def _end(self, name: str, number: int) -> int:
        program = self.servers[name].program
        assert program is not None
        program.send_signal(number)
        self.servers[name].program = None
        return program.wait(PATIENCE)

    def _own_database(self, settings: Mapping[str, str]) -> str:
        place = Path(self._last.enter_context(_short_folder()))
        self._postgres = PostgresProgram(place, {"max_connections": "100", **settings})
        self._last.callback(self._postgres.stop)
        self._postgres.start()
        with psycopg.connect(self._postgres.address("postgres"), autocommit=True) as connection:
            connection.execute("CREATE DATABASE cargo")
        return self._postgres.address("cargo")

    def _stored(self, kind: str) -> dict[str, Any]:
        """A bucket that is reached through a proxy, as a `store`."""
        place = Path(tempfile.mkdtemp(prefix="cargo-store-"))
        self._last.callback(shutil.rmtree, place, ignore_errors=True)
        place.chmod(0o711)
        remotes = Remotes(place)
        self._last.callback(remotes.close)
        running = remotes.get(kind)
        bucket_place = running.place()
        self._bucket = bucket_place.stored
        scheme, _, rest = bucket_place.url.partition("://")
        there, _, bucket = rest.partition("/")
        port = free_port()
        self.store = Forward(port, [int(there.rpartition(":")[2])])
        self._last.callback(self.store.close)
        login = running.login
        address = f"{scheme}://127.0.0.1:{port}/{bucket}/cargo"
        s3 = {"address": address, "username": login.user, "password": login.password}
        return {"s3": s3}

    def _write_settings(self, store: Mapping[str, Any] | None) -> None:
        files = self.folder / "files"
        files.mkdir()
        workspace: dict[str, Any] = {"name": WORKSPACE, "grants": {USER: "rw"}}
        workspace |= {"path": str(files)} if store is None else {"store": store}

        def shared(name: str) -> dict[str, Any]:
            if not self.database:
                return {}
            return {"database": self.database, "cluster": {"name": name}}

        own = self.folder / "own"  # a user has one, which one of the servers holds
        own.mkdir()
        for name, one in self.servers.items():
            path = self.folder / f"{name}.json"
            path.write_text(json.dumps({
                "listen": f"127.0.0.1:{one.api}", "plain": True, "initial_port": one.lanes,
                "public_ip": "127.0.0.1", "state_dir": str(self.folder / f"state-{name}"),
                **shared(name), "trusted_proxies": ["127.0.0.1"], "settle": 0.1,
                "users": [{"username": USER, "password": PASSWORD, "path": str(own)}],
                "workspaces": [workspace],
            }))  # fmt: skip
            path.chmod(0o600)


def _two_ports() -> tuple[int, int]:
    return free_port(), free_port()


def _short_folder() -> "tempfile.TemporaryDirectory[str]":
    """Paths of sockets are short."""
    return tempfile.TemporaryDirectory(prefix="cg")
