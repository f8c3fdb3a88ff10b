"""Patterns as in .gitignore, as pathspec compiles them, without its faults.

What is not a pattern is a `ValueError`, whatever pathspec or `re` raises for it.
"""

import re
from collections.abc import Iterable
from typing import Final

from pathspec import GitIgnoreSpec

_SET: Final = re.compile(r"\\.|\[[!^]?\]?[^]/]*\]", re.DOTALL)
"""An escaped character, or a set of characters as pathspec delimits it."""
_RANGE: Final = re.compile("(.)-(.)", re.DOTALL)
_NOTHING: Final = "\0-\0"
"""A range that matches nothing: no path contains this character."""


def git_spec(patterns: Iterable[str]) -> GitIgnoreSpec:
    """The patterns, compiled in their order. A reversed range, such as `9-0`, matches nothing.

    Raises:
        ValueError: one of them is not a pattern.
    """
    try:
        return GitIgnoreSpec.from_lines([_SET.sub(_in_order, text) for text in patterns])
    except (ValueError, re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"is not a pattern: {error}") from error


def _in_order(found: re.Match[str]) -> str:
    """A set of characters without reversed ranges: git accepts them, `re` does not."""
    text = found[0]
    if text.startswith("\\"):
        return text
    opened = 2 if text[1] in "!^" else 1
    inside = _RANGE.sub(lambda one: one[0] if one[1] <= one[2] else _NOTHING, text[opened:-1])
    return f"{text[:opened]}{inside}]"
