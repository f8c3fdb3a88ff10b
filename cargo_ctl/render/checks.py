"""The steps of `job test` as text."""

from collections.abc import Mapping
from typing import Any

from cargo_ctl.render.words import escaped

_WIDTH = 13


def step(one: Mapping[str, Any]) -> str:
    """`✓ login          logged in as ana`.

    A step that succeeded and has a hint is a warning; its mark is `!`.
    """
    hint = escaped(one.get("hint") or "")
    mark = "✗" if not one["ok"] else "!" if hint else "✓"
    text = f"{mark} {escaped(one['name']):<{_WIDTH}}  {escaped(one['message'])}"
    return f"{text} ({hint})" if hint else text
