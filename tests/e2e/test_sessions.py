"""A front end's own daemon, over its sockets: started, used, and gone with whoever started it."""

import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from cargo_sync.api.addresses import Addresses, find
from cargo_sync.api.client import Client, subscribe
from tests.e2e.processes import PASSWORD, PATIENCE, USER, Place, tree

STATE = "state/cargo_sync/sessions"


class FrontEnd:
    """A private daemon, and what speaks to it. A shell in between makes it another process's."""

    def __init__(self, place: Place, *, shell: bool = False) -> None:
        command = [sys.executable, "-m", "cargo_sync.main", "daemon", "--private"]
        with open(place.folder / "private.log", "ab") as log:
            self.process = subprocess.Popen(
                ["/bin/sh", "-c", f"{shlex.join(command)}; exit $?"] if shell else command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=place.environment() | {"XDG_STATE_HOME": str(place.folder / "state")},
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        told = re.search(r"commands (\S+), feed (\S+)", line)
        assert told is not None, line
        self.addresses = Addresses(told[1], told[2])
        self.client = Client(told[1])
        self.session = ""

    def call(self, verb: str, **args: Any) -> dict[str, Any]:
        return self.client.call(f"session.{verb}", {"session": self.session} | args)

    def open(self, place: Place) -> None:
        login = {"url": f"http://127.0.0.1:{place.api}", "username": USER, "password": PASSWORD}
        self.session = str(self.client.call("session.open", login)["session"])

    def carried(self, verb: str, **args: Any) -> list[dict[str, Any]]:
        """A get or put to its end: what the feed tells of it."""
        told: list[dict[str, Any]] = []
        with subscribe(self.addresses, [f"session/{self.session}/"]) as feed:
            transfer = self.call(verb, **args)["transfer"]
            while not told or told[-1]["state"] == "running":
                message = feed.receive(PATIENCE)
                assert message is not None
                assert message.type == "session"
                if message.fields["transfer"] == transfer:
                    told.append(message.fields)
        return told

    def end(self) -> int:
        """As it ends when whoever started it is gone."""
        self.client.close()
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        code = self.process.wait(PATIENCE)
        self.process.stdout.close()
        return code


def test_a_private_daemon_serves_its_front_end_and_goes_with_it(place: Place) -> None:
    place.start("server")
    first = FrontEnd(place)
    second = FrontEnd(place, shell=True)
    try:
        assert first.addresses.instance == f"session-{os.getpid()}"
        environment = place.environment()
        assert find(None, environment) is None
        assert find(first.addresses.instance, environment) == first.addresses
        assert sorted(os.listdir(place.folder / STATE)) == ["0", "1"]
        for one in (first, second):
            one.open(place)
        first.process.send_signal(signal.SIGINT)  # Ctrl-C is the front end's

        here = place.folder / "here"
        (here / "empty").mkdir(parents=True)
        for number in range(50):
            (here / f"file {number} é").write_bytes(b"%d" % number * number)
        assert (
            first.carried("put", local=str(here), remote="in", recursive=True)[-1]["files_done"]
            == 50
        )
        told = second.carried("get", remote="in", local=str(place.folder / "back"), recursive=True)
        assert (told[-1]["state"], told[-1]["files_done"]) == ("done", 50)
        assert tree(place.folder / "back") == tree(here)
        assert first.call("show")["transfers"][-1]["state"] == "done"
    finally:
        codes = (first.end(), second.end())
    assert codes == (0, 0)
    assert not Path(first.addresses.folder).exists()
    for file in (place.folder / STATE).rglob("*"):
        assert not file.is_file() or PASSWORD.encode() not in file.read_bytes()
    assert PASSWORD not in (place.folder / "private.log").read_text()
