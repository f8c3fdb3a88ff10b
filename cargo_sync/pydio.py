"""`cargo_sync -s URL -d DIR …`: the command line of pydio-sync, for a daemon with one job.

Its port for commands needs no keys. Every user of the machine could read a password among the
arguments in `ps`. It is accepted all the same, because people's scripts have it: the program starts
again, as the same process, without the password, and reads it from a pipe.
"""

import os
import re
import sys
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click

from cargo_sync.choice import OneOf

if TYPE_CHECKING:
    from cargo_sync.api.addresses import Addresses
    from cargo_sync.config.arguments import Arguments
    from cargo_sync.config.process_shape import LogSettings
    from cargo_sync.process.service import Service

PORT: Final = 5556
_FLAGS: Final = frozenset({"-s", "-d", "-w", "-u", "-p", "-f", "-z"})
_PIPED: Final = "--password-fd"
_LONGEST: Final = 4096
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_WARNING: Final = (
    "warning: a password on the command line can be seen by others on this machine; "
    "put it in a file (-f), or give a variable: -p '${VARIABLE}'"
)


@dataclass(frozen=True, slots=True)
class PydioProgram:
    """The program around the command.

    run     runs an application to its end, with its log and the log's name
    refuse  ends the program with lines about the problems
    """

    run: "Callable[[Callable[[Service], Coroutine[Any, Any, None]], LogSettings, str], None]"
    refuse: Callable[[list[str]], NoReturn]


def is_meant(arguments: Sequence[str]) -> bool:
    """Whether a command line begins like pydio-sync's. `-dir` begins with `-d`."""
    return bool(arguments) and (arguments[0][:2] in _FLAGS or arguments[0] == _PIPED)


@dataclass(frozen=True, slots=True)
class PydioOptions:
    """The options of the command line; None for those that were not given.

    descriptor  of the pipe with the password
    """

    server: str | None
    directory: str | None
    workspace: str | None
    user: str | None
    password: str | None = field(repr=False)
    direction: str | None
    file: str | None
    port: int | None
    allow_plain: bool
    tls_fingerprint: str | None
    log_level: str | None
    descriptor: int | None


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("-s", "server", metavar="URL", help="The server's address.  [default: localhost]")
@click.option("-d", "directory", metavar="DIR", help="The local folder.")
@click.option(
    "-w", "workspace", metavar="WORKSPACE", help="The workspace on the server.  [default: default]"
)
@click.option("-u", "user", metavar="USER", help="The user on the server.")
@click.option(
    "-p", "password", metavar="PASSWORD", help="The password, or '${VARIABLE}' that holds it."
)
@click.option(
    "-dir",
    "direction",
    type=OneOf(["up", "down", "bi"]),
    help="The direction.  [default: bi]",
)
@click.option(
    "-f",
    "file",
    metavar="FILE",
    type=click.Path(),
    help="A job file. Arguments on the command line override it.",
)
@click.option(
    "-z",
    "port",
    type=click.IntRange(1, 65534),
    help="Port for commands from this machine, without keys. The feed is on the next port.  "
    "[default: 5556]",
)
@click.option(
    "--allow-plain",
    "allow_plain",
    is_flag=True,
    help="Allow http:// to any host: password and files are sent without encryption.",
)
@click.option(
    "--tls-fingerprint",
    "tls_fingerprint",
    metavar="HEX",
    help="SHA-256 of the server's certificate, which is then trusted, also a self-made one.",
)
@click.option(
    "--log-level",
    type=OneOf(["debug", "info", "warning", "error"]),
    help="The lowest level to log.",
)
@click.option(_PIPED, "descriptor", type=click.IntRange(min=3), hidden=True)
@click.pass_context
def pydio_sync(ctx: click.Context, /, **given: Any) -> None:
    """Keep one folder in sync with a server, with the options of pydio-sync.

    \b
    Example:
      cargo_sync -s https://files.example.org -d ~/Photos -w default -u john -dir up -p
      '${PASSWORD}'
    """
    host: PydioProgram = ctx.obj
    options = PydioOptions(**given)
    password = options.password
    variable = _VARIABLE.fullmatch(password) if password else None
    if password and variable is None:
        _begin_anew(options, password)
    ctx.obj = options.log_level  # the log finds it there, for every command
    from cargo_sync.config.arguments import Arguments, absolute
    from cargo_sync.config.secret import Secret

    if options.descriptor is not None:
        password = _piped(options.descriptor)
    arguments = Arguments(
        server=options.server,
        directory=None if options.directory is None else absolute(options.directory),
        workspace=options.workspace,
        user=options.user,
        password=None if password is None or variable else Secret(password),
        variable=variable[1] if variable else None,
        direction=options.direction,
        file=options.file,
        allow_plain=options.allow_plain,
        tls_fingerprint=options.tls_fingerprint,
    )
    _run(arguments, options.port or PORT, host)


