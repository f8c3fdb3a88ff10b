"""The options of a login, shared by the interactive client and the backup menu."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from cargo_ctl.session.opening import Wanted

_Command = TypeVar("_Command", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--user", metavar="NAME", help="The username. Default: ask for it."),
    click.option(
        "--password-file",
        metavar="FILE",
        type=click.Path(),
        help="A file with the password in its first line; only you may be able to read it. "
        "Default: ask for the password.",
    ),
    click.option(
        "--tls-fingerprint",
        metavar="HEX",
        help="SHA-256 of the server's certificate, as the server prints it when it starts.",
    ),
    click.option(
        "--ca-file",
        metavar="FILE",
        type=click.Path(),
        help="A PEM file with the certificate authorities that signed the server's certificate.",
    ),
    click.option(
        "--key-file", metavar="FILE", type=click.Path(), help="SSH: a private key to log in with."
    ),
    click.option(
        "--key-passphrase-file",
        metavar="FILE",
        type=click.Path(),
        help="SSH: a file with the key's passphrase in its first line. Default: ask for it.",
    ),
    click.option("--agent", is_flag=True, help="SSH: log in with the keys of your SSH agent."),
    click.option(
        "--host-key",
        metavar="SHA256:…",
        help="SSH: the fingerprint of the server's host key. Default: known_hosts, or ask once.",
    ),
    click.option("--region", metavar="NAME", help="S3: the region of the bucket."),
    click.option(
        "--allow-plain",
        is_flag=True,
        help="Allow connections without encryption, on your own network.",
    ),
    click.option(
        "--workspace", metavar="NAME", help="The workspace to start in. Default: your own."
    ),
    click.option(
        "-k", "--keep-going", is_flag=True, help="In a script: go on after a command fails."
    ),
)


def login_options(command: _Command) -> _Command:
    """Give a command the options of a login and of a script."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def wanted(
    url: str,
    *,
    user: str | None,
    password_file: str | None,
    tls_fingerprint: str | None,
    ca_file: str | None,
    allow_plain: bool,
    workspace: str | None,
    key_file: str | None = None,
    key_passphrase_file: str | None = None,
    agent: bool = False,
    host_key: str | None = None,
    region: str | None = None,
) -> "Wanted":
    """The session that the options describe. Raises click.UsageError for wrong options."""
    import os
    import re

    from cargo_ctl.session.opening import SessionRefused, Wanted, read_password

    fingerprint = re.sub(r"^sha256[:/]|[:\s]", "", (tls_fingerprint or "").strip().lower())
    if tls_fingerprint is not None and not re.fullmatch("[0-9a-f]{64}", fingerprint):
        raise click.UsageError("--tls-fingerprint must be a SHA-256 of 64 hexadecimal digits")
    if ca_file is not None and tls_fingerprint is not None:
        raise click.UsageError("give --tls-fingerprint or --ca-file, not both")
    if ca_file is not None and not os.path.isfile(ca_file):
        raise click.UsageError(f"--ca-file: there is no file {ca_file}")
    if key_file is not None and not os.path.isfile(key_file):
        raise click.UsageError(f"--key-file: there is no file {key_file}")
    digest = (host_key or "").strip().removeprefix("SHA256:").rstrip("=")
    if host_key is not None and not re.fullmatch("[A-Za-z0-9+/]{43}", digest):
        raise click.UsageError("--host-key must be SHA256: and 43 characters, as ssh prints it")
    try:
        password = read_password(password_file) if password_file is not None else ""
        passphrase = read_password(key_passphrase_file) if key_passphrase_file is not None else ""
    except SessionRefused as error:
        raise click.UsageError(str(error)) from error
    return Wanted(
        url,
        user or "",
        password,
        fingerprint,
        os.path.abspath(ca_file) if ca_file is not None else "",
        allow_plain,
        workspace or "",
        f"SHA256:{digest}" if digest else "",
        os.path.abspath(key_file) if key_file is not None else "",
        passphrase,
        agent,
        region or "",
    )
