"""The command `cargo_sync`: each command builds and runs one application.

A command imports what it needs when it is called.
"""

import gc
import logging
import os
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

import click

from cargo_sync.choice import OneOf

if TYPE_CHECKING:
    from cargo_sync.api.addresses import Addresses
    from cargo_sync.config.process_shape import LogSettings
    from cargo_sync.daemon.jobs.loading import JobFiles, JobsRead
    from cargo_sync.process.service import Service

BAD_INPUT = 2
FAILED = 1

_EPILOG = """\b
Examples:
  cargo_sync init server
  cargo_sync server --config server.json
  cargo_sync daemon --job photos.json
  cargo_sync demo
  cargo_sync -s URL -d DIR -w WORKSPACE -u USER -p '${VARIABLE}' -dir up

\b
Exit codes:
  0  done, or ended normally
  1  failed
  2  wrong usage, or a file that cannot be used
"""


def _version(ctx: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"cargo_sync {version('cargo-sync')}")
        ctx.exit()


@click.group(epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_version,
    help="Show the version.",
)
@click.option(
    "--log-level",
    type=OneOf(["debug", "info", "warning", "error"]),
    help="The lowest level to log. Default: the level in the file, else info.",
)
@click.pass_context
def cargo_sync(ctx: click.Context, log_level: str | None) -> None:
    """Keep folders in sync with a server. Run the daemon or the server, and help to set them up."""
    ctx.obj = log_level


@cargo_sync.command()
@click.option(
    "--config",
    metavar="FILE",
    type=click.Path(),
    help="The daemon's settings. Default: the built-in ones.",
)
@click.option(
    "--job", metavar="FILE", type=click.Path(), help="Run only this job, in its own daemon."
)
@click.option(
    "--private", is_flag=True, help="Run no jobs, only sessions; end when standard input ends."
)
@click.option(
    "--end-with-stdin",
    is_flag=True,
    help="End when standard input ends, and so with the program that started it.",
)
@click.option(
    "-z",
    "--port",
    type=click.IntRange(1, 65534),
    help="Take commands also over TCP, from clients with a key. The feed is on the next port. "
    "The usual port is 5556.",
)
def daemon(
    config: str | None, job: str | None, private: bool, end_with_stdin: bool, port: int | None
) -> None:
    """Run sync jobs until stopped.

    SIGTERM ends it; SIGHUP makes it read all files again. With --private it runs no jobs: it
    serves only the front end that started it, and ends when its standard input is closed.

    \b
    Examples:
      cargo_sync daemon --config daemon.json
      cargo_sync daemon --job photos.json
      cargo_sync daemon -z 5556
    """
    if private:
        if config is not None or job is not None:
            raise click.UsageError("--private runs no jobs: use it without --config and --job")
        _private_daemon()
    elif config is not None and job is not None:
        raise click.UsageError("use either --config or --job: --job runs only one job")
    else:
        _daemon(config, job, port, with_parent=end_with_stdin)


def _daemon(config: str | None, job: str | None, port: int | None, *, with_parent: bool) -> None:
    """Runs the daemon of a settings file, or of one job."""
    from cargo_sync.api.addresses import DAEMON, job_instance
    from cargo_sync.config.daemon import DaemonSettings, load_daemon
    from cargo_sync.config.errors import ConfigError
    from cargo_sync.config.places import state_folder
    from cargo_sync.daemon import app
    from cargo_sync.daemon.jobs.loading import JobFiles

    env = os.environ
    try:
        if job is not None:
            instance = job_instance(job)
            settings = DaemonSettings(state_folder(env, instance), "", 1)
            files = JobFiles.one(job, env)
        else:
            instance, settings = DAEMON, load_daemon(config, env)
            files = JobFiles.folder(settings.jobs_dir, env, settings.callbacks)
        reading = _read_jobs(files, needed=job is not None)
    except ConfigError as error:
        _refuse([str(problem) for problem in error.problems])

    def ready(places: "Sequence[Addresses]") -> None:
        _announce(instance, places)
        if not (reading.jobs or reading.errors):
            words = "there are no jobs: put job files into %s, then `cargo_ctl reload`"
            logging.getLogger(__name__).warning(words, settings.jobs_dir)

    def application(service: "Service") -> Coroutine[Any, Any, None]:
        control = settings.control if port is None else replace(settings.control, port=port)
        return app.run(
            settings,
            files,
            instance=instance,
            env=env,
            ready=ready,
            service=service,
            control=control,
            with_parent=with_parent,
        )

    _run(application, settings.process.log, "cargo-daemon")


