"""The remotes that the suite proves: whoever writes one for a protocol adds its servers here.

A factory gives a context with a remote on an empty folder of a real server; it is not open yet. It
gets the servers (tests/remotes), which skip the test if they cannot be had here.
"""

import asyncio
import itertools
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from cargo_sync.config.remote_address import RemoteAddress
from cargo_sync.model.abilities import (
    CARGO,
    SECOND,
    Abilities,
    Publishing,
    Replacing,
    Resuming,
    Trashing,
)
from cargo_sync.model.world import T, Ts, World
from cargo_sync.s3.addresses import S3Address
from cargo_sync.s3.credentials import S3Login
from cargo_sync.state.findings import Finding
from cargo_sync.testing.remote import MemoryRemote
from cargo_sync.testing.remote_server import MemoryServer
from cargo_sync.trees.cloud.folder import CloudFolder
from cargo_sync.trees.cloud.operator import CloudOperators, operators_of
from cargo_sync.trees.cloud.problems import CloudErrors
from cargo_sync.trees.cloud.services import CloudPlace
from cargo_sync.trees.ftp.folder import FtpFolder
from cargo_sync.trees.ftp.login import FtpLogin
from cargo_sync.trees.pydio.addresses import PydioPlace
from cargo_sync.trees.pydio.folder import PydioFolder
from cargo_sync.trees.remote.contract import RemoteFolder
from cargo_sync.trees.remote.findings import MemoryFindings
from cargo_sync.trees.s3.folder import S3Folder
from cargo_sync.trees.sftp.folder import SftpFolder
from cargo_sync.trees.sftp.login import SftpLogin
from cargo_sync.trees.webdav.folder import WebDavFolder
from cargo_sync.trees.webdav.login import WebDavLogin
from cargo_sync.wire.sigv4 import AccessKey
from tests.remotes.remotes import Remotes

if TYPE_CHECKING:
    pass

Factory = Callable[[Remotes], AbstractAsyncContextManager[RemoteFolder]]

NO_FEED: Final = replace(CARGO, feed=False, hashes=False, idents=False, exchange=False)
BUCKET: Final = replace(
    NO_FEED,
    time_step=None,
    modes=False,
    links=False,
    folders=False,
    hashes=True,
    publishing=Publishing.MULTIPART,
    trashing=Trashing.COPY,
)
"""As an object store."""
SHELL: Final = replace(
    NO_FEED, time_step=SECOND, replacing=Replacing.LOOKED_AT, resuming=Resuming.APPEND
)
"""As SFTP."""
SHARE: Final = replace(
    NO_FEED,
    time_step=SECOND,
    modes=False,
    links=False,
    replacing=Replacing.LOOKED_AT,
    resuming=Resuming.NONE,
)
"""As WebDAV or FTP."""
TELLING: Final = replace(SHARE, feed=True)
"""As Pydio."""
KINDS: Final = {"bucket": BUCKET, "shell": SHELL, "share": SHARE, "telling": TELLING}


def in_memory(abilities: Abilities) -> Factory:
    @asynccontextmanager
    async def made(_: Remotes) -> AsyncIterator[RemoteFolder]:
        yield MemoryRemote(MemoryServer(), abilities, tells=not abilities.folders)

    return made


async def in_thread(work: Callable[[*Ts], T], *args: *Ts) -> T:
    return await asyncio.to_thread(work, *args)


def of_sftp(name: str) -> Factory:
    clock = time.monotonic

    @asynccontextmanager
    async def made(remotes: Remotes) -> AsyncIterator[RemoteFolder]:
        server = remotes.get(name)
        address, login = RemoteAddress.parse(server.place().url), server.login
        key = str(login.key_file) if login.key_file is not None else None
        password = (lambda: login.password) if login.password else None
        yield SftpFolder(
            address,
            SftpLogin(
                address.host, address.port, login.user, password, key, host_key=login.host_key
            ),
            World(time.time, clock, lambda: 0.5, lambda: "f" * 32, in_thread, clock),
        )

    return made


class OneFinding(MemoryFindings):
    """What was found out of one bucket of a server is believed of all."""

    def get(self, place: str) -> Finding | None:
        return super().get("")

    def put(self, finding: Finding) -> None:
        super().put(finding._replace(place=""))


def of_s3(name: str) -> Factory:
    clock = time.monotonic
    numbers = itertools.count(1)
    findings = OneFinding(clock)

    @asynccontextmanager
    async def made(remotes: Remotes) -> AsyncIterator[RemoteFolder]:
        server = remotes.get(name)
        address, login = RemoteAddress.parse(server.place().url), server.login
        key = AccessKey(login.user, login.password)
        folder = S3Folder(
            S3Login(S3Address.of(address, None), lambda: key),
            "deep/er",
            World(time.time, clock, lambda: 0.5, lambda: f"{next(numbers):032x}", in_thread, clock),
            findings,
        )
        yield folder

    return made


