"""Options that several commands share."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

_Function = TypeVar("_Function", bound=Callable[..., Any])


def yes_option(function: _Function) -> _Function:
    """The option `--yes` of commands that remove something: see `Reach.confirm`."""
    text = "Do not ask for confirmation: needed without a terminal."
    return click.option("--yes", is_flag=True, help=text)(function)


def limit_option(
    most: int | None = None, *, default: int | None = None, help: str
) -> Callable[[_Function], _Function]:
    """The option `-n/--limit`: how many rows, from 1 to `most`; None if it is not given."""
    return click.option(
        "-n",
        "--limit",
        type=click.IntRange(1, most),
        metavar="N",
        default=default,
        show_default=default is not None,
        help=help,
    )
