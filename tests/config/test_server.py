from pathlib import Path
from typing import Any

import argon2
import pytest

from cargo_sync.config.cluster import ClusterSettings
from cargo_sync.config.control import ControlSettings
from cargo_sync.config.grants import Grant
from cargo_sync.config.relaxed import read
from cargo_sync.config.secret import Secret
from cargo_sync.config.server import (
    ServerSettings,
    TlsFiles,
    UserSettings,
    WorkspaceSettings,
    load_server,
    missing_folders,
    server_from,
)
from cargo_sync.config.stored import NodesSettings
from tests.config.samples import problems, write

ENV = {"HOME": "/home/ana"}


def user(name: str, path: str, **more: Any) -> dict[str, Any]:
    return {"username": name, "path": path, **more}


def wrong(folder: Path, **content: Any) -> list[str]:
    """The problems, with the folder's own path cut out."""
    return [
        line.replace(f"{folder}/", "")
        for line in problems(load_server, write(folder, content), **ENV)
    ]


def test_an_empty_file_has_defaults_for_everything(tmp_path: Path) -> None:
    path = write(tmp_path, {})
    assert load_server(path, ENV) == ServerSettings(
        host="0.0.0.0", port=8443, state_dir="/home/ana/.local/state/cargo_sync/server", file=path
    )


@pytest.mark.parametrize(
    ("changes", "warned"),
    [
        ({}, True),
        ({"private_ip": "0.0.0.0"}, False),
        ({"public_ip": "203.0.113.7"}, False),
        ({"listen": "10.0.0.2:8443"}, False),
        ({"listen": "localhost:8443"}, True),
        ({"trusted_proxies": []}, False),
    ],
)
def test_a_data_port_that_only_the_proxy_can_reach_is_warned_of(
    tmp_path: Path, changes: dict[str, Any], warned: bool
) -> None:
    behind = {"listen": "127.0.0.1:8443", "trusted_proxies": ["127.0.0.1"]}
    found = load_server(write(tmp_path, behind | changes), ENV).warnings
    assert [("private_ip" in warning) for warning in found] == [True] * warned


def test_every_field(tmp_path: Path) -> None:
    digest = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("canary-hash")
    drop = {"ana": "rw", "ben": {"access": "wo", "path": "/in/ben"}}
    for name in ("cert.pem", "key.pem", "ben.password"):
        (tmp_path / name).write_text("canary-ben\n")
        (tmp_path / name).chmod(0o600)
    content = {
        "listen": "[::1]:9443",
        "state_dir": "state",
        "tls": {"cert": "cert.pem", "key": "key.pem"},
        "allow_plain": True,
        "prefix": "cargo/",
        "trusted_proxies": ["10.0.0.1", "192.168.0.0/16"],
        "initial_port": 0,
        "total_connections": 5,
        "private_ip": "10.0.0.2",
        "public_ip": "203.0.113.7",
        "global_upload_bandwidth": "1gbps",
        "global_download_bandwidth": "2gbps",
        "control": {"runtime_dir": "run"},
        "settle": 0,
        "trash_days": 1.5,
        "scan_interval": 5,
        "full_scan_interval": 50,
        "users": [
            user("ana", "ana", password="canary-ana", upload_speed="1mbps", download_speed="2mbps"),
            user(
                "ben",
                "ben",
                password_file="ben.password",
                upload_bandwidth="3mbps",
                download_bandwidth="4mbps",
            ),
            user(
                "eva",
                "ana",
                password_hash=digest,
                enabled=False,
                quota={"bytes": "500GB", "files": 1_000_000},
                expires="2027-01-31T18:00+01:00",
                networks=["10.1.2.3/8", "2001:db8::5"],
            ),
        ],
        "workspaces": [
            {
                "name": "drop",
                "path": "drop",
                "grants": drop,
                "quota": {"bytes": "2TB"},
            },
            {"name": "far", "store": {"nodes": {"copies": 3}}, "grants": {"ana": "rw"}},
        ],
        "nodes": {"grace": "2h", "repair_speed": "1gbps"},
    }
    path = write(tmp_path, content)
    settings = load_server(path, ENV)
    granted = {"ana": Grant("rw"), "ben": Grant("wo", "in/ben")}
    assert "canary" not in repr(settings) and digest not in repr(settings)
    here = str(tmp_path)
    assert settings == ServerSettings(
        host="::1",
        port=9443,
        state_dir=f"{here}/state",
        tls=TlsFiles(f"{here}/cert.pem", f"{here}/key.pem"),
        allow_plain=True,
        prefix="/cargo",
        trusted_proxies=("10.0.0.1/32", "192.168.0.0/16"),
        initial_port=0,
        total_connections=5,
        private_ip="10.0.0.2",
        public_ip="203.0.113.7",
        global_upload_bandwidth=1_000_000_000,
        global_download_bandwidth=2_000_000_000,
        control=ControlSettings(f"{here}/run"),
        users=(
            UserSettings(
                "ana",
                f"{here}/ana",
                Secret("canary-ana"),
                None,
                1_000_000,
                2_000_000,
                given=frozenset({"username", "path", "password", "upload_speed", "download_speed"}),
            ),
            UserSettings(
                "ben",
                f"{here}/ben",
                Secret("canary-ben"),
                None,
                None,
                None,
                3_000_000,
                4_000_000,
                given=frozenset(
                    {"username", "path", "password_file", "upload_bandwidth", "download_bandwidth"}
                ),
            ),
            UserSettings(
                "eva",
                f"{here}/ana",
                None,
                digest,
                enabled=False,
                quota_bytes=500 * 10**9,
                quota_files=1_000_000,
                expires=1_801_414_800.0,
                networks=("10.0.0.0/8", "2001:db8::5/128"),
                given=frozenset(
                    {
                        "username",
                        "path",
                        "password_hash",
                        "enabled",
                        "quota",
                        "expires",
                        "networks",
                    }
                ),
            ),
        ),
        workspaces=(
            WorkspaceSettings("drop", f"{here}/drop", granted, 2 * 10**12),
            WorkspaceSettings("far", "stored:far", {"ana": Grant("rw")}, copies=3),
        ),
        nodes=NodesSettings(7_200.0, 1_000_000_000),
        settle=0,
        trash_days=1.5,
        scan_interval=5,
        full_scan_interval=50,
        file=path,
        warnings=(
            f"{path} contains the password of ana in plain text; the server stores its hash: "
            f"remove it",
        ),
    )


