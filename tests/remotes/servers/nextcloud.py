"""A server like Nextcloud, written for the tests: no Nextcloud is here that could be asked."""

import sys
from pathlib import Path
from typing import Final

from tests.remotes.server import HTTP, TESTS, Login, Setup, folders_in
from tests.remotes.servers import nextcloud_parts

LOGIN: Final = Login(nextcloud_parts.USER, "canary-nextcloud-3d")


class Nextcloud:
    """`nextcloud_parts.py`: it takes large files in chunks."""

    name: Final = "nextcloud-like"

    def version(self) -> str:
        return nextcloud_parts.VERSION

    def set_up(self, folder: Path, port: int) -> Setup:
        stored = folder / "stored"
        return Setup(
            (sys.executable, "-m", nextcloud_parts.__name__, str(stored), str(port)),
            HTTP,
            f"webdav+http://127.0.0.1:{port}{nextcloud_parts.FILES}",
            LOGIN,
            folders_in(stored),
            {"NEXTCLOUD_LOGIN": f"{LOGIN.user}:{LOGIN.password}", "PYTHONPATH": str(TESTS)},
        )


NEXTCLOUD: Final = Nextcloud()
