"""The options of a login: for the interactive client, its command `open`, copies, the menu."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from cargo_ctl.session.opening import Wanted

_Command = TypeVar("_Command", bound=Callable[..., Any])

_FILE = partial(click.option, metavar="FILE", type=click.Path())
_LOGIN = (
    ("user", partial(click.option, metavar="NAME", help="The username. Default: ask for it.")),
    (
        "password-file",
        partial(
            _FILE,
            help="A file with the password in its first line; only you may be able to read it. "
            "Default: ask for the password.",
        ),
    ),
    (
        "tls-fingerprint",
        partial(
            click.option,
            metavar="HEX",
            help="SHA-256 of the server's certificate, as the server prints it when it starts.",
        ),
    ),
    (
        "ca-file",
        partial(
            _FILE,
            help="A PEM file with the certificate authorities that signed the server's "
            "certificate.",
        ),
    ),
    ("key-file", partial(_FILE, help="SSH: a private key to log in with.")),
    (
        "key-passphrase-file",
        partial(
            _FILE,
            help="SSH: a file with the key's passphrase in its first line. Default: ask for it.",
        ),
    ),
    (
        "agent",
        partial(click.option, is_flag=True, help="SSH: log in with the keys of your SSH agent."),
    ),
    (
        "host-key",
        partial(
            click.option,
            metavar="SHA256:…",
            help="SSH: the fingerprint of the server's host key. Default: known_hosts, or ask "
            "once.",
        ),
    ),
    (
        "known-hosts",
        partial(_FILE, help="SSH: a file with host keys. Default: ~/.ssh/known_hosts."),
    ),
    ("region", partial(click.option, metavar="NAME", help="S3: the region of the bucket.")),
    (
        "options-file",
        partial(
            _FILE,
            help="Other clouds: a JSON file with the options of the service, as in a job file; "
            "only you may be able to read it.",
        ),
    ),
    (
        "allow-plain",
        partial(
            click.option,
            is_flag=True,
            help="Allow connections without encryption, on your own network.",
        ),
    ),
    (
        "workspace",
        partial(
            click.option,
            metavar="NAME",
            help="The workspace to start in. Default: your own.",
        ),
    ),
)
_FILES = frozenset({"password-file", "ca-file", "key-file", "key-passphrase-file", "known-hosts",
    "options-file",
})  # fmt: skip
_KEEP_GOING = click.option(
    "-k", "--keep-going", is_flag=True, help="In a script: go on after a command fails."
)


def login_options(command: _Command) -> _Command:
    """Give a command the options of a login and of a script."""
    return side_options("")(_KEEP_GOING(command))


def side_options(side: str) -> Callable[[_Command], _Command]:
    """Give a command the options of a login, with `side` before their names: `from-` or `to-`."""

    def given(command: _Command) -> _Command:
        for name, form in reversed(_LOGIN):
            command = form(f"--{side}{name}")(command)
        return command

    return given


@click.command(add_help_option=False)
@click.argument("url")
@side_options("")
def _opening(**_given: object) -> None:
    """Only its parser is used."""


def opening_words() -> Sequence[str]:
    """The options of a line `open URL …`."""
    return [f"--{name}" for name, _ in _LOGIN]


def takes_a_file(option: str) -> bool:
    """Whether a file's name comes after this option."""
    return option.removeprefix("--") in _FILES


def wanted_by_words(words: Sequence[str]) -> "Wanted":
    """The session that the words after `open` describe. Raises click.UsageError."""
    with _opening.make_context("open", list(words)) as context:
        return wanted(**context.params)


def wanted(url: str, side: str = "", **given: Any) -> "Wanted":
    """The session that the options describe. Raises click.UsageError for wrong options.

    url    an address
    side   what stands before the names of the options
    given  their values, by their names without `side`, with _ for -
    """
    import os

    from cargo_ctl.session.opening import SessionRefused, Wanted, read_options, read_password

    def file(name: str) -> str:
        path = given.get(name)
        if path is not None and not os.path.isfile(path):
            raise click.UsageError(f"--{side}{name.replace('_', '-')}: there is no file {path}")
        return os.path.abspath(path) if path is not None else ""

    ca_file = file("ca_file")
    if ca_file and given.get("tls_fingerprint") is not None:
        raise click.UsageError(f"give --{side}tls-fingerprint or --{side}ca-file, not both")
    fingerprint = _fingerprint(given.get("tls_fingerprint"), side)
    host_key = _host_key(given.get("host_key"), side)
    key_file, known_hosts = file("key_file"), file("known_hosts")
    try:
        secrets = [
            "" if (path := given.get(name)) is None else read_password(path)
            for name in ("password_file", "key_passphrase_file")
        ]
        path = given.get("options_file")
        options = None if path is None else read_options(path)
    except SessionRefused as error:
        raise click.UsageError(str(error)) from error
    return Wanted(
        url,
        given.get("user") or "",
        secrets[0],
        fingerprint,
        ca_file,
        bool(given.get("allow_plain")),
        given.get("workspace") or "",
        host_key,
        key_file,
        secrets[1],
        bool(given.get("agent")),
        given.get("region") or "",
        known_hosts,
        options,
    )


def _fingerprint(text: str | None, side: str) -> str:
    import re

    digest = re.sub(r"^sha256[:/]|[:\s]", "", (text or "").strip().lower())
    if text is not None and not re.fullmatch("[0-9a-f]{64}", digest):
        raise click.UsageError(
            f"--{side}tls-fingerprint must be a SHA-256 of 64 hexadecimal digits"
        )
    return digest


def _host_key(text: str | None, side: str) -> str:
    import re

    digest = (text or "").strip().removeprefix("SHA256:").rstrip("=")
    if text is not None and not re.fullmatch("[A-Za-z0-9+/]{43}", digest):
        raise click.UsageError(
            f"--{side}host-key must be SHA256: and 43 characters, as ssh prints it"
        )
    return f"SHA256:{digest}" if digest else ""
