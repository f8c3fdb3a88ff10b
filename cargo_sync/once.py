"""`cargo_sync run`: one run of one job in this process, without a daemon, then an exit code."""

import os
import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import click

from cargo_sync.api.escaping import escaped
from cargo_sync.running import run_application

if TYPE_CHECKING:
    from cargo_sync.config.job import JobSettings
    from cargo_sync.daemon.job.status import Advance
    from cargo_sync.daemon.one_run import RunOnceResult
    from cargo_sync.process.service import Service

BAD_INPUT: Final = 2
_CAUSES: Final = 10
_CLEAR: Final = "\r\x1b[K"


def run_once(file: str, state: str | None, timeout: float | None, approve: str | None) -> int:
    """Runs the job of a file once.

    Args:
        file: path of the job file.
        state: folder of its state; None for the one that `cargo_sync daemon --job` uses.
        timeout: seconds after which it stops; None for no limit.
        approve: the id of what an earlier run held, which passes now.

    Returns:
        The exit code.
    """
    from cargo_sync.api.addresses import job_instance, private_instance
    from cargo_sync.config.daemon import DaemonSettings
    from cargo_sync.config.errors import ConfigError
    from cargo_sync.config.job import load_job, missing_folder
    from cargo_sync.config.places import state_folder
    from cargo_sync.daemon import app
    from cargo_sync.daemon.jobs.loading import JobFiles
    from cargo_sync.daemon.one_run import RunOnce, RunOnceResult
    from cargo_sync.machines.job_state import JobState
    from cargo_sync.machines.one_run import RunVerdict
    from cargo_sync.model.problems import Code, ProblemError

    env = os.environ

    def load(path: str) -> "JobSettings":
        # Nothing is watched: each look is at everything.
        return replace(load_job(path, env), watch=False)

    try:
        job = load(file)
        if missing := missing_folder(job):
            raise ConfigError([missing])
    except ConfigError as error:
        return _refused(*map(str, error.problems))
    if holder := _of_a_daemon(job, env):
        return _refused(holder)
    folder = state or state_folder(env, job_instance(file))
    settings = DaemonSettings(os.path.abspath(folder), "", 1)
    files = JobFiles(lambda: [file], env, load=load)
    once = RunOnce(approve, timeout, _progress(job.name))
    in_use = False

    async def application(service: "Service") -> None:
        nonlocal in_use
        try:
            await app.run(
                settings,
                files,
                instance=private_instance(os.getpid()),
                env=env,
                ready=lambda _: None,
                service=service,
                once=once,
            )
        except ProblemError as error:
            if error.problem.code is not Code.STATE_IN_USE:
                raise
            in_use = True

    run_application(application, settings.process.log, "cargo-run")
    result = once.result
    if result is None:
        why = "it was stopped: the next run goes on where it was"
        if in_use:
            why = "another process runs this job now"
        result = RunOnceResult(RunVerdict.UNFINISHED, JobState.STARTING, why)
    _tell(job.name, file, result)
    return int(result.verdict)


def _of_a_daemon(job: "JobSettings", env: Mapping[str, str]) -> str:
    """Why the job is a daemon's, or ""."""
    from cargo_sync.api.addresses import DAEMON, AddressError, find
    from cargo_sync.api.client import Client, CommandError, NotAdmitted, NotRunning
    from cargo_sync.config.daemon import load_daemon

    jobs, file = load_daemon(None, env).jobs_dir, os.path.realpath(job.file)
    if os.path.dirname(file) == os.path.realpath(jobs):
        return (
            f"{job.file} is in the folder of the daemon's jobs, and the daemon remembers what both "
            f"sides have: use `cargo_ctl job sync {shlex.quote(job.name)}`, "
            "or move the file elsewhere"
        )
    try:
        addresses = find(DAEMON, env)
        if addresses is None:
            return ""
        with Client(addresses.commands, key=addresses.key) as client:
            rows = client.call("job.list").get("jobs", [])
    except (AddressError, CommandError, NotAdmitted, NotRunning):
        return ""  # no daemon: who else has the folder is told by its lock
    for row in rows:
        if row.get("local_dir") == job.local_dir:
            name = row.get("name")
            return (
                f"a daemon runs the job {name!r} with the folder {job.local_dir}: "
                "use `cargo_ctl job sync`, or remove that job first"
            )
    return ""


def _progress(name: str) -> Callable[["Advance", str], None]:
    """Shows progress, or why it waits, on one line of the terminal, or nowhere."""
    if not sys.stderr.isatty():
        return lambda _, __: None

    def show(advance: "Advance", waits: str) -> None:
        text = f"{name}: looks for changes"
        if waits:
            text = f"{name}: waits for the server: {waits}"
        elif advance.files_total:
            text = (
                f"{name}: {advance.files_done:,} of {_files(advance.files_total)}, "
                f"{_size(advance.bytes_done)} of {_size(advance.bytes_total)}, "
                f"{_size(advance.speed_bps / 8)}/s"
            )
        width = os.get_terminal_size(sys.stderr.fileno()).columns
        sys.stderr.write(_CLEAR + escaped(text)[: width - 1])
        sys.stderr.flush()

    return show


def _tell(name: str, file: str, result: "RunOnceResult") -> None:
    """Says how it ended: problems in any case, the rest on a terminal."""
    from cargo_sync.machines.one_run import RunVerdict

    if sys.stderr.isatty():
        sys.stderr.write(_CLEAR)
    name = escaped(name)
    if result.verdict is RunVerdict.SYNCED:
        if sys.stdout.isatty():
            left = "; some files still change: the next run takes them" if result.left else ""
            click.echo(f"{name}: synced, {_files(result.files)}, {_size(result.bytes)}{left}")
        return
    words = {
        RunVerdict.FAILED: "error",
        RunVerdict.HELD: "held",
        RunVerdict.AWAY: "not reached",
        RunVerdict.UNFINISHED: "not finished",
    }[result.verdict]
    detail = result.detail or _idle(result)
    click.echo(f"{name}: {words}: {escaped(detail)}", err=True)
    for cause in result.causes[:_CAUSES]:
        if cause.message != result.detail:
            path = f"{escaped(cause.path)}: " if cause.path else ""
            click.echo(f"  {path}{escaped(cause.message)}", err=True)
    if len(result.causes) > _CAUSES:
        click.echo(f"  and {len(result.causes) - _CAUSES:,} more", err=True)
    for held in result.holds:
        line = f"to let exactly these pass: cargo_sync run --job {file} --approve {held}"
        click.echo(f"  {escaped(line)}", err=True)


def _idle(result: "RunOnceResult") -> str:
    """Why a job that does not run does not."""
    return {"disabled": '"enabled" is false in its file', "paused": "it is paused"}.get(
        result.state, str(result.state)
    )


def _refused(*lines: str) -> int:
    for line in lines:
        click.echo(escaped(line), err=True)
    return BAD_INPUT


def _files(number: int) -> str:
    return "1 file" if number == 1 else f"{number:,} files"


def _size(count: float) -> str:
    from rich.filesize import decimal

    return decimal(int(count))
