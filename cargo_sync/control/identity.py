"""The identity of a process: what `hello` answers."""

import os
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Literal

from cargo_sync.api.messages import VERSION, JsonObject

Kind = Literal["daemon", "server"]


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
    kind: Kind = "daemon"

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


def this_process(epoch: str, instance: str, started: float, kind: Kind = "daemon") -> Me:
    """The identity of the process that calls it."""
    me = os.getuid(), socket.gethostname(), os.getpid()
    return Me(version("cargo-sync"), epoch, *me, instance, started, kind)
