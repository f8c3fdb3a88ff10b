"""`cargo_ctl completion`: the script for Tab completion."""

import click

from cargo_ctl.completion import SHELLS, script
from cargo_sync.choice import OneOf


@click.command()
@click.argument("shell", type=OneOf([shell.name for shell in SHELLS]))
def completion(shell: str) -> None:
    """Print the shell script for Tab completion of commands, options and names.

    The script asks the running daemon or server for the names of jobs, transfers, users and so on.
    Put one of these lines into your shell's start file:

    \b
      ~/.bashrc                   eval "$(cargo_ctl completion bash)"
      ~/.zshrc, after compinit    eval "$(cargo_ctl completion zsh)"
      ~/.config/fish/config.fish  cargo_ctl completion fish | source

    \b
    Examples:
      cargo_ctl completion bash
      cargo_ctl completion fish
    """
    from cargo_ctl.client.main import cargoclient
    from cargo_ctl.main import cargo_ctl

    click.echo(script(shell, cargo_ctl, "cargo_ctl"), nl=False)
    click.echo(script(shell, cargoclient, "cargoclient"), nl=False)
