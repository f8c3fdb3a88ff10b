"""The exit code of `cargo_ctl` for each error code, as the page of the protocol says."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from cargo_ctl.main import cargo_ctl
from cargo_sync.api.messages import ControlError, ReplyCode
from tests.control.canned import canned

PAGE = Path(__file__).parents[2].joinpath("docs", "control-protocol.md").read_text(encoding="utf-8")
TABLE = PAGE.partition("\n## Error codes\n")[2].partition("\n\nA command that fails")[0]
ROW = re.compile(r"^\| `(\w+)` \|.*\| (\d) \|$", re.MULTILINE)
DOCUMENTED = {code: int(ends) for code, ends in ROW.findall(TABLE)}


def test_every_code_has_its_line() -> None:
    assert DOCUMENTED.keys() == {code.value for code in ReplyCode}


@pytest.mark.parametrize(
    ("code", "ends"), [*DOCUMENTED.items(), ("disk_full", 1), ("a new one", 1)]
)
def test_it_ends_as_documented(runtime: str, code: str, ends: int) -> None:
    with canned(runtime, {"status": ControlError(code, "no", "why not")}):
        result = CliRunner().invoke(cargo_ctl, ["status"])
    assert (result.exit_code, result.stderr) == (ends, "cargo_ctl: no (why not)\n")


@pytest.mark.parametrize(("state", "ends"), [("error", 1), ("held", 0), ("synced", 0)])
def test_the_status_is_an_exit_code_too(runtime: str, state: str, ends: int) -> None:
    with canned(runtime, {"status": {"state": state, "jobs": {state: 1}, "totals": {}}}):
        result = CliRunner().invoke(cargo_ctl, ["status"])
    assert (result.exit_code, result.stdout.splitlines()[0]) == (
        ends,
        f"{state}: 1 job (1 {state})",
    )
