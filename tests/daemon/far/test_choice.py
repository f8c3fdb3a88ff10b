import subprocess
import sys

import pytest

from cargo_sync.config.remote_address import RemoteAddress, RemoteKind
from cargo_sync.config.secret import Secret
from cargo_sync.daemon.far.choice import far_folder
from cargo_sync.daemon.far.login import VisitLogin
from cargo_sync.model.world import World
from tests.offloads import inline

OTHERS = sorted(set(RemoteKind) - {RemoteKind.CARGO})
ADDRESSES = {
    RemoteKind.CLOUD: "cloud+memory://",
    RemoteKind.FTP: "ftps://files.example.org",
    RemoteKind.PYDIO: "pydio+https://files.example.org",
    RemoteKind.S3: "s3+https://files.example.org/bucket",
    RemoteKind.SFTP: "sftp://files.example.org",
    RemoteKind.WEBDAV: "webdav+https://files.example.org",
}
WORLD = World(lambda: 0.0, lambda: 0.0, lambda: 0.5, lambda: "f" * 32, inline, lambda: 0.0)


@pytest.mark.parametrize("kind", OTHERS)
async def test_a_daemon_reaches_all_that_job_files_may_name(kind: RemoteKind) -> None:
    login = VisitLogin(RemoteAddress.parse(ADDRESSES[kind]), "ana", Secret("canary"))
    assert login.remote.kind is kind
    folder = far_folder(login, WORLD)
    assert type(folder).__module__ == f"cargo_sync.trees.{kind}.folder"


def test_what_no_job_needs_is_not_imported() -> None:
    """It would nearly double the time in which a daemon starts."""
    code = "import sys, cargo_sync.daemon.app; print('asyncssh' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert found.stdout.strip() == b"False"
