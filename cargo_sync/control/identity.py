"""Who answers: what `hello` says of a process."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from cargo_sync.api.messages import VERSION, JsonObject


@dataclass(frozen=True, slots=True)
class Me:
    """What a daemon or a server says of itself.

    epoch    one life of the process
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
        """The answer to `hello`; `supports` are the commands."""
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