def of_webdav(name: str) -> Factory:
    clock = time.monotonic
    numbers = itertools.count(1)

    @asynccontextmanager
    async def made(remotes: Remotes) -> AsyncIterator[RemoteFolder]:
        server = remotes.get(name)
        address, login = RemoteAddress.parse(server.place().url), server.login
        yield WebDavFolder(
            address,
            WebDavLogin(address.authority, login.user, lambda: login.password),
            World(time.time, clock, lambda: 0.5, lambda: f"{next(numbers):032x}", in_thread, clock),
        )

    return made


def of_pydio(name: str) -> Factory:
    clock = time.monotonic
    numbers = itertools.count(1)

    @asynccontextmanager
    async def made(remotes: Remotes) -> AsyncIterator[RemoteFolder]:
        server = remotes.get(name)
        address, login = RemoteAddress.parse(server.place().url), server.login
        yield PydioFolder(
            PydioPlace(address.origin, address.path, "default", "deep/er"),
            WebDavLogin(address.authority, login.user, lambda: login.password),
            World(time.time, clock, lambda: 0.5, lambda: f"{next(numbers):032x}", in_thread, clock),
        )

    return made


def of_cloud(service: str, lacks: str = "") -> Factory:
    """A scheme of OpenDAL on this machine: no server, but the same library.

    Args:
        service: `memory` works as an object store, `fs` on a folder.
        lacks: what it is to lack, as OpenDAL writes it.
    """
    clock = time.monotonic
    numbers = itertools.count(1)

    def making(scheme: str, config: Mapping[str, str], errors: CloudErrors) -> CloudOperators:
        layers = pytest.importorskip("opendal.layers", reason="the extra [cloud] is not installed")
        operators = operators_of(scheme, config, errors)
        if not lacks:
            return operators
        override = layers.CapabilityOverrideLayer(lacks)
        return CloudOperators(*(one.layer(override) for one in operators))

    @asynccontextmanager
    async def made(_: Remotes) -> AsyncIterator[RemoteFolder]:
        with tempfile.TemporaryDirectory(prefix="cargo-cloud-") as folder:
            path = folder.strip("/") if service == "fs" else "deep/er"
            yield CloudFolder(
                CloudPlace(service, "", path),
                World(
                    time.time, clock, lambda: 0.5, lambda: f"{next(numbers):032x}", in_thread, clock
                ),
                making,
            )

    return made


def of_ftp(name: str) -> Factory:
    clock = time.monotonic
    numbers = itertools.count(1)

    @asynccontextmanager
    async def made(remotes: Remotes) -> AsyncIterator[RemoteFolder]:
        server = remotes.get(name)
        address, login = RemoteAddress.parse(server.place().url), server.login
        certificate = str(login.certificate) if login.certificate is not None else ""
        yield FtpFolder(
            address,
            FtpLogin(
                address.host, address.port, address.secure, address.tls_at_once, login.user,
                lambda: login.password, ca_file=certificate,
            ),
            World(time.time, clock, lambda: 0.5, lambda: f"{next(numbers):032x}", in_thread, clock),
        )  # fmt: skip

    return made


WITHOUT_ODD_NAMES: Final = frozenset({"webdav wsgidav"})
"""Those whose server can hold no name with a ? or ; in it; it is refused alone."""
FACTORIES: dict[str, Factory] = {
    **{f"memory {name}": in_memory(abilities) for name, abilities in KINDS.items()},
    "sftp openssh": of_sftp("openssh"),
    **{
        f"webdav {name}": of_webdav(name)
        for name in ("wsgidav", "rclone-webdav", "apache", "nextcloud-like")
    },
    **{f"ftp {name}": of_ftp(name) for name in ("vsftpd", "vsftpd-strict")},
    "pydio pydio-like": of_pydio("pydio-like"),
    **{f"s3 {name}": of_s3(name) for name in ("rclone-s3", "moto", "swift")},
    "cloud memory": of_cloud("memory"),
    "cloud fs": of_cloud("fs"),
    "cloud fs-in-one-piece": of_cloud("fs", "copy=false,write_can_multi=false"),
}
MORE: Final[dict[str, Factory]] = {
    "sftp rclone-sftp": of_sftp("rclone-sftp"),
    **{
        f"ftp {name}": of_ftp(name) for name in ("vsftpd-tls", "rclone-ftp", "proftpd", "pure-ftpd")
    },
    "s3 ceph": of_s3("ceph"),
}
"""Those of `make remotes` alone."""
