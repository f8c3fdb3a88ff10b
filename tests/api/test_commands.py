from collections.abc import Mapping
from typing import Any

import pytest

from cargo_sync.api import job_commands
from cargo_sync.api.arguments import Argument
from cargo_sync.api.commands import Command
from cargo_sync.api.common_commands import BandwidthArgs
from cargo_sync.api.daemon_commands import COMMANDS
from cargo_sync.api.job_commands import JobPlanArgs, OneOrAllJobs
from cargo_sync.api.messages import ControlError
from cargo_sync.api.roles import Role
from cargo_sync.api.server_commands import COMMANDS as OF_SERVERS


def refused(cmd: str, args: dict[str, Any]) -> str:
    with pytest.raises(ControlError) as caught:
        COMMANDS[cmd].decode(args)
    assert caught.value.code == "bad_argument"
    return (
        f"{caught.value.message} ({caught.value.hint})"
        if caught.value.hint
        else caught.value.message
    )


@pytest.mark.parametrize(
    ("cmd", "args", "said"),
    [
        ("status", {"job": "a"}, '`status` has no argument "job" (it takes none)'),
        ("job.show", {"jop": "a"}, '`job.show` has no argument "jop" (did you mean "job"?)'),
        ("job.show", {}, '`job.show` needs the argument "job" (it takes job)'),
        ("job.show", {"job": ""}, '`job.show`: "job" must be text'),
        ("job.show", {"job": 3}, '`job.show`: "job" must be text'),
        ("job.pause", {"job": None}, '`job.pause`: "job" must be text'),
        (
            "job.plan",
            {"job": "a", "limit": 0},
            '`job.plan`: "limit" must be a whole number from 1 to 1000',
        ),
        (
            "job.plan",
            {"job": "a", "limit": 1001},
            '`job.plan`: "limit" must be a whole number from 1 to 1000',
        ),
        (
            "job.plan",
            {"job": "a", "limit": True},
            '`job.plan`: "limit" must be a whole number from 1 to 1000',
        ),
    ],
)
def test_a_wrong_argument_is_refused_by_name(cmd: str, args: dict[str, Any], said: str) -> None:
    assert refused(cmd, args) == said


def test_right_arguments_pass() -> None:
    assert job_commands.PAUSE.decode({}) == OneOrAllJobs()
    assert job_commands.PAUSE.decode({"job": "nightly"}) == OneOrAllJobs(job="nightly")
    plan = {"job": "nightly", "run": "a1", "after": 0, "limit": 1000}
    assert job_commands.PLAN.decode(plan) == JobPlanArgs(job="nightly", run="a1")


def test_what_changes_something_is_marked() -> None:
    changing = {name for name, command in COMMANDS.items() if command.changes}
    assert changing == {
        "job.start",
        "job.pause",
        "job.reload",
        "job.sync",
        "job.approve",
        "job.reject",
        "conflict.resolve",
        "job.deliver",
        "callback.retry",
        "job.speed",
        "bandwidth.set",
        "job.add",
        "job.remove",
        "job.write",
        "transfer.cancel",
        "trash.restore",
        "trash.empty",
        "session.open",
        "session.use",
        "session.get",
        "session.put",
        "session.mkdir",
        "session.delete",
        "session.restore",
        "session.move",
        "session.speed",
        "session.cancel",
        "session.close",
        "session.copy",
        "reload",
        "shutdown",
        "key.add",
        "key.revoke",
    }


def test_of_a_server_whatever_only_looks_may_be_asked_by_who_watches() -> None:
    watched = {name for name, command in OF_SERVERS.items() if Role.WATCH.may(command.needs)}
    assert watched == {
        "hello", "status", "user.list", "user.show", "workspace.list", "bandwidth.show",
        "flow.list", "flow.rates", "feed.last",
        "trash.list", "user.invitation.list", "history", "callback.list",
        "node.list", "node.show", "node.recovery", "server.list", "server.show",
        "workspace.orphans",
    }  # fmt: skip


def test_passwords_are_secret_wherever_they_are_taken() -> None:
    secret = {
        (name, argument)
        for name, command in {**COMMANDS, **OF_SERVERS}.items()
        for argument, allowed in command.args.items()
        if allowed.secret
    }
    assert secret == {
        ("user.add", "password"), ("user.passwd", "password"), ("session.open", "password"),
            ("session.open", "key_passphrase"), ("session.open", "options"),
        ("job.add", "text"), ("job.add", "fields"), ("job.check", "text"), ("job.check", "fields"),
        ("job.write", "text"), ("job.write", "fields"), ("user.invite", "token"),
        ("node.invite", "token"), ("node.recovery_key", "sealing"),
    }  # fmt: skip


def _canary(argument: Argument) -> object:
    return "canary" if argument.kind is str else {"password": "canary"}


def test_a_secret_is_in_no_repr() -> None:
    every = {**COMMANDS, **OF_SERVERS}.values()
    for command in (each for each in every if any(one.secret for one in each.args.values())):
        given = {
            name: _canary(argument) if argument.secret else "x"
            for name, argument in command.args.items()
            if argument.required or argument.secret
        }
        assert "canary" not in repr(command.decode(given)), command.name


def test_what_was_not_sent_has_the_default_of_its_field() -> None:
    assert bandwidth(OF_SERVERS, {}) == {}
    assert bandwidth(OF_SERVERS, {"upload": None, "download": "none"}) == {
        "upload": None,
        "download": "none",
    }
    assert bandwidth(COMMANDS, {"bandwidth": None}) == {"bandwidth": None}


def bandwidth(commands: Mapping[str, Command[Any]], args: dict[str, Any]) -> Mapping[str, Any]:
    decoded = commands["bandwidth.set"].decode(args)
    assert isinstance(decoded, BandwidthArgs)
    return decoded.wanted()
