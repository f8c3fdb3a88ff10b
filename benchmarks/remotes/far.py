"""A place on a server: how a job, and how rclone, reaches it."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from tests.e2e.test_remotes import fields_of
from tests.remotes.installed import of_python
from tests.remotes.running import Running
from tests.remotes.servers.ftp_user import PASSIVE

SERVER: Final = "127.0.0.1"
CLOUD: Final = "cloud-fs"
"""OpenDAL on a folder of this machine: there is no server, and nothing on a line."""


@dataclass(frozen=True)
class Far:
    """A place of which nobody else knows.

    fields       of a job
    environment  rclone's remote `far`; secrets are in no list of arguments
    below        the place as rclone names it; "" if rclone has no such kind of server
    stored       the folder on the disk in which the server keeps it, if it has one
    """

    url: str
    fields: Mapping[str, Any]
    environment: Mapping[str, str] = field(repr=False)
    below: str
    stored: Path | None

    @property
    def is_sealed(self) -> bool:
        """Whether nobody on the line can read what goes by."""
        return urlsplit(self.url).scheme in ("sftp", "ftps")

    @property
    def ports(self) -> list[int]:
        """The ports that its clients connect to."""
        parts = urlsplit(self.url)
        data = range(int(PASSIVE[0]), int(PASSIVE[1]) + 1) if "ftp" in parts.scheme[:4] else ()
        if parts.scheme == "sftp":
            data = ()
        return [parts.port, *data] if parts.port is not None else []

    def at(self, host: str) -> "Far":
        """The same place, reached at another address of this machine."""
        return replace(
            self,
            url=self.url.replace(SERVER, host),
            fields={**self.fields, "hostname": self.url.replace(SERVER, host)},
            environment={
                key: value.replace(SERVER, host) for key, value in self.environment.items()
            },
        )


def far_of(server: Running) -> Far:
    """A new place on a server."""
    place = server.place()
    fields = {key: value for key, value in fields_of(place.url, server.login).items() if value}
    settings, below = _rclone(place.url, server)
    named = {f"RCLONE_CONFIG_FAR_{key}": value for key, value in settings.items()}
    return Far(place.url, fields, {**named, "RCLONE_CONFIG": os.devnull}, below, place.stored)


def far_in_folder(folder: Path) -> Far:
    """A new place that OpenDAL reaches on the disk."""
    folder.mkdir(parents=True)
    fields = {"hostname": f"cloud+fs://{folder}", "username": "nobody"}
    return Far(fields["hostname"], fields, {"RCLONE_CONFIG": os.devnull}, str(folder), folder)


def _rclone(url: str, server: Running) -> tuple[dict[str, str], str]:
    """The settings of the remote `far`, and a place in it."""
    parts, login = urlsplit(url), server.login
    at = {"HOST": parts.hostname or "", "PORT": str(parts.port), "USER": login.user}
    below = f"far:{parts.path}"
    if parts.scheme == "s3+http":
        return {
            "TYPE": "s3",
            "PROVIDER": "Rclone" if server.name.startswith("rclone") else "Other",
            "ACCESS_KEY_ID": login.user,
            "SECRET_ACCESS_KEY": login.password,
            "ENDPOINT": f"http://{parts.netloc}",
        }, f"far:{parts.path.removeprefix('/')}"
    if parts.scheme == "webdav+http":
        return {
            "TYPE": "webdav",
            "VENDOR": "rclone" if server.name.startswith("rclone") else "other",
            "URL": f"http://{parts.netloc}",
            "USER": login.user,
            "PASS": _obscured(login.password),
        }, below
    if parts.scheme in ("ftp", "ftps"):
        tls = {"EXPLICIT_TLS": "true", "NO_CHECK_CERTIFICATE": "true"}
        return {
            "TYPE": "ftp",
            **at,
            "PASS": _obscured(login.password),
            **(tls if parts.scheme == "ftps" else {}),
        }, below
    if parts.scheme == "sftp":
        return {
            "TYPE": "sftp",
            **at,
            "KEY_FILE": str(login.key_file),
            "KNOWN_HOSTS_FILE": "none",
        }, below
    return {}, ""  # Pydio: rclone does not know it


def _obscured(password: str) -> str:
    """A password as rclone's settings have it."""
    command = [of_python("rclone"), "obscure", "-"]
    asked = subprocess.run(command, input=password, check=True, capture_output=True, text=True)
    return asked.stdout.strip()
