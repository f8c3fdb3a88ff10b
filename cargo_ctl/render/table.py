"""Columns of text that line up, also with wide characters."""

import unicodedata
from collections.abc import Collection, Sequence


def width(text: str) -> int:
    """Terminal cells: two for East Asian wide characters and emoji, none for combining marks."""
    return sum(_cells(char) for char in text)


def cut(text: str, room: int) -> str:
    """`text`, or as much of its beginning as fits with `…` into `room` cells."""
    if width(text) <= room:
        return text
    while text and width(text) >= room:
        text = text[:-1]
    return f"{text}…"


def _cells(char: str) -> int:
    if unicodedata.combining(char) or char in "\u200d\ufe0f":
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def table(head: Sequence[str], rows: Sequence[Sequence[str]], right: Collection[int] = ()) -> str:
    """`head` and `rows` in columns, two spaces apart; those in `right` are aligned to the right."""
    lines = [head, *rows]
    widths = [max(width(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(_line(line, widths, right) for line in lines)


def _line(cells: Sequence[str], widths: Sequence[int], right: Collection[int]) -> str:
    padded = []
    for column, cell in enumerate(cells):
        space = " " * (widths[column] - width(cell))
        padded.append(space + cell if column in right else cell + space)
    return "  ".join(padded).rstrip()