def _announce(instance: str, places: "Sequence[Addresses]") -> None:
    for place in places:
        click.echo(f'the daemon "{instance}" is up: commands {place.commands}, feed {place.feed}')


def _read_jobs(files: "JobFiles", *, needed: bool) -> "JobsRead":
    """What the job files say; with `needed`, an error in one is an error of all.

    Raises:
        ConfigError: a job that is needed cannot run.
    """
    from cargo_sync.config.errors import ConfigError
    from cargo_sync.config.job import missing_folder

    reading = files.read()
    if needed:
        if reading.errors:
            raise reading.errors[0]
        if missing := missing_folder(reading.jobs[0]):
            raise ConfigError([missing])
    return reading


def _private_daemon() -> None:
    """Runs a daemon for the front end that started it and holds the other end of its stdin."""
    from cargo_sync.api.addresses import private_instance
    from cargo_sync.config.daemon import DaemonSettings
    from cargo_sync.config.places import state_folder
    from cargo_sync.daemon import app
    from cargo_sync.daemon.jobs.loading import JobFiles

    env, instance = os.environ, private_instance(os.getppid())
    settings = DaemonSettings(state_folder(env, "sessions"), "")

    def application(service: "Service") -> Coroutine[Any, Any, None]:
        return app.run(
            settings,
            JobFiles(list, env),
            instance=instance,
            env=env,
            ready=partial(_announce, instance),
            service=service,
            private=True,
        )

    _run(application, settings.process.log, "cargo-daemon")


@cargo_sync.command()
@click.option(
    "--config",
    metavar="FILE",
    type=click.Path(),
    help="The server's settings. Default: ~/.config/cargo_sync/server.json",
)
def server(config: str | None) -> None:
    """Run a server for users, workspaces and files.

    SIGTERM ends it; SIGHUP makes it read its file again.

    \b
    Examples:
      cargo_sync server
      cargo_sync server --config server.json
    """
    from cargo_sync.config.errors import ConfigError
    from cargo_sync.config.places import server_file
    from cargo_sync.config.server import load_server

    default = server_file(os.environ)
    if config is None and not os.path.exists(default):
        _refuse([f"there is no {default} (make one with: cargo_sync init server)"])
    config = config or default
    try:
        settings = load_server(config, os.environ)
    except ConfigError as error:
        _refuse([str(problem) for problem in error.problems])
    from cargo_sync.server import app

    _run(lambda service: app.run(settings, service=service), settings.process.log, "cargo-server")


@cargo_sync.command()
@click.argument("kind", type=OneOf(["server", "job"]))
@click.argument("path", required=False, type=click.Path())
def init(kind: str, path: str | None) -> None:
    """Ask a few questions and write a server file or a job file.

    \b
    Example:
      cargo_sync init job photos.json
    """
    from cargo_sync.init import run_init

    sys.exit(run_init(kind, path))


@cargo_sync.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE…", type=click.Path())
def check(files: tuple[str, ...]) -> None:
    """Check configuration files. For a folder it checks the job files in it.

    \b
    Example:
      cargo_sync check daemon.json jobs/
    """
    from cargo_sync.config.check import check as check_files
    from cargo_sync.process.zone_rules import ZoneRules

    rules = ZoneRules(os.environ)
    lines, code = check_files(files, os.environ, time.time())
    if code == 0:
        lines.append(f"time zones: rules {rules}")
    for line in lines:
        click.echo(line, err=code != 0)
    sys.exit(code)


