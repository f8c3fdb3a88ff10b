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


def git_spec(patterns: Iterable[str]) -> GitIgnoreSpec:
    """The patterns, compiled in their order.

    Raises:
        ValueError: one of them is not a pattern.
    """
    try:
        return GitIgnoreSpec.from_lines([in_order(text) for text in patterns])
    except (ValueError, re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"is not a pattern: {error}") from error


def in_order(pattern: str) -> str:
    """A pattern without reversed ranges, which `re` refuses.

    For git such a range is only its first character: `[9-0]` is `[9]` (wildmatch.c).
    """
    return _SET.sub(_without_reversed, pattern)


def _without_reversed(found: re.Match[str]) -> str:
    text = found[0]
    if text.startswith("\\"):
        return text
    opened = 2 if text[1] in "!^" else 1
    return f"{text[:opened]}{_RANGE.sub(_forward, text[opened:-1])}]"


def _forward(found: re.Match[str]) -> str:
    first, last = found[1], found[2]
    if first <= last:
        return found[0]
    # A second "]" would end the set. No path contains the character zero.
    return "]\0-\0" if first == "]" else f"{first}-{first}"
