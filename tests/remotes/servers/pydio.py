"""A server like Pydio 6 to 8, written for the tests: no Pydio is here that could be asked."""

import sys
from pathlib import Path
from typing import Final

from tests.remotes.server import HTTP, Login, Setup, folders_in
from tests.remotes.servers.pydio_parts import VERSION

LOGIN: Final = Login("ana", "canary-pydio-8f")


class Pydio:
    """`pydio_parts.py`: each place is an installation of its own, with the workspace `default`."""

    name: Final = "pydio-like"

    def version(self) -> str:
        return VERSION

    def set_up(self, folder: Path, port: int) -> Setup:
        stored = folder / "stored"
        program = Path(__file__).with_name("pydio_parts.py")
        return Setup(
            (sys.executable, str(program), str(stored), str(port)),
            HTTP,
            f"pydio+http://127.0.0.1:{port}",
            LOGIN,
            folders_in(stored),
            {"PYDIO_LOGIN": f"{LOGIN.user}:{LOGIN.password}"},
        )


PYDIO: Final = Pydio()
