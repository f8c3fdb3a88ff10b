"""The demo, as far as no other program is needed: tests/e2e/test_demo.py runs it."""

import shlex
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from cargo_sync.demo.home import Home
from cargo_sync.demo.run import what_to_try
from cargo_sync.main import cargo_sync


def test_the_folder_that_is_named_must_be_there(tmp_path: Path) -> None:
    refused = CliRunner().invoke(cargo_sync, ["demo", "--source", str(tmp_path / "none")])
    assert refused.exit_code == 2


@pytest.mark.parametrize("on_nodes", [False, True])
def test_its_commands_run_elsewhere(on_nodes: bool, tmp_path: Path) -> None:
    lines = what_to_try(Home.make(str(tmp_path), "/source", on_nodes=on_nodes)).splitlines()
    assert any("node list --connect" in line for line in lines) == on_nodes
    status = next(line for line in lines if line.endswith("cargo_ctl status"))
    program, _ = shlex.split(status)
    elsewhere = subprocess.run([program, "--version"], env={"PATH": "/usr/bin"}, check=True)
    assert elsewhere.returncode == 0
