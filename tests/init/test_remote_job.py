"""`cargo_sync init job` with somebody else's server, a real one."""

import json
import stat
from pathlib import Path
from typing import Any

import click
import pytest

from cargo_sync.config.job import load_job
from cargo_sync.init.job import init_job
from cargo_sync.init.new_job import JobAnswers
from cargo_sync.init.questions import InitError, Questions
from tests.init.conftest import Answer
from tests.remotes.remotes import Remotes


def refused(folder: Path, server: str, **answers: Any) -> str:
    """Why no job is written."""
    (folder / "here").mkdir(exist_ok=True)
    given = {"path": "job.json", "server": server, "folder": str(folder / "here"), "mode": "up"}
    with pytest.raises((InitError, click.ClickException)) as error:
        init_job(JobAnswers(**given | answers), Questions(True), {"HOME": str(folder)})
    assert not (folder / "job.json").exists()
    return str(error.value)


def test_a_person_sets_up_a_job_with_a_webdav_server(
    remotes: Remotes, tmp_path: Path, answer: Answer
) -> None:
    server = remotes.get("wsgidav")
    place = server.place()
    assert place.stored is not None
    (place.stored / "a").write_bytes(b"words")
    (tmp_path / "here").mkdir()
    user, password = server.login.user, server.login.password
    typed = (user, "wrong", user, password, str(tmp_path / "here"), "up", "y")
    told = answer("job", "job.json", "--server", place.url, typed=typed)
    assert told.exit_code == 0, told.output
    assert f"{place.url}: 1 file, 5 B" in told.stdout and "refuses this login" in told.stderr
    path = tmp_path / "job.json"
    load_job(str(path), {})
    found = json.loads(path.read_text())
    kept = Path(found.pop("password_file"))
    assert kept.read_text().strip() == password
    assert {stat.S_IMODE(one.stat().st_mode) for one in (path, kept)} == {0o600}
    assert found == {
        "sync_name": "here", "sync_mode": "upload", "local_dir": str(tmp_path / "here"),
        "hostname": place.url, "username": user,
    }  # fmt: skip
    assert [one.name for one in place.stored.iterdir() if one.name[0] != "."] == ["a"]


def test_what_cannot_work_is_said_and_nothing_is_written(remotes: Remotes, tmp_path: Path) -> None:
    server = remotes.get("wsgidav")
    url, secret = server.place().url, tmp_path / "secret"
    secret.write_text(server.login.password + "\n")
    secret.chmod(0o600)
    login = {"user": server.login.user, "password_file": str(secret)}
    key = tmp_path / "no_key"
    key.write_text("none")
    cases: tuple[tuple[str, dict[str, Any], str], ...] = (
        (url, {**login, "region": "eu-west-1"}, "--region has no meaning for a WebDAV server"),
        (url, {**login, "user": "nobody"}, "refuses this login"),
        (f"{url}/none", {**login, "mode": "down"}, "to download from"),
        (url, {"password_file": str(secret)}, "give --user"),
        ("sftp://192.0.2.1/x", {**login, "known_hosts": "none"}, "there is no file"),
        ("webdav+https://a@h/x", login, "contains a user or password"),
    )
    for address, answers, told in cases:
        assert told in refused(tmp_path, address, **answers)
