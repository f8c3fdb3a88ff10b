"""`rclone serve`, at its defaults, for one folder."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.remotes import keys
from tests.remotes.installed import Found, of_python
from tests.remotes.server import FTP as FTP_GREETING
from tests.remotes.server import HTTP, SSH, Greeting, Login, Setup, folders_in, place_name
from tests.remotes.servers.ftp_user import PASSIVE

USER: Final = "ana"
PASSWORD: Final = "canary-rclone-7d"

_BUCKETS: Final = 500
"""More than one worker asks for."""


@dataclass(frozen=True, slots=True)
class Rclone:
    """One protocol of it."""

    protocol: str
    scheme: str
    greeting: Greeting

    @property
    def name(self) -> str:
        return f"rclone-{self.protocol}"

    def version(self) -> str:
        first = Found(of_python("rclone"), Path("/")).says("version").splitlines()[0]
        return first.removeprefix("rclone v")

    def set_up(self, folder: Path, port: int) -> Setup:
        login = Login(USER, PASSWORD)
        options: tuple[str, ...] = ()
        if self.protocol == "sftp":
            key = keys.make(folder / "host")
            login = Login(USER, PASSWORD, host_key=key.fingerprint)
            options = ("--key", str(key.path))
        elif self.protocol == "ftp":
            options = ("--passive-port", "-".join(PASSIVE))
        command = (
            of_python("rclone"), "serve", self.protocol, str(folder / "stored"),
            "--addr", f"127.0.0.1:{port}",
            # What tests change on the disk is seen soon.
            # With 0s, rclone 1.75 looks for old names without a pause, and uses a whole core.
            "--dir-cache-time", "1s", *options,
        )  # fmt: skip
        return Setup(
            command,
            self.greeting,
            f"{self.scheme}://127.0.0.1:{port}",
            login,
            self._places(folder / "stored"),
            {
                "RCLONE_CONFIG": str(folder / "config"),
                "RCLONE_CACHE_DIR": str(folder / "cache"),
                **self._secrets(),
            },
        )

    def _places(self, stored: Path) -> Callable[[str], Path]:
        make = folders_in(stored)
        if self.protocol != "s3":
            return make
        # A bucket that is made on the disk meanwhile is only there a second later.
        for number in range(1, _BUCKETS + 1):
            make(place_name(number))
        return lambda name: stored / name

    def _secrets(self) -> dict[str, str]:
        if self.protocol == "s3":  # it has --user and --pass too: for Basic, besides signatures
            return {"RCLONE_AUTH_KEY": f'"{USER},{PASSWORD}"'}
        return {"RCLONE_USER": USER, "RCLONE_PASS": PASSWORD}


S3: Final = Rclone("s3", "s3+http", HTTP)
WEBDAV: Final = Rclone("webdav", "webdav+http", HTTP)
SFTP: Final = Rclone("sftp", "sftp", SSH)
FTP: Final = Rclone("ftp", "ftp", FTP_GREETING)
