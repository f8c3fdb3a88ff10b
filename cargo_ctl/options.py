"""Options that several commands share."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from cargo_sync.suggest import did_you_mean

_Function = TypeVar("_Function", bound=Callable[..., Any])


class OneOf(click.Choice[str]):
    """One of some words; a wrong one gets a "did you mean"."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter as error:
            if near := did_you_mean(str(value), [str(one) for one in self.choices]):
                self.fail(f"{error.message.rstrip('.')}; {near}", param, ctx)
            raise


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
