"""Rates as people write them on a command line: `10mbps`, `1.5gbps`, or `none` for no limit."""

import re
from decimal import Decimal
from typing import NamedTuple

import click

_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*(g|m|k|)bps", re.IGNORECASE | re.ASCII)
_FACTORS = {"": 1, "k": 1_000, "m": 1_000_000, "g": 1_000_000_000}


class Rate(NamedTuple):
    """Bits a second; None is no limit. An option that was not given is no Rate at all."""

    bits: int | None


class RateType(click.ParamType):  # type: ignore[type-arg]  # generic in the newest click alone
    """The type of an option that takes a rate."""

    name = "rate"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Rate:
        if isinstance(value, Rate):
            return value
        text = str(value).strip()
        if text.lower() == "none":
            return Rate(None)
        found = _RATE.fullmatch(text)
        bits = int(Decimal(found[1]) * _FACTORS[found[2].lower()]) if found else 0
        if bits < 1:
            self.fail(f"{text!r} is not a rate: write a number and kbps, mbps or gbps, or none", param, ctx)
        return Rate(bits)


RATE = RateType()