@cargo_sync.command()
@click.option(
    "--source",
    metavar="FOLDER",
    type=click.Path(),
    help="A folder to transfer. It is only read. Default: made-up files.",
)
@click.option(
    "--keep", is_flag=True, help="Keep it running until Ctrl-C, and show what to try next."
)
@click.option("--files", type=click.IntRange(min=1), hidden=True)
def demo(source: str | None, keep: bool, files: int | None) -> None:
    """Run a demonstration with a temporary server and daemon.

    It uploads files, downloads them again, and compares every one.

    \b
    Example:
      cargo_sync demo --source ~/photos
    """
    from cargo_sync.demo import run_demo

    sys.exit(run_demo(source, keep, files))


@cargo_sync.command()
@click.argument("shell", type=OneOf(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the shell script for Tab completion of commands, options and files.

    In bash: eval "$(cargo_sync completion bash)".

    \b
    Examples:
      cargo_sync completion bash
      cargo_sync completion fish
    """
    from click.shell_completion import get_completion_class

    made = get_completion_class(shell)
    assert made is not None, "click has these three"
    click.echo(made(cargo_sync, {}, "cargo_sync", "_CARGO_SYNC_COMPLETE").source(), nl=False)


def _run(
    application: Callable[["Service"], Coroutine[Any, Any, None]],
    log: "LogSettings",
    identifier: str,
) -> None:
    """Runs an application to its end, on uvloop if it is installed.

    If it cannot start, it prints a line and exits with 1.
    """
    import asyncio

    from cargo_sync.api.addresses import AddressError
    from cargo_sync.control.endpoint import EndpointError
    from cargo_sync.model.problems import ProblemError
    from cargo_sync.process.logs import logging_to
    from cargo_sync.process.service import Service
    from cargo_sync.process.systemd import Notifier

    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    try:
        import uvloop

        loop_factory = uvloop.new_event_loop
    except ImportError:
        pass  # uvloop does not exist for every platform: the standard library's loop works too
    with logging_to(log, click.get_current_context().obj, os.environ, identifier) as ring:
        service = Service(ring, Notifier(os.environ))
        gc.freeze()
        gc.enable()
        try:
            with asyncio.Runner(loop_factory=loop_factory) as runner:
                runner.run(application(service))
        except (AddressError, EndpointError, ProblemError) as error:
            _end(FAILED, [str(error)])
        except BaseExceptionGroup as group:
            refused, others = group.split((AddressError, EndpointError, ProblemError))
            if others is not None or refused is None:
                raise
            _end(FAILED, [str(error) for error in _leaves(refused)])


def _leaves(group: BaseExceptionGroup[Any]) -> list[BaseException]:
    return [
        leaf
        for error in group.exceptions
        for leaf in (_leaves(error) if isinstance(error, BaseExceptionGroup) else [error])
    ]


def _refuse(lines: list[str]) -> NoReturn:
    """Ends because of a file that cannot be used: prints each problem on its own line."""
    _end(BAD_INPUT, lines)


def _end(code: int, lines: list[str]) -> NoReturn:
    for line in lines:
        click.echo(
            "".join(each if each.isprintable() else ascii(each)[1:-1] for each in line), err=True
        )
    sys.exit(code)


def main() -> None:
    """Runs the command line, ours or pydio-sync's."""
    # What is imported stays: to search it for garbage is a tenth of the time that a start takes.
    gc.disable()
    from cargo_sync import pydio

    if pydio.is_meant(sys.argv[1:]):
        pydio.pydio_sync(prog_name="cargo_sync", obj=pydio.PydioProgram(_run, _refuse))
    cargo_sync(prog_name="cargo_sync")


if __name__ == "__main__":
    main()
