"""Scripts of commands, without a terminal, in this process."""

from types import SimpleNamespace
from unittest import mock

from click.testing import CliRunner, Result

from cargo_ctl.main import cargo_ctl

STILL = SimpleNamespace(monotonic=lambda: 0.0)
"""A clock that stands still: every transfer takes 0 s, also on a busy machine."""
LOGIN = ("--user", "ana", "--password-file", "../home/secret")


def script(text: str, *options: str) -> Result:
    """`cargo_ctl shell` with these lines on its standard input."""
    with mock.patch("cargo_ctl.shell.moving.time", STILL):
        return CliRunner().invoke(
            cargo_ctl, ["shell", "files.example", *LOGIN, *options], input=text
        )


def transcript(text: str, *options: str) -> str:
    """The standard output of a script, with its errors as lines of the transcript."""
    result = script(text, *options)
    lines = [result.stdout.rstrip()] if result.stdout else []
    lines += [f"! {line}" for line in result.stderr.splitlines()]
    return "\n".join([*lines, *([f"exit {result.exit_code}"] if result.exit_code else [])])
