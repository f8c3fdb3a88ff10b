"""A word of a few, on a command line; the lowest file beside `suggest`, for all programs."""

from typing import Any

import click

from cargo_sync.suggest import did_you_mean


class OneOf(click.Choice[str]):
    """One of some words; a wrong one gets a "did you mean"."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter as error:
            if near := did_you_mean(str(value), [str(one) for one in self.choices]):
                self.fail(f"{error.message.rstrip('.')}; {near}", param, ctx)
            raise
