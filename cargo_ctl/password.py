"""Passwords: typed or read from a file. Never an option: other users can see command lines."""

import os
import stat
import sys

import click

_LONGEST = 4096

password_file = click.option(
    "--password-file",
    metavar="FILE",
    help='Read the password from the first line of FILE; "-" is standard input.',
)


def password(file: str | None, name: str) -> str:
    """The password for the user `name`. Raises click.UsageError if it cannot be read."""
    if file is None:
        if not sys.stdin.isatty():
            raise click.UsageError(
                'there is no terminal to ask for the password: give --password-file FILE, or "-"'
            )
        return str(
            click.prompt(f"Password of {name}", hide_input=True, confirmation_prompt=True, err=True)
        )
    line = _first_line(file)
    if not line:
        raise click.UsageError(
            f"the first line of {_named(file)} is empty; the password belongs there"
        )
    return line


def _first_line(file: str) -> str:
    try:
        if file == "-":
            return sys.stdin.readline(_LONGEST).rstrip("\r\n")
        with open(file, encoding="utf-8-sig") as lines:
            if stat.S_IMODE(os.fstat(lines.fileno()).st_mode) & 0o077:
                click.echo(
                    f"cargo_ctl: warning: other users can read {file}; run: chmod 600 {file}",
                    err=True,
                )
            return lines.readline(_LONGEST).rstrip("\r\n")
    except OSError as error:
        raise click.UsageError(f"{_named(file)} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise click.UsageError(f"{_named(file)} is not a text file in UTF-8") from None


def _named(file: str) -> str:
    return "standard input" if file == "-" else file