def _run(arguments: "Arguments", port: int, host: PydioProgram) -> None:
    from cargo_sync.api.addresses import job_instance
    from cargo_sync.config.arguments import load, missing
    from cargo_sync.config.control import ControlSettings
    from cargo_sync.config.daemon import DaemonSettings
    from cargo_sync.config.errors import ConfigError
    from cargo_sync.config.places import state_folder
    from cargo_sync.daemon.jobs.loading import JobFiles

    env = os.environ
    files = JobFiles(lambda: [arguments.file or ""], env, load=lambda _: load(arguments, env))
    reading = files.read()
    try:
        if reading.errors:
            raise reading.errors[0]
        if problem := missing(arguments, reading.jobs[0]):
            raise ConfigError([problem])
    except ConfigError as error:
        host.refuse([str(problem) for problem in error.problems])
    instance = job_instance(arguments.place or reading.jobs[0].local_dir)
    settings = DaemonSettings(
        state_folder(env, instance), "", 1, control=ControlSettings(port=port, plain_loopback=True)
    )

    def ready(places: "Sequence[Addresses]") -> None:
        for place in places:
            click.echo(
                f'the daemon "{instance}" is up: commands {place.commands}, feed {place.feed}'
            )

    from cargo_sync.daemon import app

    def application(service: "Service") -> Coroutine[Any, Any, None]:
        return app.run(settings, files, instance=instance, env=env, ready=ready, service=service)

    host.run(application, settings.process.log, "cargo-daemon")


def _begin_anew(given: PydioOptions, password: str) -> NoReturn:
    """Starts the same process again without the password, which waits in a pipe.

    Raises:
        click.UsageError: it is too long for a password.
    """
    secret = os.fsencode(password)
    if len(secret) > _LONGEST:
        raise click.UsageError(f"-p: is longer than {_LONGEST} bytes")
    click.echo(_WARNING, err=True)
    reading, writing = os.pipe()
    os.write(writing, secret)  # fits into any pipe
    os.close(writing)
    os.set_inheritable(reading, True)
    begun = sys.orig_argv[1 : len(sys.orig_argv) - len(sys.argv) + 1]  # up to our own arguments
    options = {
        "-s": given.server, "-d": given.directory, "-w": given.workspace, "-u": given.user,
        "-dir": given.direction, "-f": given.file, "-z": given.port, "--log-level": given.log_level,
    }  # fmt: skip
    options |= {"--tls-fingerprint": given.tls_fingerprint}
    flags = ["--allow-plain"] if given.allow_plain else []
    kept = [
        part for name, value in options.items() if value is not None for part in (name, str(value))
    ]
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, *begun, _PIPED, str(reading), *flags, *kept])


def _piped(descriptor: int) -> str:
    """Reads the password from a pipe.

    Raises:
        click.UsageError: there is no pipe.
    """
    try:
        with open(descriptor, "rb") as pipe:
            return os.fsdecode(pipe.read(_LONGEST))
    except OSError as error:
        raise click.UsageError(f"{_PIPED}: {error.strerror}") from error
