"""The files in configs/cluster: three servers, and HAProxy before them."""

import datetime
import json
from pathlib import Path

import pytest

from cargo_sync.api import own_certificate
from cargo_sync.config import relaxed
from cargo_sync.config.server import load_server
from tests.many_servers.balancer import SHIPPED
from tests.remotes.installed import of_system
from tests.remotes.server import MissingError

NAMES = ("a", "b", "c")
FOLDER = SHIPPED.parent


def test_three_servers_differ_in_name_and_address_alone(tmp_path: Path) -> None:
    etc = tmp_path / "etc"
    etc.mkdir()
    for name in ("cert.pem", "key.pem", "ca.pem", "pgpass", "s3.secret"):
        (etc / name).write_text("x\n")
        (etc / name).chmod(0o600)
    env = {"HOME": str(tmp_path), "ANA_PASSWORD": "a", "BEN_PASSWORD": "b"}
    read = []
    for name in NAMES:
        text = (FOLDER / f"server-{name}.json").read_text()
        path = tmp_path / f"server-{name}.json"
        path.write_text(text.replace("/etc/cargo_sync", str(etc)))
        path.chmod(0o600)
        settings = load_server(str(path), env)
        assert settings.cluster is not None and settings.cluster.name == name
        assert settings.public_ip and f"server {name} {settings.public_ip}:" in SHIPPED.read_text()
        read.append(relaxed.parse(text, name).value)
    for one in read:
        del one["cluster"], one["public_ip"]
    assert json.dumps(read[0]) == json.dumps(read[1]) == json.dumps(read[2])


def test_haproxy_takes_its_file(tmp_path: Path) -> None:
    try:
        haproxy = of_system("haproxy")
    except MissingError as missing:
        pytest.skip(str(missing))
    cert, key = tmp_path / "cargo-ca.pem", tmp_path / "key.pem"
    now = datetime.datetime(2026, 11, 30, tzinfo=datetime.UTC)
    own_certificate.make_certificate(
        str(cert), str(key), "Cargo server", ["files.example.com"], now
    )
    (tmp_path / "site.pem").write_text(key.read_text() + cert.read_text())
    path = tmp_path / "haproxy.cfg"
    path.write_text(SHIPPED.read_text().replace("/etc/haproxy/", f"{tmp_path}/"))
    assert "Configuration file is valid" in haproxy.says("-c", "-f", str(path))
