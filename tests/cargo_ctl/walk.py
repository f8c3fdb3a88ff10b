"""The commands of our programs, from click."""

import re
import shlex
from collections.abc import Iterator

import click

from cargo_ctl.client.main import cargoclient
from cargo_ctl.main import cargo_ctl
from cargo_sync import pydio
from cargo_sync.main import cargo_sync

PROGRAMS: dict[str, click.Command] = {
    "cargo_ctl": cargo_ctl,
    "cargo_sync": cargo_sync,
    "cargoclient": cargoclient,
}


def walk(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    """All commands and groups that are not hidden, with their full names."""
    yield name, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for each in command.list_commands(context):
            found = command.get_command(context, each)
            assert found is not None, each
            if not found.hidden:
                yield from walk(found, f"{name} {each}")


def everything() -> list[tuple[str, click.Command]]:
    return [one for name, command in PROGRAMS.items() for one in walk(command, name)]


def examples(text: str) -> list[str]:
    """The lines of a text that are our command lines, without pipes and redirections."""
    lines = [line.strip().removeprefix("$ ") for line in text.splitlines()]
    programs = "|".join(PROGRAMS)
    found = [line for line in lines if re.match(rf"({programs}) ", line)]
    return [re.split(r" [<>|#&] ?| {2,}", line)[0] for line in found]


def parse(line: str) -> None:
    """Parse a command line without running it. Raises click.UsageError."""
    program, *args = shlex.split(line)
    as_pydio = program == "cargo_sync" and pydio.is_meant(args)
    command: click.Command = pydio.pydio_sync if as_pydio else PROGRAMS[program]
    context = command.make_context(program, args)
    while isinstance(command, click.Group):
        rest = [*context._protected_args, *context.args]
        if not rest and command.invoke_without_command:
            break
        name, found, rest = command.resolve_command(context, rest)
        assert found is not None
        command, context = found, found.make_context(name, rest, parent=context)
