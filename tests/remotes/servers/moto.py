"""moto: a fake of S3, not a server that anybody keeps files on. All of it is in memory."""

from pathlib import Path
from typing import Final

from tests.remotes.buckets import make_bucket
from tests.remotes.installed import of_python, package_version
from tests.remotes.server import HTTP, Login, Setup

LOGIN: Final = Login("fake", "canary-moto-2b")
"""It takes any."""


class Moto:
    """`moto_server`."""

    name: Final = "moto"

    def version(self) -> str:
        return package_version("moto")

    def set_up(self, folder: Path, port: int) -> Setup:
        def make_place(name: str) -> None:
            make_bucket(port, name, LOGIN)

        return Setup(
            (of_python("moto_server"), "-H", "127.0.0.1", "-p", str(port)),
            HTTP,
            f"s3+http://127.0.0.1:{port}",
            LOGIN,
            make_place,
        )


MOTO: Final = Moto()
