"""Job files that name somebody else's server: what they need, and what has no meaning there."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cargo_sync.config.job import JobSettings, load_job
from cargo_sync.config.remote_address import RemoteKind
from cargo_sync.config.remote_kinds import NAMES, fields_of
from tests.config.samples import job, problems, write

S3 = "s3+https://s3.example.org/photos"
DAV = "webdav+https://cloud.example.org/dav"
GS = "cloud+gs://masters"
SFTP = "sftp://nas.example.org/volume1"
KEY = "SHA256:" + "aB3+/" * 8 + "xyz"


def load(folder: Path, **changes: Any) -> JobSettings:
    return load_job(write(folder, job(**changes)), {"HOME": "/home/ana"})


def wrong(folder: Path, **changes: Any) -> list[str]:
    return problems(load_job, write(folder, job(**changes)), HOME="/home/ana")


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"hostname": DAV, "options": {"a": "x"}}, "options: has no meaning for a WebDAV server"),
        ({"hostname": GS, "options": {"a": 7}}, "options: has no text as a; a number or true is"),
        ({"hostname": GS, "options": {"A b": "x"}}, "options: has a name that is not in small"),
        (
            {"hostname": GS, "options": "canary"},
            "options: is not an object (expected: an object of",
        ),
        ({"hostname": GS, "ca_file": "/etc/passwd"}, "ca_file: has no meaning for a cloud, whose"),
        (
            {"hostname": "s3+http://h/b"},
            "hostname: s3+http:// sends the password and the files unencrypted; use s3+https://,",
        ),
        ({"hostname": "webdav+http://h"}, "hostname: webdav+http:// sends the password and the"),
        ({"hostname": "sftp://ana:canary@h"}, "hostname: contains a user or password; they belong"),
        ({"hostname": 7}, "hostname: must be text in quotes, not a number"),
        (
            {"hostname": DAV, "workspace": "default"},
            "workspace: has no meaning for a WebDAV server, which has no workspaces; hostname and",
        ),
        (
            {"hostname": SFTP, "tls_fingerprint": "ab" * 32},
            "tls_fingerprint: has no meaning for an SFTP server, which has no certificate;",
        ),
        ({"hostname": SFTP, "ca_file": "/etc/passwd"}, "ca_file: has no meaning for an SFTP"),
        (
            {"hostname": "s3+http://localhost/b", "ca_file": "/etc/passwd"},
            "ca_file: has no meaning with s3+http://, which has no certificate",
        ),
        (
            {"host_key": KEY},
            "host_key: has no meaning for a Cargo server, which has no host key; tls_",
        ),
        ({"hostname": DAV, "known_hosts": "/etc/passwd"}, "known_hosts: has no meaning for a Web"),
        ({"hostname": S3, "key_file": "/etc/passwd"}, "key_file: has no meaning for an S3 bucket"),
        ({"hostname": S3, "agent": True}, "agent: has no meaning for an S3 bucket, which takes no"),
        ({"hostname": SFTP, "region": "eu-west-1"}, "region: has no meaning for an SFTP server"),
        ({"trash": "none"}, "trash: has no meaning for a Cargo server, which keeps by itself"),
        ({"hostname": DAV, "trash": "off"}, 'trash: "off" is not allowed (expected: "keep" or'),
        (
            {"hostname": DAV, "xattrs": True},
            "xattrs: has no meaning for a WebDAV server, which keeps no extended attributes",
        ),
        (
            {"hostname": "s3://photos"},
            "region: is missing: each bucket of AWS is in a region (expected: a region such as",
        ),
        ({"hostname": S3, "region": "eu west"}, 'region: "eu west" is not a region (expected: a'),
        ({"hostname": SFTP, "host_key": "MD5:ab"}, "host_key: is not a fingerprint of a host key"),
        (
            {"hostname": SFTP, "host_key": KEY, "known_hosts": "/etc/passwd"},
            "known_hosts: cannot be used together with host_key; keep one of them",
        ),
        (
            {"hostname": SFTP, "key_passphrase_file": "/etc/passwd"},
            "key_passphrase_file: has no meaning without key_file",
        ),
        (
            {"hostname": SFTP, "key_file": "/nowhere/key", "password": None},
            "key_file: there is no file /nowhere/key (expected: a file with a private key)",
        ),
        ({"hostname": SFTP, "password": None}, "password: is missing (expected: text, or {"),
        ({"hostname": DAV, "username": "a:b"}, 'username: may not contain ":", which ends the'),
        ({"hostname": S3, "username": ""}, "username: must have 1 to 255 characters"),
        ({"hostname": S3, "username": "a\nb"}, "username: contains a control character"),
        ({"username": "a:b"}, 'username: may not contain "/" or ":"'),
    ],
)
def test_one_wrong_field_is_one_line(tmp_path: Path, changes: dict[str, Any], line: str) -> None:
    (found,) = wrong(tmp_path, **changes)
    assert found.startswith(line)


def test_a_job_with_an_sftp_server(tmp_path: Path) -> None:
    for name in ("key", "hosts"):
        (tmp_path / name).write_text("canary-passphrase\n")
        (tmp_path / name).chmod(0o644)
    settings = load(
        tmp_path, hostname="sftp://nas/~/", remote_dir="/in/a b", username="DOMAIN\\ana:1",
        password=None, key_file="key", key_passphrase_file="key", host_key=KEY + "=", trash="none",
    )  # fmt: skip
    key = str(tmp_path / "key")
    assert (settings.url, settings.remote_place) == ("sftp://nas/~/", "sftp://nas/~/in/a%20b")
    assert (settings.username, settings.password.reveal()) == ("DOMAIN\\ana:1", "")
    assert settings.key_file == key
    assert settings.key_passphrase is not None
    assert settings.key_passphrase.reveal() == "canary-passphrase"
    assert (settings.host_key, settings.known_hosts) == (KEY, None)
    assert (settings.trash, settings.sleep) == ("none", 60.0)
    assert [warning.split(" ")[0] for warning in settings.warnings] == [key, key]
    assert "canary" not in repr(settings)

    agent = load(tmp_path, hostname=SFTP, password=None, agent=True, sleep=5)
    assert (agent.agent, agent.known_hosts, agent.sleep) == (True, "/home/ana/.ssh/known_hosts", 5)
    given = load(tmp_path, hostname=SFTP, known_hosts="hosts")
    assert given.known_hosts == str(tmp_path / "hosts")


def test_a_job_with_a_bucket(tmp_path: Path) -> None:
    aws = load(tmp_path, hostname="s3://photos/2026", region="eu-west-1", username="test:tester")
    assert (aws.remote.bucket, aws.region, aws.username) == ("photos", "eu-west-1", "test:tester")
    plain = load(tmp_path, hostname="s3+http://nas:9000/b", allow_plain=True)
    assert (plain.url, plain.region, plain.sleep) == ("s3+http://nas:9000/b", None, 60.0)
    assert load(tmp_path).sleep == 3.0


def test_a_job_with_a_cloud_hides_its_options(tmp_path: Path) -> None:
    options = {"account_key": "canary", "endpoint": "https://x"}
    cloud = load(tmp_path, hostname=GS, password=None, options=options)
    assert (cloud.options.reveal(), cloud.password.reveal()) == (options, "")
    assert cloud.options.shown() == {"account_key": "***", "endpoint": "https://x"}
    assert "canary" not in repr(cloud)
    (tmp_path / "file.json").chmod(0o644)
    exposed = load_job(str(tmp_path / "file.json"), {})
    assert len(exposed.warnings) == 1 and "canary" not in exposed.warnings[0]
    assert load(tmp_path, hostname=GS, password=None, options={"region": "x"}).warnings == ()


def test_every_kind_has_a_name_and_fields() -> None:
    assert NAMES.keys() == set(RemoteKind)
    assert fields_of(RemoteKind.CARGO) == {"workspace", "tls_fingerprint", "ca_file", "xattrs"}
    assert fields_of(RemoteKind.SFTP) == {
        "host_key", "known_hosts", "key_file", "key_passphrase_file", "agent", "trash",
    }  # fmt: skip


def test_a_password_of_the_systems_keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []

    def get_password(service: str, user: str) -> str | None:
        asked.append((service, user))
        if service == "locked":
            raise RuntimeError("canary")
        return "canary-kept" if service == "cargo" else None

    monkeypatch.setitem(sys.modules, "keyring", SimpleNamespace(get_password=get_password))
    settings = load(tmp_path, password={"keyring": "cargo"})
    assert (settings.password.reveal(), settings.warnings) == ("canary-kept", ())
    for password, line in (
        (
            {"keyring": "no such"},
            'password: the system\'s keyring has no password of "ana" for "no',
        ),
        ({"keyring": "locked"}, "password: the system's keyring cannot be read (RuntimeError)"),
        ({"keyring": 7}, "password: is not such an object (expected: text, or {"),
        ({"keyring": "a", "b": 1}, "password: is not such an object"),
    ):
        (found,) = wrong(tmp_path, password=password)
        assert found.startswith(line)
    wrong(tmp_path, password={"keyring": "cargo"}, username="a/b")
    assert asked == [("cargo", "ana"), ("no such", "ana"), ("locked", "ana")]
    monkeypatch.setitem(sys.modules, "keyring", None)
    (found,) = wrong(tmp_path, password={"keyring": "cargo"})
    assert "run: pip install keyring" in found
