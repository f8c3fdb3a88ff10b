"""The command `cargo_sync`: each command builds and runs one application.

A command imports what it needs when it is called.
"""

import gc
import logging
import os
import re
import sys
import time
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from cargo_sync.choice import OneOf
from cargo_sync.running import refuse, run_application

if TYPE_CHECKING:
    from cargo_sync.api.addresses import Addresses
    from cargo_sync.daemon.jobs.loading import JobFiles, JobsRead
    from cargo_sync.init.commands import NextProgram
    from cargo_sync.process.service import Service

_EPILOG = """\b
Examples:
  cargo_sync init server
  cargo_sync server --config server.json
  cargo_sync daemon --job photos.json
  cargo_sync run --job photos.json
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


def _seconds(_ctx: click.Context, _parameter: click.Parameter, text: str | None) -> float | None:
    """A length of time in seconds."""
    if text is None:
        return None
    found = re.fullmatch(r"(\d{1,6})(s|min|h|d)", text, re.ASCII)
    if found is None or not int(found[1]):
        raise click.BadParameter(f"{text!r} is no length of time: write 90s, 50min or 2h")
    return float(int(found[1]) * {"s": 1, "min": 60, "h": 3_600, "d": 86_400}[found[2]])


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
        refuse([str(problem) for problem in error.problems])

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

    run_application(application, settings.process.log, "cargo-daemon")


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

    run_application(application, settings.process.log, "cargo-daemon")


@cargo_sync.command()
@click.option(
    "--config",
    metavar="FILE",
    type=click.Path(),
    help="The server's settings. Default: ~/.config/cargo_sync/server.json",
)
@click.option(
    "--recover-from-nodes",
    is_flag=True,
    help="Bring back a lost server from its storage nodes, then end.",
)
@click.option(
    "--node",
    "nodes",
    metavar="HOST:PORT",
    multiple=True,
    help="With --recover-from-nodes: a node to ask; it names the others. Usual port: 8445.",
)
@click.option(
    "--key-file",
    metavar="FILE",
    help='With --recover-from-nodes: the first line is the recovery key; "-" is standard input.',
)
def server(
    config: str | None, recover_from_nodes: bool, nodes: tuple[str, ...], key_file: str | None
) -> None:
    """Run a server for users, workspaces and files.

    SIGTERM ends it; SIGHUP makes it read its file again.

    With --recover-from-nodes it does not run: it asks for the recovery key (`cargo_ctl node
    recovery-key`) and for a node, and brings back the state and the file of a lost server, on a
    machine that has neither.

    \b
    Examples:
      cargo_sync server
      cargo_sync server --config server.json
      cargo_sync server --recover-from-nodes --node cellar.example.org
    """
    if recover_from_nodes:
        _recover(config, nodes, key_file)
    elif nodes or key_file is not None:
        raise click.UsageError("--node and --key-file belong to --recover-from-nodes")
    else:
        _server(config)


def _recover(config: str | None, nodes: tuple[str, ...], key_file: str | None) -> None:
    from cargo_sync.init.questions import InitError
    from cargo_sync.init.recovery import RecoveryAnswers, recover_server

    try:
        recover_server(RecoveryAnswers(config, key_file, nodes), os.environ)
    except InitError as error:
        raise click.ClickException(str(error)) from error


def _server(config: str | None) -> None:
    from cargo_sync.config.errors import ConfigError
    from cargo_sync.config.places import server_file
    from cargo_sync.config.server import load_server

    default = server_file(os.environ)
    if config is None and not os.path.exists(default):
        refuse([f"there is no {default} (make one with: cargo_sync init server)"])
    config = config or default
    try:
        settings = load_server(config, os.environ)
    except ConfigError as error:
        refuse([str(problem) for problem in error.problems])
    from cargo_sync.server import app

    run_application(
        lambda service: app.run(settings, service=service), settings.process.log, "cargo-server"
    )


@cargo_sync.command()
@click.option(
    "--config",
    metavar="FILE",
    type=click.Path(),
    help="The node's settings. Default: ~/.config/cargo_sync/node.json",
)
def node(config: str | None) -> None:
    """Run a storage node: it keeps file contents for one server, beside other nodes.

    SIGTERM ends it. `cargo_sync init node` sets one up, with an invitation of its server
    (`cargo_ctl node invite`).

    \b
    Examples:
      cargo_sync node
      cargo_sync node --config node.json
    """
    _node(config)


def _node(config: str | None) -> None:
    from cargo_sync.config.errors import ConfigError
    from cargo_sync.config.node import load_node
    from cargo_sync.config.places import node_file

    default = node_file(os.environ)
    if config is None and not os.path.exists(default):
        refuse([f"there is no {default} (make one with: cargo_sync init node)"])
    try:
        settings = load_node(config or default, os.environ)
    except ConfigError as error:
        refuse([str(problem) for problem in error.problems])
    from cargo_sync.node import app

    run_application(
        lambda service: app.run(settings, service=service), settings.process.log, "cargo-node"
    )


@cargo_sync.command()
@click.option("--job", metavar="FILE", type=click.Path(), required=True, help="The job file.")
@click.option(
    "--state",
    metavar="FOLDER",
    type=click.Path(),
    help="Where it remembers what both sides have. Default: the folder of `daemon --job`.",
)
@click.option(
    "--timeout",
    metavar="TIME",
    callback=_seconds,
    help="Stop after that time, such as 90s, 50min or 2h.",
)
@click.option("--approve", metavar="ID", help="Let pass what an earlier run held, by its id.")
@click.pass_context
def run(
    ctx: click.Context, job: str, state: str | None, timeout: float | None, approve: str | None
) -> None:
    """Run one job once, without a daemon, and end: for cron and scripts.

    On a terminal it shows its progress. Elsewhere it prints nothing if all is well, and problems
    on standard error. The next run goes on where this one was stopped.

    \b
    Exit codes:
      0  synced
      1  something failed
      2  wrong usage, a file that cannot be used, or a daemon has this job
      3  held: a person must decide, or a disk is full
      4  the server, or a folder, cannot be reached
      5  not finished: --timeout, a signal, outside its window, paused, or it runs already

    \b
    Examples:
      cargo_sync run --job photos.json
      cargo_sync run --job photos.json --timeout 50min
    """
    from cargo_sync.once import run_once

    ctx.obj = ctx.obj or "error"  # what matters is printed at the end
    sys.exit(run_once(job, state, timeout, approve))


class _Init(click.Group):
    """Its commands are imported when they are called."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:
            # click would compare the name with the loaded commands, and none is loaded.
            known = self.list_commands(ctx)
            raise click.NoSuchCommand(error.command_name, possibilities=known, ctx=ctx) from None

    def list_commands(self, ctx: click.Context) -> list[str]:
        return ["server", "job", "node"]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        from cargo_sync.init.commands import COMMANDS

        return COMMANDS.get(cmd_name)


