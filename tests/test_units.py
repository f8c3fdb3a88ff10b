"""The units in configs/systemd/: what they start is there, and they say what the programs keep."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from cargo_ctl.main import cargo_ctl
from cargo_sync.main import cargo_sync

UNITS = sorted(Path(__file__).parents[1].joinpath("configs", "systemd").glob("*.service"))


def fields(unit: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r"^(\w+)=(.*)$", unit.read_text(), re.MULTILINE):
        found.setdefault(name, []).append(value)
    return found


def test_these_are_all() -> None:
    assert [unit.name for unit in UNITS] == [
        "cargo-daemon.service", "cargo-daemon@.service", "cargo-node.service",
        "cargo-run@.service", "cargo-server.service", "cargo-web.service",
    ]  # fmt: skip


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_is_what_the_program_can_do(unit: Path) -> None:
    found = fields(unit)
    assert found["NoNewPrivileges"] == ["yes"]
    [command] = found["ExecStart"]
    path, *arguments = command.split()
    program = {"cargo_sync": cargo_sync, "cargo_ctl": cargo_ctl}[path.rpartition("/")[2]]
    if found["Type"] != ["oneshot"]:
        # A front end tells nobody when it is ready.
        kind = "notify" if program is cargo_sync else "exec"
        assert (found["Type"], found["Restart"]) == ([kind], ["on-failure"])
        # What our programs end with for wrong settings.
        assert found["RestartPreventExitStatus"] == ["2"]
    # Every option is one that there is; the settings themselves are not there.
    told = CliRunner().invoke(program, [*arguments, "--help"])
    assert told.exit_code == 0, told.output
    assert all(option in told.output for option in arguments if option.startswith("--"))
