"""Hints name commands of `cargo_ctl`; with --json they name those of the protocol."""

import orjson
import pytest
from click.testing import CliRunner

from cargo_ctl.main import cargo_ctl
from cargo_ctl.render.hints import typed
from cargo_sync.api.messages import ControlError
from tests.control.canned import canned


@pytest.mark.parametrize(
    ("hint", "of_daemon", "of_server"),
    [
        (
            "`user.list` names them",
            "`cargo_ctl user list` names them",
            "`cargo_ctl user list` names them",
        ),
        ("then `reload`", "then `cargo_ctl reload`", "then `cargo_ctl reload --server`"),
        ("`key.list`", "`cargo_ctl key list`", "`cargo_ctl key list --server`"),
        ("`job.list`", "`cargo_ctl job list`", "`cargo_ctl job list`"),
        ("`hello` lists", "`cargo_ctl --help` lists", "`cargo_ctl --help` lists"),
        ("`a.b`, user.list", "`a.b`, user.list", "`a.b`, user.list"),
    ],
)
def test_hints(hint: str, of_daemon: str, of_server: str) -> None:
    assert typed(hint, server=False) == of_daemon
    assert typed(hint, server=True) == of_server


def test_only_people_are_told_so(runtime: str) -> None:
    refused = ControlError("unknown_user", "no", "`user.list` names them")
    with canned(runtime, {"user.show": refused}, "server"):
        text = CliRunner().invoke(cargo_ctl, ["user", "show", "a"])
        json = CliRunner().invoke(cargo_ctl, ["user", "show", "a", "--json"])
    assert text.stderr == "cargo_ctl: no (`cargo_ctl user list` names them)\n"
    assert orjson.loads(json.stdout)["error"]["hint"] == "`user.list` names them"
