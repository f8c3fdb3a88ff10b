"""`cargo_ctl`: the command line. Only the called command is imported: it starts fast."""

import importlib
import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import click

from cargo_ctl.options import print_version
from cargo_ctl.reach import common_options
from cargo_sync.api.renamed import RENAMED_WORDS

_SECTIONS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "Every day": {
            "status": "cargo_ctl.commands.status:status",
            "watch": "cargo_ctl.commands.feed:watch",
            "top": "cargo_ctl.commands.top:top",
            "job": "cargo_ctl.commands.job:job",
            "conflict": "cargo_ctl.commands.conflict:conflict",
            "trash": "cargo_ctl.commands.trash:trash",
            "run": "cargo_ctl.commands.run:run",
            "transfer": "cargo_ctl.commands.transfer:transfer",
            "history": "cargo_ctl.commands.history:history",
            "callback": "cargo_ctl.commands.callback:callback",
        },
        "In a browser": {"web": "cargo_ctl.commands.web:web"},
        "By hand": {
            "shell": "cargo_ctl.commands.shell:shell",
            "copy": "cargo_ctl.commands.copy:copy",
        },
        "Users of a server": {
            "user": "cargo_ctl.commands.user:user",
            "workspace": "cargo_ctl.commands.workspace:workspace",
            "flow": "cargo_ctl.commands.flow:flow",
        },
        "Several servers": {"server": "cargo_ctl.commands.server:server"},
        "Storage nodes of a server": {"node": "cargo_ctl.commands.node:node"},
        "The daemon or server itself": {
            "bandwidth": "cargo_ctl.commands.bandwidth:bandwidth",
            "reload": "cargo_ctl.commands.daemon:reload",
            "shutdown": "cargo_ctl.commands.daemon:shutdown",
            "feed": "cargo_ctl.commands.feed:feed",
            "key": "cargo_ctl.commands.key:key",
            "log": "cargo_ctl.commands.log:log",
            "audit": "cargo_ctl.commands.audit:audit",
        },
        "Your shell": {"completion": "cargo_ctl.commands.completion:completion"},
    }
)
_COMMANDS: Mapping[str, str] = MappingProxyType(
    {name: place for section in _SECTIONS.values() for name, place in section.items()}
)

_EPILOG = """\b
Examples:
  cargo_ctl status
  cargo_ctl job pause nightly
  cargo_ctl job plan nightly --json
  cargo_ctl watch
  cargo_ctl --connect tcp://box:5556 --key box.key status
  cargo_ctl user add ana /srv/ana
  cargo_ctl status --server

\b
Exit codes:
  0  done
  1  the command failed
  2  wrong usage or bad input, such as an unknown job
  3  no daemon (or server) is running
"""


class _LazyGroup(click.Group):
    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:
            old = error.command_name
            if (new := RENAMED_WORDS.get(old)) is not None:
                message = f"No such command {old!r}. Did you mean {new!r}?"
                raise click.NoSuchCommand(old, message, ctx=ctx) from None
            # click would compare the name with the loaded commands, and none is loaded.
            raise click.NoSuchCommand(old, possibilities=_COMMANDS, ctx=ctx) from None

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """As click does it, but one list per section, all with the same width of names."""
        width = max(map(len, _COMMANDS))
        enough = 1_000  # do not cut a summary: it may use a second line
        for title, section in _SECTIONS.items():
            commands = [(name, self.get_command(ctx, name)) for name in section]
            rows = [
                (f"{name:<{width}}", command.get_short_help_str(enough))
                for name, command in commands
                if command is not None
            ]
            with formatter.section(title):
                formatter.write_dl(rows)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name].partition(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)
        return command


@click.group(
    cls=_LazyGroup, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=print_version("cargo_ctl"),
    help="Show the version.",
)
@common_options
def cargo_ctl(**_options: Any) -> None:
    """Control a running daemon or server: jobs, transfers, users, history.

    It connects to your running daemon. If several are running, choose one with --connect or
    CARGO_CONTROL. With --server it connects to your running server; the commands user, workspace
    and flow always do. To reach another machine, give the address of its port and a key.
    """


def main() -> None:
    """The entry point of `cargo_ctl`."""
    if "_CARGO_CTL_COMPLETE" in os.environ:
        from cargo_ctl.completion import register

        register()
    cargo_ctl(prog_name="cargo_ctl")
