"""How commands reach a daemon: what is said about whose it is."""

import click
import pytest

from cargo_ctl.reach import Reach
from cargo_sync.api.addresses import Addresses
from cargo_sync.api.client import NotRunning
from tests.cargo_ctl.test_commands import run
from tests.control.canned import canned


def test_whose_daemon_it_is_is_said_once_per_program(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`watch` asks several times for the addresses: for the kind of process, then for the feed."""
    found = Addresses("ipc:///r/x/commands", "ipc:///r/x/feed", foreign=4_000_000_000)
    monkeypatch.setattr("cargo_ctl.reach.find", lambda *_args, **_more: found)
    for _ in range(2):
        with click.Context(click.Command("x")):
            assert Reach(False, None).addresses() == found
            assert Reach(False, None).addresses() == found
        told = capsys.readouterr().err
        assert told == "cargo_ctl: this is a daemon of another user (uid 4000000000)\n"


def test_of_a_daemon_that_is_busy_nobody_is_told_to_start_one(
    runtime: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(*_args: object, **_more: object) -> None:
        raise NotRunning("x", "no answer to `status` from x within 10 s", late=True)

    monkeypatch.setattr("cargo_sync.api.client.Client.call", late)
    with canned(runtime, {}):
        result = run("status")
    assert result.exit_code == 3
    assert "it is busy, and may still do this" in result.output
    assert "start one with" not in result.output
