"""The command line: what it refuses, and how; and what a log line may hold."""

import asyncio
import json
import re
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from cargo_sync.config.process_shape import LogSettings
from cargo_sync.main import cargo_sync
from cargo_sync.process.service import Service
from cargo_sync.running import run_application as run


def call(*arguments: str) -> Result:
    return CliRunner().invoke(cargo_sync, arguments)


def test_version() -> None:
    assert call("--version").output.startswith("cargo_sync ")


@pytest.mark.parametrize(
    "command", [["daemon", "--config"], ["daemon", "--job"], ["server", "--config"]]
)
def test_a_bad_file_is_refused_with_every_problem_on_its_own_line(
    command: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "file.json"
    path.write_text('{"lisen": 1, "jobs_dirr": 2, "sync_name": ""}')
    result = call(*command, str(path))
    assert result.exit_code == 2
    lines = result.stderr.splitlines()
    assert len(lines) >= 2
    assert all(line.startswith(str(path)) for line in lines)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    result = call("daemon", "--job", str(tmp_path / "none.json"))
    assert result.exit_code == 2
    assert "none.json" in result.stderr


def test_one_job_whose_folder_is_missing_is_refused(tmp_path: Path) -> None:
    job = {
        "sync_name": "nightly", "sync_mode": "upload", "local_dir": str(tmp_path / "none"),
        "hostname": "https://files.example.org", "username": "ana", "password": "canary",
    }  # fmt: skip
    path = tmp_path / "job.json"
    path.write_text(json.dumps(job))
    result = call("daemon", "--job", str(path))
    assert result.exit_code == 2
    assert result.stderr.splitlines() == [
        f"{path}: local_dir: there is no folder {tmp_path / 'none'} (make it, or correct the path)"
    ]


def test_config_and_job_exclude_each_other() -> None:
    assert call("daemon", "--config", "a", "--job", "b").exit_code == 2


def test_check(tmp_path: Path) -> None:
    job = {
        "sync_name": "nightly", "sync_mode": "upload", "local_dir": str(tmp_path),
        "hostname": "https://files.example.org", "username": "ana", "password": "canary",
    }  # fmt: skip
    path = tmp_path / "job.json"
    path.write_text(json.dumps(job))
    path.chmod(0o600)
    result = call("check", str(path))
    ok, zones = result.output.splitlines()
    assert (result.exit_code, ok) == (0, f"{path}: OK")
    assert re.fullmatch(r"time zones: rules \d{4}[a-z]+, from .+", zones)
    path.write_text(json.dumps(job | {"sync_mode": "uplaod"}))
    result = call("check", str(path))
    assert (result.exit_code, result.stdout) == (2, "")
    assert "sync_mode" in result.stderr and "canary" not in result.stderr


@pytest.mark.parametrize("there", [True, False])
def test_the_loop_is_uvloop_where_there_is_one_and_the_standard_one_elsewhere(
    there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("uvloop")
    if not there:
        monkeypatch.setitem(sys.modules, "uvloop", None)
    loops: list[str] = []

    async def application(_: Service) -> None:
        loops.append(type(asyncio.get_running_loop()).__module__)

    with click.Context(cargo_sync, obj="warning"):
        run(application, LogSettings(), "test")
    assert loops == ["uvloop" if there else "asyncio.unix_events"]


@pytest.mark.parametrize("option", [[], ["--end-with-stdin"]])
def test_a_daemon_ends_with_its_standard_input_if_asked(
    option: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[object] = []

    async def run(*_: object, **options: object) -> None:
        given.append(options["with_parent"])

    monkeypatch.setattr("cargo_sync.daemon.app.run", run)
    job = {
        "sync_name": "nightly", "sync_mode": "upload", "local_dir": str(tmp_path),
        "hostname": "https://files.example.org", "username": "ana", "password": "canary",
    }  # fmt: skip
    path = tmp_path / "job.json"
    path.write_text(json.dumps(job))
    result = call("daemon", "--job", str(path), *option)
    assert (result.exit_code, given) == (0, [bool(option)]), result.output
