"""`status --check`: one line and an exit code, for a monitoring system."""

from typing import Any

import orjson
import pytest
from click.testing import CliRunner

from cargo_ctl.main import cargo_ctl
from cargo_sync.api.messages import ControlError
from tests.cargo_ctl import server_examples
from tests.cargo_ctl.examples import SYNCING
from tests.control.canned import canned


def job(name: str, state: str, detail: str = "", **changes: Any) -> dict[str, Any]:
    return {
        "name": name, "state": state, "detail": detail, "errors": 0, "conflicts": 0, "drifted": 0,
        "progress": {},
    } | changes  # fmt: skip


def check(runtime: str, answers: Any, *args: str) -> tuple[int, str]:
    with canned(runtime, answers):
        result = CliRunner().invoke(cargo_ctl, ["status", "--check", *args])
    assert len(result.output.splitlines()) == 1
    return result.exit_code, result.stdout.strip()


@pytest.mark.parametrize(
    ("jobs", "code", "line"),
    [
        ([job("a", "synced"), job("b", "synced")], 0, "OK - 2 jobs: 2 synced"),
        ([job("a", "waiting"), job("b", "disabled")], 0, "OK - 2 jobs: 1 waiting, 1 disabled"),
        ([job("a", "paused")], 1, "WARNING - 1 job: 1 paused; a paused"),
        ([job("a", "held", "30 deletions")], 1, "WARNING - 1 job: 1 held; a held: 30 deletions"),
        (
            [job("a", "synced", conflicts=2)],
            1,
            "WARNING - 1 job: 1 synced; a synced, 2 open conflicts",
        ),
        (
            [job("a", "held"), job("b", "error", "no | answer\nat all"), job("c", "synced")],
            2,
            "CRITICAL - 3 jobs: 1 held, 1 error, 1 synced; b error: no / answer\\x0aat all; a held",
        ),
        (
            [job(str(n), "error") for n in range(5)],
            2,
            "CRITICAL - 5 jobs: 5 error; 0 error; 1 error; 2 error; and 2 more",
        ),
        ([], 1, "WARNING - there are no jobs"),
    ],
)  # fmt: skip
def test_all_jobs(runtime: str, jobs: list[dict[str, Any]], code: int, line: str) -> None:
    ended, text = check(runtime, {"job.list": {"jobs": jobs}})
    assert (ended, text.partition(" | ")[0]) == (code, f"CARGO {line}")


def test_figures(runtime: str) -> None:
    _, text = check(runtime, {"job.list": {"jobs": [SYNCING, job("b", "error")]}})
    assert text.partition(" | ")[2] == (
        "jobs=2 synced=0 syncing=1 held=0 paused=0 error=1 conflicts=0 files_left=2880 "
        "bytes_left=192000000B"
    )
    ended, text = check(runtime, {"job.show": job("b", "error", "no", errors=3)}, "b")
    assert (ended, text) == (
        2,
        "CARGO CRITICAL - b error: no | errors=3 conflicts=0 drifted=0 files_left=0 bytes_left=0B",
    )
    ended, text = check(runtime, {"job.list": {"jobs": []}}, "--json")
    assert (ended, orjson.loads(text)) == (
        1, {"level": "warning", "message": "there are no jobs", "figures": {"jobs": "0"}},
    )  # fmt: skip


def test_a_server(runtime: str) -> None:
    with canned(runtime, {"status": server_examples.STATUS}, "server"):
        result = CliRunner().invoke(cargo_ctl, ["status", "--check", "--server"])
    assert "CARGO " in result.stdout and "data_connections=" in result.stdout
    nodes = {"count": 3, "away": 1, "missing": 12, "warnings": []}
    warned = {"nodes": nodes, "warnings": ["the storage node cellar is down"]}
    with canned(runtime, {"status": server_examples.STATUS | {"errors": []} | warned}, "server"):
        result = CliRunner().invoke(cargo_ctl, ["status", "--check", "--server"])
    assert result.exit_code == 1 and "the storage node cellar is down" in result.output
    assert "3 storage nodes (1 away)" in result.output
    assert "nodes=3 nodes_away=1 copies_missing=12" in result.output
    worse = server_examples.STATUS | {"errors": [{"message": "the folder is away", "hint": ""}]}
    with canned(runtime, {"status": worse}, "server"):
        result = CliRunner().invoke(cargo_ctl, ["status", "--check", "--server"])
    assert result.exit_code == 2 and "the folder is away" in result.stdout


def test_nothing_answers(runtime: str) -> None:
    result = CliRunner().invoke(cargo_ctl, ["status", "--check"])
    assert result.exit_code == 2
    assert result.stdout.startswith("CARGO CRITICAL - no daemon is running")
    assert check(runtime, {"job.show": ControlError("unknown_job", "no job", "did you")}, "x") == (
        3, "CARGO UNKNOWN - no job",
    )  # fmt: skip


def test_several_daemons(runtime: str) -> None:
    with canned(runtime, {}), canned(runtime, {}, "0123456789ab"):
        result = CliRunner().invoke(cargo_ctl, ["status", "--check"])
    assert result.exit_code == 3 and len(result.stdout.splitlines()) == 1
    assert "UNKNOWN - several daemons are running; choose one with --connect" in result.stdout


def test_a_job_needs_check(runtime: str) -> None:
    result = CliRunner().invoke(cargo_ctl, ["status", "nightly"])
    assert result.exit_code == 2 and "cargo_ctl job show nightly" in result.stderr


def test_versions() -> None:
    from cargo_ctl.client.main import cargoclient

    for program, name in ((cargo_ctl, "cargo_ctl"), (cargoclient, "cargoclient")):
        result = CliRunner().invoke(program, ["--version"])
        assert result.exit_code == 0 and result.stdout.startswith(f"{name} ")
