"""A job's file as text: what it says, and what became of a change."""

from collections.abc import Mapping
from typing import Any, Final

from cargo_ctl.render.words import escaped

MASK: Final = "<unchanged>"
"""What stands in the place of a secret."""


def shown(result: Mapping[str, Any]) -> str:
    """`job.read`: the file's text, then its errors and warnings."""
    text = result.get("text")
    lines = [] if text is None else [escaped(line) for line in str(text).rstrip("\n").split("\n")]
    lines += [f"error: {escaped(one['text'])}" for one in result.get("errors") or []]
    return "\n".join([*lines, *_warnings(result)])


def unchanged(name: str) -> str:
    """What is said if nothing was edited."""
    return f"{escaped(name)}: nothing was changed"


def written(result: Mapping[str, Any]) -> str:
    """`job.write`: the job's state, and where both files are."""
    name = escaped(result["name"])
    if not result.get("changed"):
        return unchanged(result["name"])
    state, file, old = (escaped(result.get(field) or "") for field in ("state", "file", "old"))
    lines = [f"{name}: {state}; its file: {file}; the one before: {old}"]
    if not result.get("in_place"):
        lines.append("the file was written anew: its comments are only in the one before")
    return "\n".join([*lines, *_warnings(result)])


def _warnings(result: Mapping[str, Any]) -> list[str]:
    return [f"warning: {escaped(one['text'])}" for one in result.get("warnings") or []]
