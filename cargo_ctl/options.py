"""Options that several commands share."""

import re
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Final, TypeVar

import click

_Function = TypeVar("_Function", bound=Callable[..., Any])


def print_version(program: str) -> Callable[[click.Context, click.Parameter, bool], None]:
    """The callback of an eager `--version`: it prints the version and ends the program."""

    def callback(ctx: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
        if wanted and not ctx.resilient_parsing:
            from importlib.metadata import version

            click.echo(f"{program} {version('cargo-sync')}")
            ctx.exit()

    return callback


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


_UNITS: Final[Mapping[str, int]] = {"d": 86_400, "h": 3_600, "min": 60, "m": 60, "s": 1}


class _Ago(click.ParamType):  # type: ignore[type-arg]  # generic in new versions of click only
    """`2d`, `12h`, `30min`: so long ago, or, as a `span`, so long; else a day, `2026-11-28`."""

    name = "time"

    def __init__(self, span: bool) -> None:
        self._span = span

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        if isinstance(value, float):
            return value
        if found := re.fullmatch(r"(\d{1,6})(d|h|min|m|s)", value, re.ASCII):
            seconds = float(int(found[1]) * _UNITS[found[2]])
            return seconds if self._span else time.time() - seconds
        if not self._span:
            with suppress(ValueError):
                return datetime.fromisoformat(value).timestamp()
        more = "" if self._span else ", or a day such as 2026-11-28"
        raise click.BadParameter(f"{value!r} is no time: write 7d, 12h or 30min{more}", ctx, param)


class CursorOrTime(click.ParamType):  # type: ignore[type-arg]  # generic in new versions of click only
    """A whole number, the cursor of a row; or a moment as `_Ago` takes it, a float."""

    name = "cursor or time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | float:
        if isinstance(value, int | float):
            return value
        if re.fullmatch(r"\d{1,15}", value, re.ASCII):
            return int(value)
        return _Ago(False).convert(value, param, ctx)


def ago_option(name: str, *, help: str, span: bool = False) -> Callable[[_Function], _Function]:
    """An option for a moment, as unix seconds; with `span` for a length of time, in seconds."""
    return click.option(name, type=_Ago(span), metavar="TIME", default=None, help=help)
