"""The steps of a trial."""

from collections.abc import Mapping
from typing import Any

from cargo_ctl.render.words import escaped

_WIDTH = 13


def step(one: Mapping[str, Any]) -> str:
    """`✓ login          ana is let in`; a step that went well and has a hint is a warning, marked
    `!`."""
    hint = escaped(one.get("hint") or "")
    mark = "✗" if not one["ok"] else "!" if hint else "✓"
    text = f"{mark} {escaped(one['name']):<{_WIDTH}}  {escaped(one['message'])}"
    return f"{text} ({hint})" if hint else text
