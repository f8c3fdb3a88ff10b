"""Scripts of commands, without a terminal, in this process."""

from click.testing import CliRunner, Result

from cargo_ctl.main import cargo_ctl

LOGIN = ("--user", "ana", "--password-file", "../home/secret")


def script(text: str, *options: str) -> Result:
    """`cargo_ctl shell` with these lines on its standard input."""
    return CliRunner().invoke(cargo_ctl, ["shell", "files.example", *LOGIN, *options], input=text)


def transcript(text: str, *options: str) -> str:
    """What a script prints on standard output; an error shows in the transcript too."""
    result = script(text, *options)
    lines = [result.stdout.rstrip()] if result.stdout else []
    lines += [f"! {line}" for line in result.stderr.splitlines()]
    return "\n".join([*lines, *([f"exit {result.exit_code}"] if result.exit_code else [])])
