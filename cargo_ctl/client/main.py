"""`cargoclient`: by `--mode` the interactive client, one job file in sync, or the backup menu."""

import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import click

from cargo_ctl.options import print_version
from cargo_ctl.session.options import login_options, wanted
from cargo_sync.api.addresses import AddressError, instance_addresses, job_instance, runtime_dir
from cargo_sync.choice import OneOf
from cargo_sync.suggest import did_you_mean

_MODES = ("client", "datasync", "backup")
_OF_MODE = {
    "client": (
        "host",
        "connect",
        "user",
        "password_file",
        "tls_fingerprint",
        "ca_file",
        "allow_plain",
        "workspace",
        "key_file",
        "key_passphrase_file",
        "agent",
        "host_key",
        "known_hosts",
        "region",
        "options_file",
        "keep_going",
    ),
    "datasync": ("config",),
    "backup": ("lang", "connect", "password_file", "tls_fingerprint", "ca_file", "allow_plain"),
}

_EPILOG = """\b
Examples:
  cargoclient --mode=client --host=https://files.example.org
  cargoclient --mode=client --host=files.example.org --user=ana
  cargoclient --mode=datasync --config=photos.json
  cargoclient --mode=backup --lang=pt

\b
Without a terminal, --mode=client reads its commands from standard input, one per line:
  echo 'put report.pdf' | cargoclient --mode=client --host=files.example.org \\
      --user=ana --password-file=secret

\b
Exit codes:
  0  done; datasync: ended by SIGINT or SIGTERM
  1  a command failed, or the login was refused
  2  wrong usage, or a job file that cannot be loaded
  3  no daemon is running, or it stopped
  datasync: other codes come from the daemon
"""


@click.command(epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=print_version("cargoclient"),
    help="Show the version.",
)
@click.option(
    "--mode",
    required=True,
    metavar="client|datasync|backup",
    help="client: list, download and upload by hand. datasync: keep a folder in sync. "
    "backup: the backup menu.",
)
@click.option("--config", metavar="JOBFILE", type=click.Path(), help="For datasync: the job file.")
@click.option("--host", metavar="URL", help="For client: the server's address.")
@click.option(
    "--lang", type=OneOf(["pt", "es", "en"]), help="For backup: the language of the menu."
)
@click.option("--connect", metavar="NAME", help="The daemon to use: its name or address.")
@login_options
def cargoclient(mode: str, **given: Any) -> None:
    """Exchange files with a server: by hand, automatically, or with the backup menu."""
    if mode not in _MODES:
        hint = did_you_mean(mode, _MODES) or f"choose one of {', '.join(_MODES)}"
        raise click.UsageError(f"unknown mode {mode!r}; {hint}")
    for name, value in given.items():
        if value not in (None, False) and name not in _OF_MODE[mode]:
            why = ": the job file has this setting" if mode == "datasync" else ""
            raise click.UsageError(
                f"--{name.replace('_', '-')} cannot be used with --mode={mode}{why}"
            )
    runs: dict[str, Callable[..., int]] = {
        "client": _client,
        "datasync": _datasync,
        "backup": _backup,
    }
    run = runs[mode]
    sys.exit(run(**{name: given[name] for name in _OF_MODE[mode]}))


def _client(host: str | None, connect: str | None, keep_going: bool, **login: Any) -> int:
    from cargo_ctl.shell.client import Choices, run_client

    if host is None:
        raise click.UsageError("--mode=client needs --host=URL")
    return run_client(Choices(wanted(host, **login), connect, keep_going), os.environ)


def _backup(lang: str | None, connect: str | None, **login: Any) -> int:
    from cargo_ctl.client.backup import run_backup

    return run_backup(wanted("", **login), lang, connect, os.environ)


def _datasync(config: str | None) -> int:
    from cargo_ctl.client.child import run_watched
    from cargo_ctl.watching import view

    if config is None:
        raise click.UsageError("--mode=datasync needs --config=JOBFILE")
    try:
        addresses = instance_addresses(runtime_dir(os.environ), job_instance(config))
    except AddressError as error:
        raise click.UsageError(str(error)) from error
    daemon = [sys.executable, "-m", "cargo_sync.main", "daemon"]
    command = [*daemon, "--job", config, "--end-with-stdin"]
    with view() as screen:
        return run_watched(command, addresses, screen)


def main() -> NoReturn:
    """The entry point of `cargoclient`."""
    if "_CARGOCLIENT_COMPLETE" in os.environ:
        from cargo_ctl.completion import register

        register()
    cargoclient(prog_name="cargoclient")
    sys.exit(0)
