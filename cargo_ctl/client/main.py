"""`cargoclient`: `--mode=datasync` runs one job file in a daemon of its own and shows its progress."""

import os
import sys
from typing import NoReturn

import click

from cargo_sync.api.addresses import AddressError, instance_addresses, job_instance, runtime_dir

_LATER = ("client", "backup")

_EPILOG = """\b
Example:
  cargoclient --mode=datasync --config=photos.json

\b
Exit codes:
  0  ended by SIGINT or SIGTERM, in order
  2  wrong usage, or a job file that cannot be loaded
  others as the daemon's
"""


@click.command(epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--mode", required=True, metavar="datasync", help="What to do; datasync is what there is.")
@click.option("--config", metavar="JOBFILE", type=click.Path(), help="The job file.")
@click.option("--host", hidden=True)
def cargoclient(mode: str, config: str | None, host: str | None) -> None:
    """Keep one folder in step with a server, as a job file says, until Ctrl-C."""
    if mode in _LATER:
        raise click.UsageError(f"--mode={mode} is not available yet; --mode=datasync is")
    if mode != "datasync":
        raise click.UsageError(f"there is no mode {mode!r}; --mode=datasync is available")
    if host is not None:
        raise click.UsageError("--host does not go with --mode=datasync: the job file names the server")
    if config is None:
        raise click.UsageError("--mode=datasync needs --config=JOBFILE")
    sys.exit(_datasync(config))


def _datasync(config: str) -> int:
    from cargo_ctl.client.child import run_watched
    from cargo_ctl.watching import view

    try:
        addresses = instance_addresses(runtime_dir(os.environ), job_instance(config))
    except AddressError as error:
        raise click.UsageError(str(error)) from error
    command = [sys.executable, "-m", "cargo_sync.main", "daemon", "--job", config]
    with view() as screen:
        return run_watched(command, addresses, screen)


def main() -> NoReturn:
    if "_CARGOCLIENT_COMPLETE" in os.environ:
        from cargo_ctl.completion import register

        register()
    cargoclient(prog_name="cargoclient")
    sys.exit(0)
