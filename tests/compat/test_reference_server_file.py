"""Each setting of the Cargo server's manual has a field, as docs/coming-from.md says."""

import json
import re
from pathlib import Path

import pytest

from cargo_sync.config.errors import ConfigError
from cargo_sync.config.server import load_server
from cargo_sync.config.server_shape import ServerShape, UserShape

PAGE = Path(__file__).parents[2] / "docs/coming-from.md"


def test_every_setting_of_the_manual(tmp_path: Path) -> None:
    file = tmp_path / "server.json"
    file.write_text(json.dumps({
        "global_upload_bandwidth": "1gbps", "global_download_bandwidth": "500mbps",
        "private_ip": "10.0.0.5", "public_ip": "203.0.113.7", "initial_port": 8500,
        "total_connections": 64,
        "users": [{
            "username": "ana", "password": "canary", "path": str(tmp_path / "ana"),
            "enabled": False,
            "upload_speed": "10mbps", "download_speed": "20mbps",
            "upload_bandwidth": "30mbps", "download_bandwidth": "40mbps",
        }],
    }))  # fmt: skip
    file.chmod(0o600)
    server = load_server(str(file), {"HOME": str(tmp_path)})
    assert (server.global_upload_bandwidth, server.global_download_bandwidth) == (10**9, 5 * 10**8)
    assert (server.private_ip, server.public_ip) == ("10.0.0.5", "203.0.113.7")
    assert (server.initial_port, server.total_connections) == (8500, 64)
    [ana] = server.users
    assert (ana.username, ana.path, ana.enabled) == ("ana", str(tmp_path / "ana"), False)
    assert ana.password is not None and ana.password.reveal() == "canary"
    assert (ana.upload_speed, ana.download_speed) == (10**7, 2 * 10**7)
    assert (ana.upload_bandwidth, ana.download_bandwidth) == (3 * 10**7, 4 * 10**7)


def test_a_clients_path_is_an_absolute_root_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "server.json"
    inside = {"username": "ben", "password": "canary", "path": str(tmp_path / "ana/ben")}
    (tmp_path / "ana").mkdir()
    users = [{"username": "ana", "password": "canary", "path": str(tmp_path / "ana")}, inside]
    file.write_text(json.dumps({"users": users}))
    with pytest.raises(ConfigError, match="ben") as caught:
        load_server(str(file), {"HOME": str(tmp_path)})
    assert "canary" not in str(caught.value)


def test_the_page_names_fields_that_there_are() -> None:
    [section] = re.findall(r"## Cargo server\n(.*?)\n## ", PAGE.read_text(), re.DOTALL)
    rows = [line.split(" | ")[1] for line in section.splitlines() if line.startswith("| ")][2:]
    named = {name for row in rows for name in re.findall(r"`([a-z_]+)`", row)}
    assert len(named) > 10
    assert named <= ServerShape.model_fields.keys() | UserShape.model_fields.keys()