@cargo_sync.group(cls=_Init)
def init() -> None:
    """Set up a server, a job or a storage node: answer a few questions, and it runs.

    \b
    Examples:
      cargo_sync init server
      cargo_sync init job
      cargo_sync init node
    """


@init.result_callback()
def _run_what_was_made(wanted: "NextProgram | None") -> None:
    if wanted is None:
        return
    if wanted.program == "server":
        _server(wanted.path)
    elif wanted.program == "node":
        _node(wanted.path)
    else:
        from cargo_sync.init.first_run import told

        told(wanted.job, click.echo)
        _daemon(None, None, None, with_parent=False)


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
@click.argument("workspace")
@click.option(
    "--to",
    metavar="nodes|FILE|FOLDER",
    help='Where it shall be: "nodes" (storage nodes), a FILE.json with the "store" of a bucket, or '
    'a folder (with a "/" in it).',
)
@click.option(
    "--copies",
    type=click.IntRange(1, 3),
    default=2,
    show_default=True,
    help="How many storage nodes keep each content.",
)
@click.option(
    "--remove-source", is_flag=True, help="Remove what an earlier move has left behind, for good."
)
@click.option(
    "--give-up",
    is_flag=True,
    help="Give up a move that has not ended: what it has brought to a store is deleted there.",
)
@click.option(
    "--dry-run", is_flag=True, help="Only say what would be done, and what cannot be kept."
)
@click.option("--yes", is_flag=True, help="Ask nothing: go on although something cannot be kept.")
@click.option(
    "--config",
    metavar="FILE",
    type=click.Path(),
    help="The server's settings. Default: ~/.config/cargo_sync/server.json",
)
@click.pass_context
def migrate(
    ctx: click.Context,
    workspace: str,
    to: str | None,
    copies: int,
    remove_source: bool,
    give_up: bool,
    dry_run: bool,
    yes: bool,
    config: str | None,
) -> None:
    """Move a workspace of a server from its folder to storage nodes or a bucket, or back.

    The server must be stopped meanwhile. To a bucket and from there, most of it moves while the
    server runs; then the command waits until it is stopped, and ends with a last look. Users see no
    difference: no job sends anything again. The old place stays as it is until --remove-source.
    After a kill, the same command goes on where it was.

    \b
    Examples:
      cargo_sync migrate archive --to nodes --copies 2 --dry-run
      cargo_sync migrate archive --to nodes --copies 2
      cargo_sync migrate archive --to bucket.json
      cargo_sync migrate archive --remove-source
      cargo_sync migrate archive --to /srv/cargo/archive
      cargo_sync migrate archive --give-up
    """
    ctx.obj = ctx.obj or "error"  # what matters is printed
    if (to is not None) + remove_source + give_up != 1:
        raise click.UsageError(
            "use one of --to, which says where it shall be, --remove-source and --give-up"
        )
    bucket = to if to is not None and to.endswith(".json") and not os.path.isdir(to) else ""
    if to is not None and to != "nodes" and not bucket and "/" not in to:
        raise click.BadParameter(
            f'{to!r} is not "nodes", no file such as bucket.json, and no folder such as ./{to}'
        )
    from cargo_sync.migration.command import migrate_workspace
    from cargo_sync.migration.place import MoveOrder, MoveTask

    task = MoveTask.REMOVE if remove_source else MoveTask.GIVE_UP if give_up else MoveTask.MOVE
    folder = "" if to is None or to == "nodes" or bucket else to
    order = MoveOrder(config or "", workspace, folder, copies, bucket, dry_run, yes)
    sys.exit(migrate_workspace(order, task))


