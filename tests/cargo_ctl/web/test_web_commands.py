"""Who may send which command."""

import pytest

from cargo_ctl.web.commands import changes, check, lower
from cargo_sync.api import daemon_commands, server_commands
from cargo_sync.api.roles import Role

EVERY = {**daemon_commands.COMMANDS, **server_commands.COMMANDS}


@pytest.mark.parametrize("cmd", sorted(EVERY))
def test_who_may_only_watch_may_what_a_key_with_this_role_may(cmd: str) -> None:
    allowed = all(
        Role.WATCH.may(table[cmd].needs)
        for table in (daemon_commands.COMMANDS, server_commands.COMMANDS)
        if cmd in table
    )
    refused = check(Role.WATCH, cmd)
    assert (refused is None) == allowed
    assert refused is None or refused.code == "forbidden"
    assert check(Role.CONTROL, cmd) is None
    assert changes(cmd) == EVERY[cmd].changes


@pytest.mark.parametrize(
    "cmd", ["shutdown", "job.pause", "audit", "log", "session.open", "key.add"]
)
def test_some_that_only_control_may(cmd: str) -> None:
    assert check(Role.WATCH, cmd) is not None


def test_a_command_of_a_later_version_needs_control_and_may_change_something() -> None:
    assert check(Role.WATCH, "job.explode") is not None
    assert check(Role.CONTROL, "job.explode") is None
    assert changes("job.explode")


def test_the_lower_of_two_roles() -> None:
    assert lower(Role.CONTROL, Role.WATCH) is Role.WATCH
    assert lower(Role.WATCH, Role.CONTROL) is Role.WATCH
    assert lower(Role.CONTROL, Role.CONTROL) is Role.CONTROL
    assert lower(Role.WATCH, Role.PLAIN) is Role.PLAIN
