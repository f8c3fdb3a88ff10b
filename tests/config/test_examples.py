"""The files in configs/ and the pages of docs/configuration.md agree with the code."""

import re
from pathlib import Path

import pytest

from cargo_sync.config.backup import BackupShape, FileServersShape
from cargo_sync.config.bucket import BucketShape
from cargo_sync.config.callbacks import CallbacksShape
from cargo_sync.config.control import ControlShape
from cargo_sync.config.daemon import DaemonShape, load_daemon
from cargo_sync.config.job import load_job
from cargo_sync.config.job_shape import DEFAULT_EXCLUDE, FiltersShape, JobShape
from cargo_sync.config.node import CoordinatorShape, NodeShape, ScrubShape, load_node
from cargo_sync.config.process_shape import KeepShape, LogShape, MetricsShape, ProcessShape
from cargo_sync.config.remote_address import RemoteAddress, RemoteKind
from cargo_sync.config.server import load_server
from cargo_sync.config.server_shape import ServerShape, TlsShape, UserShape, WorkspaceShape
from cargo_sync.config.shape import Shape
from cargo_sync.config.stored import NodesShape

ROOT = Path(__file__).parents[2]


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    secrets = tmp_path / ".config/cargo_sync"
    secrets.mkdir(parents=True)
    for name in ("ana.password", "ben.password", "client.password", "store.key"):
        (secrets / name).write_text("secret\n")
        (secrets / name).chmod(0o600)
    return {"HOME": str(tmp_path), "ANA_PASSWORD": "a", "BEN_PASSWORD": "b"}


def test_the_examples_load(env: dict[str, str]) -> None:
    configs = ROOT / "configs"
    upload = load_job(str(configs / "job-upload.example.json"), env)
    assert (upload.mode, upload.move_to, upload.warnings) == ("upload", "sent", ())
    assert ([row.speed for row in upload.timetable], upload.priority) == (
        [10_000_000, 50_000_000],
        70,
    )
    download = load_job(str(configs / "job-download.example.json"), env)
    assert (download.mode, len(download.events)) == ("download", 2)
    assert download.warnings == ()
    both = load_job(str(configs / "job-bidirectional.example.json"), env)
    assert (both.mode, both.delete, both.warnings) == ("bidirectional", "propagate", ())
    sftp = load_job(str(configs / "job-sftp.example.json"), env)
    assert (sftp.url, sftp.known_hosts) == (
        "sftp://nas.example.org/volume1/masters",
        f"{env['HOME']}/.ssh/known_hosts",
    )
    ftp = load_job(str(configs / "job-ftp.example.json"), env)
    assert (ftp.remote.port, ftp.remote.secure, ftp.remote.path) == (21, True, "incoming")
    s3 = load_job(str(configs / "job-s3.example.json"), env)
    assert (s3.remote.bucket, s3.remote.path) == ("masters", "2026")
    dav = load_job(str(configs / "job-webdav.example.json"), env)
    assert dav.url == "webdav+https://cloud.example.org/remote.php/dav/files/ana/Pictures"
    pydio = load_job(str(configs / "job-pydio.example.json"), env)
    assert (pydio.url, pydio.workspace) == ("pydio+https://files.example.org/pydio", "my-files")
    cloud = load_job(str(configs / "job-cloud.example.json"), env)
    assert (cloud.remote.service, cloud.remote.bucket) == ("gs", "masters")
    assert load_daemon(str(configs / "daemon.example.json"), env).bandwidth == 100_000_000
    node = load_node(str(configs / "node.example.json"), env)
    assert (node.capacity, node.scrub.rate, node.lane_port) == (2 * 10**12, 80_000_000, 8446)
    server = load_server(str(configs / "server.example.json"), env)
    assert ([user.username for user in server.users], server.warnings) == (["ana", "ben"], ())
    stored = load_server(str(configs / "server-bucket.example.json"), env)
    [bucket] = [one.bucket for one in stored.workspaces]
    assert (
        bucket is not None and str(bucket.address) == "s3+https://store.example.org/cargo/archive"
    )
    assert (bucket.password.reveal(), stored.warnings) == ("secret", ())


def test_the_page_names_every_kind_of_server() -> None:
    page = (ROOT / "docs/configuration.md").read_text()
    said = set()
    for scheme in re.findall(r"^\| `([a-z0-9+]+|cloud\+SCHEME)://", page, re.MULTILINE):
        address = f"{scheme.lower()}://host/bucket"
        said.add(RemoteAddress.parse(address).kind)
    assert said == set(RemoteKind)


@pytest.mark.parametrize(
    "shape",
    [
        JobShape,
        FiltersShape,
        DaemonShape,
        ControlShape,
        CallbacksShape,
        ServerShape,
        TlsShape,
        UserShape,
        WorkspaceShape,
        *(NodesShape, BucketShape),
        BackupShape,
        FileServersShape,
        *(NodeShape, CoordinatorShape, ScrubShape),
        *(ProcessShape, LogShape, MetricsShape, KeepShape),
    ],
)
def test_every_field_is_in_the_documentation_needed_ones_in_bold(shape: type[Shape]) -> None:
    page = (ROOT / "docs/configuration.md").read_text()
    alike = ProcessShape.model_fields if shape in (DaemonShape, NodeShape) else {}
    rows = {
        name: f"\n| **`{name}`** |" if field.is_required() else f"\n| `{name}` |"
        for name, field in shape.model_fields.items()
        if name not in alike  # described once, for all files
    }
    assert [name for name, row in rows.items() if row not in page] == []


def test_the_default_patterns_are_in_the_documentation() -> None:
    page = (ROOT / "docs/configuration.md").read_text()
    assert [pattern for pattern in DEFAULT_EXCLUDE if f"`{pattern}`" not in page] == []
