"""JSON documents from outside, built only if their structure is as small as it should be.

A limit of bytes alone is none: 16 MiB of "[],[],…" are 5 million lists, which need 400 MB. So the
values of a large document are counted before anything is built. Small ones cannot do harm, and most
are small: they cost nothing more than their parsing.
"""

import re
from typing import Any, Final

import orjson

DEPTH: Final = 32
"""How deep lists and objects may lie in each other."""
LARGE: Final = 2 * 2**20
"""Bytes from which values are counted: 2 MiB make 50 MB at most."""

_STRINGS: Final = re.compile(rb'"[^"]*+"?')
_NO_MARKS: Final = bytes(set(range(256)) - set(b'"[]{},'))
_CONTAINERS: Final = frozenset({list, dict})


def parsed(content: bytes | bytearray, values: int) -> Any:
    """Parses a document.

    Args:
        content: JSON in UTF-8.
        values: how many a large document may hold.

    Raises:
        ValueError: it is not JSON, holds more values, or is deeper than 32 levels.
    """
    if len(content) > LARGE and _holds_more(content, values):
        raise ValueError(f"it holds more than {values:,} values")
    value = orjson.loads(content)
    if _may_be_deep(content) and _is_deep(value):
        raise ValueError(f"it is deeper than {DEPTH} levels")
    return value


def _holds_more(content: bytes | bytearray, values: int) -> bool:
    """Counts the marks before and between values; those inside of strings do not count."""
    if b"\\" in content:
        content = content.replace(b"\\\\", b"").replace(b'\\"', b"")
    marks = content.translate(None, _NO_MARKS)
    if marks.count(b'"') > 4 * values:  # two for each value and two for its name
        return True
    marks = _STRINGS.sub(b"", marks)
    return len(marks) - marks.count(b"]") - marks.count(b"}") > values


def _may_be_deep(content: bytes | bytearray) -> bool:
    """False only if there are not enough lists and objects with something in them.

    A batch has an empty list for each of its files.
    """
    opened = content.count(b"[") + content.count(b"{")
    return opened > DEPTH and opened - content.count(b"[]") - content.count(b"{}") >= DEPTH


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(DEPTH):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return False
    return True


def _inside(outer: Any) -> list[Any]:
    """The lists and objects directly inside of one."""
    values = outer.values() if type(outer) is dict else outer
    if _CONTAINERS.isdisjoint(map(type, values)):
        return []
    return [value for value in values if type(value) in _CONTAINERS]
