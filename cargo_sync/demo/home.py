"""The settings, the state, the sockets and the folders of the demo."""

import json
import os
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from cargo_sync.api.addresses import DAEMON, SERVER, Addresses, instance_addresses

UP, DOWN = "demo up", "demo down"
ON_NODES: Final = "on nodes"
"""The workspace on storage nodes."""
COPIES: Final = 2
GRACE: Final = "1min"
"""After which the copies of a node that is gone are made again; usually an hour."""
REPAIR_SPEED: Final = "1gbps"


@dataclass(frozen=True, slots=True)
class Home:
    """All that the demo uses, in one temporary folder.

    on_nodes  the files lie on storage nodes, not in a folder of the server
    """

    place: str
    source: str
    api: int
    on_nodes: bool = False
    password: str = field(default_factory=lambda: secrets.token_urlsafe(16), repr=False)

    @classmethod
    def make(cls, place: str, source: str, *, on_nodes: bool = False) -> "Home":
        """Makes the folders, and the files of the server and the daemon, which has no jobs yet."""
        api, lanes = free_ports(2)
        home = cls(place, source, api, on_nodes)
        os.mkdir(home.path("jobs"))
        os.mkdir(home.path("files"))
        user = {"username": "demo", "password": home.password}
        home.write(
            "server.json",
            {
                "listen": f"127.0.0.1:{api}",
                "plain": True,
                "initial_port": lanes,
                "state_dir": home.path("server"),
            }
            | (
                _stored_on_nodes(user, home.path("files"))
                if on_nodes
                else _in_a_folder(user, home.path("files"))
            ),
        )
        home.write("daemon.json", {"jobs_dir": home.path("jobs"), "state_dir": home.path("daemon")})
        return home

    def add_job(self, name: str) -> None:
        """Writes the file of one of the two jobs."""
        mode, folder = ("upload", self.source) if name == UP else ("download", self.last)
        self.write(
            f"jobs/{mode}.json",
            {
                "sync_name": name,
                "sync_mode": mode,
                "local_dir": folder,
                "remote_dir": "/demo",
                "hostname": f"http://127.0.0.1:{self.api}",
                "username": "demo",
                "password": self.password,
                "sleep": 1,
                "settle": 0.5,
            }
            | ({"workspace": ON_NODES} if self.on_nodes else {}),
        )

    @property
    def addresses(self) -> Addresses:
        """Of the daemon."""
        return instance_addresses(self.path("run"), DAEMON)

    @property
    def server(self) -> Addresses:
        return instance_addresses(self.path("run"), SERVER)

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
        found = os.environ | {"CARGO_RUNTIME_DIR": self.path("run")}
        found.pop("CARGO_CONTROL", None)
        return found


def _in_a_folder(user: Mapping[str, object], path: str) -> dict[str, object]:
    return {"users": [{**user, "path": path}]}


def _stored_on_nodes(user: Mapping[str, object], files: str) -> dict[str, object]:
    store = {"nodes": {"copies": COPIES}}
    return {
        "users": [{**user, "path": files}],
        "workspaces": [{"name": ON_NODES, "store": store, "grants": {"demo": "rw"}}],
        "nodes": {"grace": GRACE, "repair_speed": REPAIR_SPEED},
    }


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody uses now."""
    some = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [one.getsockname()[1] for one in some]
    finally:
        for one in some:
            one.close()
