"""The identity of a process: what `hello` answers."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from cargo_sync.api.messages import VERSION, JsonObject


@dataclass(frozen=True, slots=True)
class Me:
    """The identity of a daemon or server.

    epoch    differs for each start of the process
    started  on the steady clock
    """

    version: str
    epoch: str
    uid: int
    host: str
    pid: int
    instance: str
    started: float
    kind: Literal["daemon", "server"] = "daemon"

    def hello(self, supports: Iterable[str]) -> JsonObject:
        """The reply to `hello`; `supports` are the names of all commands."""
        return {
            "versions": {"api": VERSION, "cargo": self.version},
            "epoch": self.epoch,
            "uid": self.uid,
            "host": self.host,
            "pid": self.pid,
            "instance": self.instance,
            "kind": self.kind,
            "supports": sorted(supports),
        }
