"""Storage nodes: they join, one of them is killed, and its copies are made again."""

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from typing import Final, NamedTuple

import click

from cargo_sync.api.client import Client
from cargo_sync.demo.home import COPIES, GRACE, Home, free_ports
from cargo_sync.demo.programs import (
    CARGO_CTL,
    CARGO_SYNC,
    DemoError,
    Program,
    answer_of,
    wait_for,
)
from cargo_sync.demo.progress import shown_size
from cargo_sync.demo.trees import Tree, hash_at

NAMES: Final = ("cellar", "attic", "office", "barn", "garage", "studio")
LOOK: Final = 0.5
"""Seconds between two looks at the nodes."""
REPAIRED: Final = 300.0
"""Seconds after which the demo has failed, if copies are still missing."""


class _Look(NamedTuple):
    """How the nodes were.

    states  by name
    used    bytes of their copies, by name
    copies  that were missing; bytes of these
    """

    states: dict[str, str]
    used: dict[str, int]
    copies: int = 0
    bytes: int = 0


class DemoNodes:
    """Nodes of the demo's server."""

    def __init__(self, home: Home, server: Program, count: int, running: ExitStack) -> None:
        """Invites the nodes, lets them join, and starts them. Raises DemoError."""
        self._home = home
        self._server = server
        self._programs: dict[str, Program] = {}
        self._victim: Program | None = None
        self._looked = 0.0
        self._gone: float | None = None
        """Since when the node that was killed is given up."""
        self._most = _Look({}, {})
        """What was missing then, at most."""
        self._left = 0
        """How many copies were missing at the last look."""
        self._repaired: float | None = None
        for name in NAMES[:count]:
            self._programs[name] = running.enter_context(self._joined(name))
        for name, program in self._programs.items():
            wait_for(program, partial(self._is_up, name))
        click.echo(f"{count} storage nodes are up; there are {COPIES} copies of each content")

    def kill_one(self) -> None:
        """Kills the one that keeps most, once."""
        if self._victim is None:
            used = self._look().used
            self._victim = self._programs[max(used, key=lambda name: used[name])]
            self._victim.kill()
            click.echo(f"killed with -9: the storage node {self._victim.name}")

    def look(self) -> None:
        """Sees whether the node that was killed is given up, and how its copies are made again."""
        now = time.monotonic()
        victim = self._victim
        if victim is None or now - self._looked < LOOK or self._repaired:
            return
        self._looked = now
        for program in self._programs.values():
            program.check()
        found = self._look()
        if self._gone is None:
            if found.states[victim.name] != "gone":
                return
            self._gone = now
            click.echo(f"{victim.name} was silent for {GRACE}: it is given up")
        if found.copies > self._most.copies:
            self._most = found
        if not found.copies:
            self._repaired = now
        elif found.copies != self._left:
            click.echo(f"missing   {found.copies:,} copies, {shown_size(found.bytes)}")
        self._left = found.copies

    def until_repaired(self, wanted: Tree) -> None:
        """Waits until nothing is missing, then looks at the nodes' folders. Raises DemoError."""
        until = time.monotonic() + REPAIRED
        if self._gone is None and self._victim is not None:
            click.echo(f"waiting until {self._victim.name} has been silent for {GRACE}")
        while self._repaired is None:
            if time.monotonic() > until:
                raise DemoError(f"{self._left} copies are still missing")
            self._server.check()
            self.look()
            time.sleep(LOOK / 5)
        contents = self._compare(wanted)
        assert self._gone is not None, "it was given up before anything was repaired"
        copies, size = self._most.copies, shown_size(self._most.bytes)
        seconds = self._repaired - self._gone
        click.echo(f"made again: {copies:,} copies, {size}, in {seconds:.1f} s")
        click.echo(f"{contents:,} contents have {COPIES} copies each on the nodes that are left")

    # -- within ------------------------------------------------------------------------------------

    def _joined(self, name: str) -> Program:
        """Invites a node, lets it join, and starts it."""
        home, port, lane_port = self._home, *free_ports(2)
        env = home.environment()
        line = answer_of([CARGO_CTL, "node", "invite", name, "--connect", home.server.folder], env)
        click.echo(f"{name} joins with {line.partition('#')[0]}#…")
        own = home.path(f"state-{name}")
        env |= {"XDG_STATE_HOME": own, "XDG_CONFIG_HOME": own}
        settings = home.path(f"{name}.json")
        options = {
            "--invite-file": "-",
            "--folder": self._folder(name),
            "--address": "127.0.0.1",
            "--port": str(port),
            "--lane-port": str(lane_port),
        }
        given = [word for option in options.items() for word in option]
        answer_of([*CARGO_SYNC, "init", "node", settings, *given, "--yes"], env, line)
        return Program(name, home.place, env, "node", "--config", settings)

    def _folder(self, name: str) -> str:
        return self._home.path(f"node-{name}")

    def _is_up(self, name: str) -> bool:
        return self._look().states.get(name) == "up"

    def _look(self) -> _Look:
        with Client(self._home.server.commands) as client:
            found = client.call("node.list")
        states = {one["node"]: one["state"] for one in found["nodes"]}
        used = {one["node"]: one["used"] or 0 for one in found["nodes"]}
        return _Look(states, used, found["missing"]["copies"], found["missing"]["bytes"])

    def _compare(self, wanted: Tree) -> int:
        """Each content must lie on enough of the nodes that are left; returns how many there are.

        Raises:
            DemoError: one does not.
        """
        left = [name for name, program in self._programs.items() if not program.is_killed]
        short = []
        contents = dict(self._contents(wanted))
        for hash, size in contents.items():
            paths = [os.path.join(self._folder(name), hash[:2], hash) for name in left]
            found = sum(os.path.isfile(path) and os.path.getsize(path) == size for path in paths)
            if found < COPIES:
                short.append(f"{hash[:12]}… has {found}")
        if short:
            raise DemoError(f"{len(short)} contents have too few copies, such as {short[0]}")
        return len(contents)

    def _contents(self, wanted: Tree) -> Iterator[tuple[str, int]]:
        for path, entry in wanted.items():
            if entry.kind == "file" and entry.size:
                yield hash_at(self._home.source, path), entry.size