@cargo_sync.command("migrate-state")
@click.argument("url")
@click.option(
    "--config",
    metavar="FILE",
    type=click.Path(),
    help="The server's settings. Default: ~/.config/cargo_sync/server.json",
)
@click.pass_context
def migrate_state(ctx: click.Context, url: str, config: str | None) -> None:
    """Move the state of a server from its file into a PostgreSQL database, which is empty.

    The state is all that the server knows: users, grants, names and versions of files, history.
    Files stay where they are. The server must be stopped meanwhile. Its users see no difference.
    After a failure nothing has changed, and the same command begins anew.

    \b
    Example:
      cargo_sync migrate-state postgresql://cargo@db.example.com/cargo
    """
    ctx.obj = ctx.obj or "error"  # what matters is printed
    from cargo_sync.migration.command import migrate_state

    sys.exit(migrate_state(config or "", url))


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
@click.option(
    "--nodes",
    type=click.IntRange(3, 6),
    help="Keep the files on so many storage nodes, kill one of them, and see it made good.",
)
@click.option("--files", type=click.IntRange(min=1), hidden=True)
def demo(source: str | None, keep: bool, nodes: int | None, files: int | None) -> None:
    """Run a demonstration with a temporary server and daemon.

    It uploads files, downloads them again, and compares every one.

    \b
    Examples:
      cargo_sync demo --source ~/photos
      cargo_sync demo --nodes 3
    """
    from cargo_sync.demo.run import run_demo

    sys.exit(run_demo(source, keep, files, nodes))


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


def main() -> None:
    """Runs the command line, ours or pydio-sync's."""
    # What is imported stays: to search it for garbage is a tenth of the time that a start takes.
    gc.disable()
    from cargo_sync import pydio

    if pydio.is_meant(sys.argv[1:]):
        pydio.pydio_sync(prog_name="cargo_sync", obj=pydio.PydioProgram(run_application, refuse))
    cargo_sync(prog_name="cargo_sync")


if __name__ == "__main__":
    main()
