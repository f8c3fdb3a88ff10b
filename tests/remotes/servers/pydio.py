"""A server like Pydio 6 to 8, written for the tests: no Pydio is here that could be asked."""

import sys
from pathlib import Path
from typing import Final

from tests.remotes.server import HTTP, TESTS, Login, Setup, folders_in
from tests.remotes.servers import pydio_parts

LOGIN: Final = Login("ana", "canary-pydio-8f")


class Pydio:
    """`pydio_parts.py`: each place is an installation of its own, with the workspace `default`."""

    name: Final = "pydio-like"

    def version(self) -> str:
        return pydio_parts.VERSION

    def set_up(self, folder: Path, port: int) -> Setup:
        stored = folder / "stored"
        return Setup(
            (sys.executable, "-m", pydio_parts.__name__, str(stored), str(port)),
            HTTP,
            f"pydio+http://127.0.0.1:{port}",
            LOGIN,
            folders_in(stored),
            {"PYDIO_LOGIN": f"{LOGIN.user}:{LOGIN.password}", "PYTHONPATH": str(TESTS)},
        )


PYDIO: Final = Pydio()
