"""One server that runs."""

import itertools
import os
import subprocess
from pathlib import Path

from tests.remotes import processes, waiting
from tests.remotes.server import Login, Place, Setup, place_name


class Running:
    """A server on a port of its own; it keeps the port when it is started again.

    name, version  what it is
    login          how one logs in
    root           the URL below which the places are
    small          name of a folder there that is a small disk of its own; "" if there is none
    """

    def __init__(self, name: str, version: str, folder: Path, port: int, setup: Setup) -> None:
        self.name = name
        self.version = version
        self.login: Login = setup.login
        self.root = setup.url
        self.small = setup.small
        self._setup = setup
        self._ports = (port, *setup.also)
        self._log = folder / "log"
        self._numbers = itertools.count(1)
        self._program: subprocess.Popen[bytes] | None = None

    def __repr__(self) -> str:
        return f"{self.name} {self.version} at {self._setup.url}"

    def place(self) -> Place:
        """A new bucket or folder, of which nobody else knows."""
        name = place_name(next(self._numbers))
        try:
            kept = self._setup.make_place(name)
        except AssertionError as error:
            error.add_note(f"the end of its log:\n{self._log.read_text(errors='replace')[-3000:]}")
            raise
        return Place(f"{self._setup.url}/{name}", kept)

    @property
    def runs(self) -> bool:
        return self._program is not None and self._program.poll() is None

    def start(self) -> None:
        """Starts it if it does not run, and waits until it answers."""
        if self.runs:
            return
        with open(self._log, "ab") as log:
            program = self._program = subprocess.Popen(
                processes.guarded(self._setup.command),
                stdin=subprocess.PIPE,  # it ends if we do
                stdout=log,
                stderr=subprocess.STDOUT,
                env=os.environ | self._setup.environment,
                start_new_session=True,
            )
        waiting.until(
            lambda: all(waiting.greets(one, self._setup.greeting) for one in self._ports),
            f"{self.name} answers", program, self._log,
        )  # fmt: skip

    def kill(self) -> None:
        """kill -9, with its connections. What it keeps in memory alone is lost."""
        if self._program is not None:
            processes.kill(self._program)

    def restart(self) -> None:
        """Ends it as a system does that is shut down, and starts it again."""
        if self._program is not None:
            processes.stop(self._program, waiting.PATIENCE)
        self.start()
