"""A wrong word for an option or an argument gets a "did you mean", in every program."""

import click
import pytest
from click.testing import CliRunner

from cargo_sync import pydio
from cargo_sync.choice import OneOf
from tests.cargo_ctl.walk import PROGRAMS, everything


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("cargo_ctl log --level warn", 'did you mean "warning"?'),
        ("cargo_sync --log-level warn server", 'did you mean "warning"?'),
        ("cargo_sync init serv", "Did you mean 'server'?"),
        ("cargo_ctl callback list --state ded", 'did you mean "dead"?'),
        ("cargo_ctl log --level loud", "is not one of 'debug', 'info', 'warning', 'error'."),
    ],
)
def test_a_wrong_word(line: str, said: str) -> None:
    program, *words = line.split()
    told = CliRunner().invoke(PROGRAMS[program], words)
    assert told.exit_code == 2 and said in told.stderr


def test_every_choice_suggests() -> None:
    commands = [*everything(), ("cargo_sync -s", pydio.pydio_sync)]
    choices = [
        (name, each)
        for name, command in commands
        for each in command.params
        if isinstance(each.type, click.Choice)
    ]
    assert len(choices) > 8
    assert [(name, each.opts) for name, each in choices if not isinstance(each.type, OneOf)] == []
