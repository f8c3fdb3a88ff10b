"""The servers of one pytest worker."""

from pathlib import Path
from typing import Final

import pytest

from tests.ports import free_port
from tests.remotes.running import Running
from tests.remotes.server import MissingError
from tests.remotes.servers import EVERY

_BY_NAME: Final = {server.name: server for server in EVERY}


class Remotes:
    """Starts each server when it is first asked for, and ends all of them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: dict[str, Running] = {}

    def get(self, name: str) -> Running:
        """The server of this name, which answers; the test is skipped if it cannot be had."""
        if name not in self._running:
            server = _BY_NAME[name]
            folder = self._folder / name
            port = free_port()
            try:
                version = server.version()
                # Others may go through it: some servers serve as a user of their own.
                folder.mkdir(0o711)
                setup = server.set_up(folder, port)
            except MissingError as missing:
                pytest.skip(f"{name}: {missing}")
            self._running[name] = Running(name, version, folder, port, setup)
        running = self._running[name]
        running.start()
        return running

    def close(self) -> None:
        for running in self._running.values():
            running.kill()
