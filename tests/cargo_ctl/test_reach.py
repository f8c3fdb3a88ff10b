"""How commands reach a daemon: what is said about whose it is."""

import click
import pytest

from cargo_ctl.reach import Reach
from cargo_sync.api.addresses import Addresses


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