def test_folders_of_users_and_workspaces_lie_apart(tmp_path: Path) -> None:
    (tmp_path / "ana").mkdir()
    assert wrong(
        tmp_path,
        state_dir="state",
        users=[
            user("ana", "ana"),
            user("ana", "ben"),
            user("eva", "ana/eva"),
            user("joe", "state"),
        ],
        workspaces=[
            {"name": "default", "path": "x"},
            {"name": "two", "path": "y", "grants": {"anna": "rw", "ben": "w"}},
            {"name": "six", "path": "z", "grants": {"ana": {"access": "ro", "path": "a/../b"}}},
        ],
    ) == [
        'users[1].username: there is another user "ana"',
        'users[2].path: ana/eva and ana of user "ana" overlap; '
        "use the same folder to share it, or two separate ones",
        "users[3].path: state and the server's state_dir state overlap",
        'workspaces[1].grants.ben: "w" is not allowed '
        '(expected: "rw" to read and write, "ro" to read or "wo" to add files only)',
        'workspaces[2].grants.ana.path: ".." is not allowed',
    ]
    assert wrong(
        tmp_path,
        state_dir="state",
        users=[user("ana", "ana")],
        workspaces=[
            {"name": "default", "path": "x"},
            {"name": "two", "path": "y", "grants": {"anna": "rw"}},
            {"name": "two", "path": "y"},
            {"name": "four", "path": "ana"},
        ],
    ) == [
        'workspaces[0].name: "default" is the name of every user\'s own path; choose another one',
        'workspaces[1].grants.anna: there is no user "anna"; did you mean "ana"?',
        'workspaces[2].name: there is another workspace "two"',
        'workspaces[2].path: y and y of workspace "two" overlap',
        'workspaces[3].path: ana and ana of user "ana" overlap',
    ]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (
            {"listen": "here:1"},
            'listen: "here" is not an IP address (expected: an address and port such as ',
        ),
        ({"listen": 8443}, "listen: must be text in quotes, not a number"),
        (
            {"plain": True},
            "listen: plain HTTP on 0.0.0.0 shows passwords and files to the network; ",
        ),
        (
            {"tls": {"cert": "/etc/passwd"}},
            "tls.key: is missing (expected: a file with the private key, in PEM)",
        ),
        (
            {"prefix": "/a b"},
            'prefix: "/a b" is not a path prefix (expected: a path such as "/files")',
        ),
        ({"trusted_proxies": ["x"]}, 'trusted_proxies[0]: "x" is not an IP address or network'),
        (
            {"initial_port": 70000},
            "initial_port: must be at most 65535 (expected: a port, 0 to 65535)",
        ),
        ({"public_ip": "example.org"}, 'public_ip: "example.org" is not an IP address'),
        ({"scan_interval": 0}, "scan_interval: must be more than 0"),
        ({"userz": []}, 'userz: is not a field here (did you mean "users"?)'),
        ({"users": [{"path": "/nowhere/a/b"}]}, "users[0].username: is missing"),
        ({"users": [user("a/b", "a")]}, 'users[0].username: may not contain "/" or ":"'),
        (
            {"users": [user("a", "a", password_hash="canary")]},
            "users[0].password_hash: is not an argon2 hash",
        ),
        (
            {"users": [user("a", "a", pasword="canary")]},
            "users[0].pasword: is not a field here (did you mean ",
        ),
        (
            {"users": [user("a", "a", quota={})]},
            "users[0].quota.files: a quota without bytes and files limits nothing; leave it out",
        ),
        (
            {"users": [user("a", "a", quota={"bytes": 5})]},
            "users[0].quota.bytes: must be text in quotes, not a number (expected: a number and B,",
        ),
        (
            {"users": [user("a", "a", quota={"files": -1})]},
            "users[0].quota.files: must be at least 0",
        ),
        (
            {"users": [user("a", "a", quota="5GB")]},
            'users[0].quota: must be an object, not text (expected: an object with "bytes" (such ',
        ),
        (
            {"users": [user("a", "a", expires="31.1.2027")]},
            'users[0].expires: "31.1.2027" is not a day or a time (expected: a day such as ',
        ),
        (
            {"users": [user("a", "a", networks=["10.0.0.0/8", "home"])]},
            'users[0].networks[1]: "home" is not an IP address or network',
        ),
        ({"users": [user("a", "a", networks=[])]}, "users[0].networks: "),
    ],
)
def test_one_wrong_field(tmp_path: Path, content: dict[str, Any], line: str) -> None:
    assert wrong(tmp_path, **content)[0].startswith(line)


