"""Servers like Pydio 6 to 8 and like Nextcloud, written for the tests: none is here to be asked."""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Final

from tests.remotes.server import HTTP, TESTS, Login, Setup, folders_in
from tests.remotes.servers import nextcloud_parts, pydio_parts


@dataclass(frozen=True, slots=True)
class Written:
    """One of them.

    program  its module, which takes its folder and its port, and its login from the environment
    said     its version
    path     of its address, in which the places are
    login_in  the variable of the environment that has its login
    """

    name: str
    program: ModuleType = field(repr=False)
    said: str
    scheme: str
    path: str
    login: Login
    login_in: str

    def version(self) -> str:
        return self.said

    def set_up(self, folder: Path, port: int) -> Setup:
        stored, login = folder / "stored", self.login
        return Setup(
            (sys.executable, "-m", self.program.__name__, str(stored), str(port)),
            HTTP,
            f"{self.scheme}://127.0.0.1:{port}{self.path}",
            login,
            folders_in(stored),
            {self.login_in: f"{login.user}:{login.password}", "PYTHONPATH": str(TESTS)},
        )


PYDIO: Final = Written(
    "pydio-like", pydio_parts, pydio_parts.VERSION, "pydio+http", "",
    Login("ana", "canary-pydio-8f"), "PYDIO_LOGIN",
)  # fmt: skip
"""Each place is an installation of its own, with the workspace `default`."""
NEXTCLOUD: Final = Written(
    "nextcloud-like", nextcloud_parts, nextcloud_parts.VERSION,
    "webdav+http", nextcloud_parts.FILES,
    Login(nextcloud_parts.USER, "canary-nextcloud-3d"), "NEXTCLOUD_LOGIN",
)  # fmt: skip
"""It takes large files in chunks."""
