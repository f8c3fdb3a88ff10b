"""The units in configs/systemd/: what they start is there, and they say what the programs keep."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from cargo_sync.main import cargo_sync

UNITS = sorted(Path(__file__).parents[1].joinpath("configs", "systemd").glob("*.service"))


def fields(unit: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r"^(\w+)=(.*)$", unit.read_text(), re.MULTILINE):
        found.setdefault(name, []).append(value)
    return found


def test_there_are_three() -> None:
    assert [unit.name for unit in UNITS] == [
        "cargo-daemon.service", "cargo-daemon@.service", "cargo-server.service",
    ]  # fmt: skip


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_is_what_the_program_can_do(unit: Path) -> None:
    found = fields(unit)
    assert (found["Type"], found["Restart"], found["NoNewPrivileges"]) == (
        ["notify"],
        ["on-failure"],
        ["yes"],
    )
    assert found["RestartPreventExitStatus"] == [
        "2"
    ]  # what `cargo_sync` ends with for wrong settings
    [command] = found["ExecStart"]
    program, *arguments = command.split()
    assert program.endswith("/cargo_sync")
    # Every option is one that there is; the settings themselves are not there.
    told = CliRunner().invoke(cargo_sync, [*arguments, "--help"])
    assert told.exit_code == 0, told.output
    assert all(option in told.output for option in arguments if option.startswith("--"))