def test_a_user_has_one_password(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("canary")
    found = wrong(tmp_path, users=[user("a", "a", password="canary", password_file="secret")])
    assert found == [
        "users[0].password_hash: password and password_file cannot be used together; keep one "
        "of them"
    ]


def test_plain_http(tmp_path: Path) -> None:
    assert load_server(write(tmp_path, {"plain": True, "listen": "127.0.0.1:0"}), ENV).plain
    assert load_server(write(tmp_path, {"plain": True, "allow_plain": True}), ENV).plain
    tls = {"cert": "/etc/passwd", "key": "/etc/passwd"}
    assert wrong(tmp_path, plain=True, listen="localhost", tls=tls) == [
        'tls: cannot be used together with "plain": true; keep one of them'
    ]


@pytest.mark.parametrize(
    ("workspace", "lines"),
    [
        ({}, ["workspaces[0].path: is missing (expected: a folder on this machine)"]),
        (
            {"path": "x", "store": {"nodes": {}}},
            ['workspaces[0].path: cannot be used together with "store"; keep one of them'],
        ),
        (
            {"store": {"nodes": {"copies": 4}}},
            [
                "workspaces[0].store.nodes.copies: must be at most 3 "
                "(expected: how many nodes keep each content: 1, 2 or 3)"
            ],
        ),
        (
            {"store": {"nodes": {"copies": 0}}},
            [
                "workspaces[0].store.nodes.copies: must be at least 1 "
                "(expected: how many nodes keep each content: 1, 2 or 3)"
            ],
        ),
        (
            {"store": {}},
            [
                'workspaces[0].store.s3: is missing; write it, or "nodes": {"copies": 2} for '
                "storage nodes"
            ],
        ),
    ],
)
def test_a_workspace_has_a_folder_or_nodes(
    tmp_path: Path, workspace: dict[str, Any], lines: list[str]
) -> None:
    assert wrong(tmp_path, workspaces=[{"name": "music", **workspace}]) == lines


KEY = {"username": "id", "password": "secret"}
AT = {"address": "s3+https://store.example.com/bucket/cargo", **KEY}


def test_a_workspace_in_a_bucket(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from a file\n")
    (tmp_path / "key").chmod(0o644)
    aws = {"address": "s3://bucket", "region": "eu-west-1", "username": "id"}
    stores = [AT, AT | {"password": "${KEY}"}, aws | {"password_file": "key"}]
    content = {
        "workspaces": [
            {"name": f"w{number}", "store": {"s3": store}} for number, store in enumerate(stores)
        ]
    }
    settings = load_server(write(tmp_path, content), ENV | {"KEY": "secret"})
    found = [one.bucket for one in settings.workspaces]
    assert [one.path for one in settings.workspaces] == ["bucket:w0", "bucket:w1", "bucket:w2"]
    assert found[0] == found[1] and found[0] is not None and found[2] is not None
    assert str(found[0].address) == AT["address"] and "secret" not in repr(settings)
    assert (found[2].region, found[2].password.reveal()) == ("eu-west-1", "from a file")
    assert any("key contains a password" in warning for warning in settings.warnings)


@pytest.mark.parametrize(
    ("store", "line"),
    [
        (AT | {"address": "sftp://host/x"}, ".address: names no bucket"),
        (AT | {"address": "s3+http://far.example/b"}, ".address: s3+http:// sends the password"),
        (AT | {"address": "s3://bucket"}, ".region: is missing: each bucket of AWS is in"),
        (AT | {"tls_fingerprint": "ab" * 32, "ca_file": "/etc/passwd"}, ".ca_file: cannot be used"),
        (AT | {"password_file": "/etc/passwd"}, ".password: cannot be used together with"),
        ({"address": AT["address"], "username": "id"}, ".password: is missing"),
        (AT | {"username": ""}, ".username: must have 1 to 255"),
    ],
)
def test_what_a_bucket_is_must_be_said(tmp_path: Path, store: dict[str, Any], line: str) -> None:
    [found] = wrong(tmp_path, workspaces=[{"name": "music", "store": {"s3": store}}])
    assert found.startswith(f"workspaces[0].store.s3{line}")


def test_workspaces_ask_alike_for_the_bucket_that_they_share(tmp_path: Path) -> None:
    stores = [{"s3": AT}, {"s3": AT | {"username": "other"}}, {"s3": AT, "nodes": {}}]
    spaces = [{"name": f"w{number}", "store": one} for number, one in enumerate(stores)]
    assert wrong(tmp_path, workspaces=spaces[:2]) == [
        "workspaces[1].store.s3: the same bucket is named in workspaces[0] with another key or "
        "trust; use the same, or folders of their own"
    ]
    assert wrong(tmp_path, workspaces=spaces[2:]) == [
        'workspaces[0].store.s3: cannot be used together with "nodes"; keep one of them'
    ]


def test_a_workspace_on_nodes_has_no_folder_that_could_be_missing(tmp_path: Path) -> None:
    content = {
        "workspaces": [
            {"name": "music", "store": {"nodes": {}}},
            {"name": "art", "path": "no/art"},
        ]
    }
    document = read(write(tmp_path, content))
    settings = server_from(document, ENV)
    assert [(one.path, one.copies) for one in settings.workspaces] == [
        ("stored:music", 2),
        (f"{tmp_path}/no/art", None),
    ]
    assert [one.field for one in missing_folders(document, settings)] == ["workspaces[1].path"]


def test_repairs_of_copies_have_a_speed(tmp_path: Path) -> None:
    assert wrong(tmp_path, nodes={"repair_speed": "0mbps", "grace": "5"})[0].startswith("nodes.")


def test_one_of_several_servers_needs_what_all_must_share(tmp_path: Path) -> None:
    for name in ("cert.pem", "key.pem"):
        (tmp_path / name).write_text("")
    whole: dict[str, Any] = {
        "database": "postgresql:///cargo",
        "tls": {"cert": str(tmp_path / "cert.pem"), "key": str(tmp_path / "key.pem")},
        "public_ip": "192.0.2.11",
        "cluster": {"name": "a", "address": "files-a.example.com"},
    }
    found = load_server(write(tmp_path, whole), ENV).cluster
    assert found == ClusterSettings("a", "https://files-a.example.com:8443")
    assert load_server(write(tmp_path, whole | {"cluster": {}}), ENV).cluster == ClusterSettings()
    for missing, words in (
        ("database", 'needs "database"'),
        ("tls", "with the same certificate on every server"),
        ("public_ip", "the address of this server alone"),
    ):
        less = {name: value for name, value in whole.items() if name != missing}
        [line] = wrong(tmp_path, **less)
        assert "cluster" in line and words in line
    plain: dict[str, Any] = {name: value for name, value in whole.items() if name != "tls"}
    plain |= {"plain": True, "listen": "127.0.0.1:8443"}
    assert load_server(write(tmp_path, plain), ENV).cluster == found
