"""Where the members of a document are in its text, so that one can be changed in its place.

The text is well formed (`relaxed.parse` accepts it), and its lines end with a single line feed.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple, cast

from cargo_sync.config.relaxed import TOKEN, FieldPath, key_of, marked

_REST_OF_LINE = re.compile(r"[ \t]*(?://[^\n]*|/\*[^\n]*?\*/)?[ \t]*")


class MemberSpan(NamedTuple):
    """A member of an object or a list, as offsets in the text.

    start  of its key; in a list of its value
    value  of its value
    end    behind its value
    """

    start: int
    value: int
    end: int


class TextMark(NamedTuple):
    """A comma or a closing bracket, and its offset."""

    text: str
    at: int


def spans(text: str) -> dict[FieldPath, MemberSpan]:
    """The members by their places, each before those inside it ends; `()` is the document."""
    found: dict[FieldPath, MemberSpan] = {}
    opened: list[_Bracket] = []
    for token in TOKEN.finditer(marked(text)):
        string, mark, word = token.groups()
        inner = opened[-1] if opened else None
        if mark in ("}", "]"):
            closed = opened.pop()
            found[_place(opened)] = MemberSpan(closed.start, closed.value, token.end())
        elif mark == ",":
            assert inner is not None
            inner.next()
        elif inner is not None and inner.key_follows and (string or word):
            inner.key(key_of(string or word), token.start())
        elif string or word or mark in ("{", "["):
            start = token.start() if inner is None or not inner.is_object else inner.key_start
            if mark:
                opened.append(_Bracket(mark == "{", start, token.start()))
            else:
                found[_place(opened)] = MemberSpan(start, token.start(), token.end())
    return found


def mark_after(text: str, offset: int) -> TextMark:
    """The first mark behind `offset`, which is outside of texts and comments."""
    for token in TOKEN.finditer(marked(text), offset):
        if token.group(2):
            return TextMark(token.group(2), token.start())
    raise ValueError("the text is not well formed")


def end_of_line(text: str, offset: int) -> int | None:
    """The end of this line if nothing but a comment follows in it; else None."""
    found = _REST_OF_LINE.match(text, offset)
    assert found is not None
    return found.end() if text[found.end() : found.end() + 1] in ("\n", "") else None


def indentation(text: str, offset: int) -> str | None:
    """The space before `offset` in its line; None if something else is there."""
    before = text[text.rfind("\n", 0, offset) + 1 : offset]
    return before if not before.strip() else None


@dataclass(slots=True)
class _Bracket:
    """An open bracket; `at` is the key or the index under way."""

    is_object: bool
    start: int
    value: int
    at: str | int = 0
    key_start: int = 0
    key_follows: bool = False

    def __post_init__(self) -> None:
        self.key_follows = self.is_object

    def key(self, name: str, start: int) -> None:
        self.at, self.key_start, self.key_follows = name, start, False

    def next(self) -> None:
        if self.is_object:
            self.key_follows = True
        else:
            self.at = cast(int, self.at) + 1


def _place(opened: list[_Bracket]) -> FieldPath:
    return tuple(bracket.at for bracket in opened)
