"""A server with storage nodes and a daemon, as real programs.

Clients of the daemon reach the server's data port through a proxy, which counts their bytes.
"""

import json
import os
import re
import signal
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from blake3 import blake3

from cargo_sync.api.addresses import SERVER, instance_addresses
from cargo_sync.api.client import Client, CommandError, NotRunning
from cargo_sync.api.invitation import new_token
from cargo_sync.machines.nodes.room import RESERVE
from tests.crash.proxy import HOST, Proxy
from tests.e2e.processes import PATIENCE, USER, Place
from tests.ports import free_port

WORKSPACE: Final = "archive"
NAMES: Final = ("attic", "barn", "cellar", "den", "eaves", "forge")
COPIES: Final = 2
GRACE: Final = "1min"
CALM: Final = 180.0
"""Seconds in which all must be well again after the storm."""
Row = dict[str, Any]


class Coast(Place):
    """The programs and their folders.

    near, far  folders of the daemon's two jobs: what is put into `near` comes into `far`
    proxy      before the server's data port
    """

    def __init__(self, folder: Path, nodes: int) -> None:
        super().__init__(folder)
        self.names = NAMES[:nodes]
        self._metrics: dict[str, int] = {}
        """The port of each node's metrics."""
        self.lock = threading.Lock()
        settings = json.loads((folder / "server.json").read_text())
        store = {"nodes": {"copies": COPIES}}
        workspace = {"name": WORKSPACE, "store": store, "grants": {USER: "rw"}}
        nodes_settings = {"grace": GRACE, "repair_speed": "1gbps"}
        self.write("server.json", settings | {
            "public_ip": HOST, "workspaces": [workspace], "nodes": nodes_settings,
        })  # fmt: skip
        common: dict[str, Any] = {"workspace": WORKSPACE, "remote_dir": "/jobs", "sleep": 0.3}
        self.near = self.job("near", **common)
        self.far = self.job("far", "download", **common)
        self.far.mkdir(exist_ok=True)
        self.proxy = Proxy(self.lanes)

    def set_up(self) -> None:
        """Starts all of it; the nodes join with their invitations."""
        self.start("server")
        for name in self.names:
            self._join(name)
            self.start_node(name)
        super().until(lambda: set(self.states().values()) == {"up"}, "all nodes are up")
        self.start("daemon")

    def close(self) -> None:
        for process in self._running.values():
            process.send_signal(signal.SIGCONT)
        super().close()
        self.proxy.close()

    def until(self, holds: Callable[[], object], what: str, patience: float = PATIENCE) -> None:
        """As `Place.until`; programs may end meanwhile."""
        deadline = time.monotonic() + patience
        while not holds():
            if time.monotonic() > deadline:
                self.fail(f"waited in vain: {what}")
            time.sleep(0.05)

    # -- programs ----------------------------------------------------------------------------------

    def start_node(self, name: str) -> None:
        self.begin(name, "node", "--config", str(self.folder / f"{name}.json"))

    def start_server(self) -> None:
        """Starts the server again, and waits until it answers."""
        self.begin("server", "server", "--config", str(self.folder / "server.json"))
        self.until(self._listens, "the server answers")

    def fill(self, name: str, more: int) -> None:
        """A node has no room beyond what it keeps and `more` bytes. It is to be started again."""
        used = sum(path.stat().st_size for path in self.kept(name))
        self._change(name, f'"capacity": "{used + RESERVE + more}B",')

    def make_room(self, name: str) -> None:
        """A node may use the whole disk again. It is to be started again."""
        self._change(name, "// no capacity")

    def _join(self, name: str) -> None:
        token = new_token()
        invited = self.server_call("node.invite", node=name, token=token)
        line = self.folder / f"{name}.invitation"
        line.write_text(f"{invited['invitation']}{token}")
        state, port, lane_port = self.folder / f"state-{name}", free_port(), free_port()
        settings = str(self.folder / f"{name}.json")
        (state / "cargo_sync").mkdir(parents=True)
        os.environ["XDG_STATE_HOME"] = str(state)
        try:
            joined = self.run(
                "cargo_sync", "init", "node", settings, "--invite-file", str(line),
                "--folder", str(self.node_folder(name)), "--address", "127.0.0.1",
                "--port", str(port), "--lane-port", str(lane_port), "--yes",
            )  # fmt: skip
        finally:
            del os.environ["XDG_STATE_HOME"]
        assert not joined.returncode, joined.stderr
        path = Path(settings)
        own = json.dumps(str(state / "cargo_sync" / "node"))
        self._metrics[name] = free_port()
        more = (
            f'"state_dir": {own},\n    "metrics": {{"listen": "127.0.0.1:{self._metrics[name]}"}},'
        )
        text = path.read_text().replace('"listen":', f'{more}\n    "listen":', 1)
        path.write_text(re.sub(r"// \"capacity\".*", "// no capacity", text))

    def _change(self, name: str, line: str) -> None:
        path = self.folder / f"{name}.json"
        path.write_text(re.sub(r"(// no capacity|\"capacity\":.*,)", line, path.read_text()))

    # -- what is there -----------------------------------------------------------------------------

    def node_folder(self, name: str) -> Path:
        return self.folder / f"node-{name}"

    @property
    def server_folder(self) -> Path:
        return self.runtime / "server"

    def kept(self, name: str) -> list[Path]:
        """The contents in a node's folder, as files."""
        return [path for path in self.node_folder(name).glob("??/*") if len(path.name) == 64]

    def server_call(self, cmd: str, **args: Any) -> Row:
        address = instance_addresses(str(self.runtime), SERVER).commands
        with Client(address) as client:
            return client.call(cmd, args)

    def listed(self) -> Row:
        """`node.list`; empty while the server does not answer."""
        try:
            return self.server_call("node.list")
        except (CommandError, NotRunning):
            return {"nodes": [], "missing": {"copies": -1, "lost": -1, "waits": -1}}

    def states(self) -> dict[str, str]:
        return {row["node"]: row["state"] for row in self.listed()["nodes"]}

    def missing(self) -> dict[str, int]:
        found: dict[str, int] = self.listed()["missing"]
        return found

    def is_well(self) -> bool:
        """Whether all nodes are up, and no copy is missing."""
        states, missing = self.states(), self.missing()
        there = len(states) == len(self.names) and set(states.values()) <= {"up", "full"}
        return there and not any(missing[one] for one in ("copies", "lost", "waits"))

    def copies(self) -> dict[str, int]:
        """How many whole copies there are of each content, by hash: all are read."""
        found: dict[str, int] = {}
        for name in self.names:
            for path in self.kept(name):
                if blake3(path.read_bytes()).hexdigest() == path.name:
                    found[path.name] = found.get(path.name, 0) + 1
        return found

    def measured(self, name: str, word: str) -> list[str]:
        """The metrics of a node whose name has this word."""
        url = f"http://127.0.0.1:{self._metrics[name]}/metrics"
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            lines = answer.read().decode().splitlines()
        return [line for line in lines if word in line and not line.startswith("#")]

    def errors(self) -> list[str]:
        """What is in a log and should not be there: what nobody foresaw."""
        return [
            f"{path.name}: {line[:300]}"
            for path in sorted(self.folder.glob("*.log"))
            for line in path.read_text(errors="replace").splitlines()
            if re.search(r"Traceback|Error:|never retrieved|unexpected", line)
        ]
