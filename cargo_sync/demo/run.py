"""The demo: what runs, and in which order."""

import contextlib
import os
import shlex
import shutil
import signal
import tempfile
from collections.abc import Sequence

import click

from cargo_sync.api.addresses import AddressError, is_live
from cargo_sync.api.client import Client, CommandError, NotRunning
from cargo_sync.demo.home import DOWN, UP, Home
from cargo_sync.demo.nodes import DemoNodes
from cargo_sync.demo.programs import CARGO_CTL, DemoError, Program, wait_for
from cargo_sync.demo.progress import JobsByName, shown_size, watch
from cargo_sync.demo.trees import (
    Tree,
    arrived,
    compare,
    count_of,
    look,
    make_tree,
    size_of,
)


def run_demo(source: str | None, keep: bool, files: int | None, nodes: int | None) -> int:
    """Runs the demo.

    Args:
        source: a folder to transfer, which is only read; without it a tree is made.
        keep: leave everything running until Ctrl-C.
        files: number of small files to make.
        nodes: number of storage nodes on which the files lie; None for a folder.

    Returns:
        The exit code: 0 when every file was verified, 1 when not, 130 after Ctrl-C, 2 for bad
        input.
    """
    if source is not None and not os.path.isdir(source):
        click.echo(f"there is no folder {source}", err=True)
        return 2
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    place = tempfile.mkdtemp(prefix="cargo-demo-")
    try:
        return _in(place, source and os.path.abspath(source), keep, files, nodes)
    except (DemoError, AddressError, CommandError, NotRunning) as error:
        click.echo(f"demo: {error}", err=True)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _in(place: str, source: str | None, keep: bool, files: int | None, nodes: int | None) -> int:
    if source is None:
        source = os.path.join(place, "first")
        click.echo(f"making a tree of files in {source}")
        make_tree(source, files)
    home = Home.make(place, source, on_nodes=nodes is not None)
    wanted = look(source)
    size, count = size_of(wanted), count_of(wanted)
    where = "the server" if nodes is None else f"{nodes} storage nodes"
    click.echo(f"{count:,} files, {shown_size(size)}: {source} -> {where} -> {home.last}")
    with contextlib.ExitStack() as running:
        server = running.enter_context(Program.of("server", home))
        wait_for(server, home.listens)
        fleet = None if nodes is None else DemoNodes(home, server, nodes, running)
        daemon = running.enter_context(Program.of("daemon", home))
        running.callback(
            signal.signal, signal.SIGINT, signal.SIG_IGN
        )  # Ctrl-C does not interrupt the cleanup
        wait_for(daemon, lambda: is_live(home.addresses.feed))
        programs = (server, daemon)
        if fleet is None:
            seconds = _both_at_once(home, programs, wanted)
            measured = "all bytes once, from the first look to the last arrival, up and down again"
        else:
            seconds = _one_by_one(home, programs, wanted, fleet)
            measured = "all bytes once, up and then down again, each from its job's first look"
        compare(wanted, source, home.last)
        click.echo(f"measured: {measured}")
        if fleet is not None:
            fleet.until_repaired(wanted)
        click.echo(f"demo: {count} files, {size} bytes, {size / seconds / 1e6:.1f} MB/s, verified")
        if keep:
            _keep(home)
    return 0


def _both_at_once(home: Home, programs: Sequence[Program], wanted: Tree) -> float:
    """Both jobs run, and what came up goes down at once; returns the seconds that it took."""
    for job in (UP, DOWN):
        home.add_job(job)
    _read_jobs(home)

    def has_ended(_jobs: JobsByName) -> bool:
        return arrived(wanted, home.last)

    def check(_jobs: JobsByName) -> None:
        for program in programs:
            program.check()

    return watch(home.addresses, (UP, DOWN), size_of(wanted), has_ended, check)


def _one_by_one(home: Home, programs: Sequence[Program], wanted: Tree, fleet: DemoNodes) -> float:
    """All goes up, and one node is killed meanwhile; then all comes down; returns the seconds."""
    size, count = size_of(wanted), count_of(wanted)

    def is_up(jobs: JobsByName) -> bool:
        return jobs[UP].files >= count

    def is_down(_jobs: JobsByName) -> bool:
        return arrived(wanted, home.last)

    def check(jobs: JobsByName) -> None:
        for program in programs:
            program.check()
        if UP in jobs and jobs[UP].arrived >= size / 2:
            fleet.kill_one()
        fleet.look()

    seconds = 0.0
    for job, has_ended in ((UP, is_up), (DOWN, is_down)):
        home.add_job(job)
        _read_jobs(home)
        seconds += watch(home.addresses, (job,), size, has_ended, check)
    return seconds


def _read_jobs(home: Home) -> None:
    with Client(home.addresses.commands) as client:
        client.call("reload")


def _keep(home: Home) -> None:
    click.echo(what_to_try(home))
    with contextlib.suppress(KeyboardInterrupt):
        signal.pause()
    click.echo("stopping, and deleting what was made")


def what_to_try(home: Home) -> str:
    """Commands for another terminal, which run as they are printed."""
    control = shlex.quote(CARGO_CTL)
    if home.on_nodes:
        server = shlex.quote(home.server.folder)
        there = f"    {control} node list --connect {server}\n"
        copy = "The contents are in the folders of the nodes, node-NAME"
    else:
        there, copy = "", f"The server's copy is in {home.path('files')}/demo"
    return f"""
Everything keeps running until Ctrl-C. In another terminal:

    export CARGO_CONTROL={shlex.quote(home.addresses.folder)}
    {control} status
    {control} watch
    {control} job show {shlex.quote(UP)}
    cp FILE {shlex.quote(home.source)}       # and see it arrive in {home.last}
    {control} job pause {shlex.quote(DOWN)}
    {control} feed --topic notice/
{there}
{copy}.
The logs are server.log and daemon.log in {home.place}."""
