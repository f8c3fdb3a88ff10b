"""Changes of a file's text: what does not change, also comments and order, stays as it was written.

Each field that changes is changed in its place. If the result does not say what it should, the file
is written anew, without its comments.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from cargo_sync.config.errors import ConfigError
from cargo_sync.config.relaxed import FieldPath, Raw, parse
from cargo_sync.config.spans import MemberSpan, end_of_line, indentation, mark_after, spans

Fields = Mapping[str, object]
"""The content of a file, as JSON: a template without quotes is a text here."""

MOST: Final = 200
"""Changes that are made in their places."""
_INDENT: Final = "    "
_SHORT: Final = 60
"""Characters of a list that is written on one line."""


class Edited(NamedTuple):
    """A changed text. `in_place`: everything else stayed as it was, also comments."""

    text: str
    in_place: bool


def plain(value: object) -> object:
    """A value of a document as JSON."""
    match value:
        case Raw():
            return f"{{{{ {value.name} }}}}"
        case dict():
            return {key: plain(item) for key, item in value.items()}
        case list():
            return [plain(item) for item in value]
        case _:
            return value


def fields_of(text: str, file: str) -> Fields:
    """The content of a file. Raises ConfigError."""
    found = plain(parse(text, file).value)
    assert isinstance(found, dict)
    return found


def dumped(value: object, indent: str = "") -> str:
    """A value as JSON; its lines after the first begin with `indent`. A short list is one line."""
    inner = indent + _INDENT
    match value:
        case Raw():
            return f"{{{{ {value.name} }}}}"
        case Mapping() if value:
            items = [f"{_text(str(key))}: {dumped(item, inner)}" for key, item in value.items()]
            ends = "{}"
        case list() if value:
            items = [dumped(item, inner) for item in value]
            if sum(map(len, items)) <= _SHORT and not any(map(_is_nested, value)):
                return f"[{', '.join(items)}]"
            ends = "[]"
        case _:
            return _text(value)
    lines = f",\n{inner}".join(items)
    return f"{ends[0]}\n{inner}{lines}\n{indent}{ends[1]}"


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _is_nested(value: object) -> bool:
    return isinstance(value, Mapping | list) and bool(value)


def edited(text: str, fields: Fields) -> Edited:
    """Changes a well-formed text so that its content is `fields`.

    A template without quotes stays one where its field does not change; a new value is a text.
    """
    newline = "\r\n" if "\r\n" in text else "\n"
    text = text.replace("\r\n", "\n")
    before = fields_of(text, "")
    changes = list(_changes(before, fields, ()))
    changed, in_place = _in_place(text, changes, fields)
    if not in_place:
        changed = dumped(fields) + "\n"
    return Edited(changed.replace("\n", newline), in_place)


def replaced(text: str, place: FieldPath, value: object) -> str:
    """The text with another value at a place that it has."""
    span = spans(text)[place]
    indent = indentation(text, span.start) or ""
    return text[: span.value] + dumped(value, indent) + text[span.end :]


class _Change(NamedTuple):
    """A field that is set, or removed if `gone`."""

    place: FieldPath
    value: object
    gone: bool = False


def _changes(before: Fields, after: Fields, above: FieldPath) -> Iterator[_Change]:
    """What differs, as few and as small changes as there can be; lists are changed as a whole."""
    for key in before.keys() - after.keys():
        yield _Change((*above, key), None, gone=True)
    for key, value in after.items():
        was = before.get(key)
        if isinstance(was, Mapping) and isinstance(value, Mapping):
            yield from _changes(was, value, (*above, key))
        elif key not in before or not _same(was, value):
            yield _Change((*above, key), value)


def _same(one: object, other: object) -> bool:
    """Whether two values are equal in JSON: 1 is 1.0, and not true."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return one == other


def _in_place(text: str, changes: list[_Change], fields: Fields) -> Edited:
    if len(changes) > MOST:
        return Edited(text, False)
    try:
        for change in changes:
            text = _changed(text, change)
        return Edited(text, _same(fields_of(text, ""), fields))
    except (ConfigError, KeyError, ValueError):
        return Edited(text, False)


def _changed(text: str, change: _Change) -> str:
    found = spans(text)
    if change.gone:
        return _without(text, found, change.place)
    if change.place in found:
        return replaced(text, change.place, change.value)
    return _with(text, found, change)


def _members(found: Mapping[FieldPath, MemberSpan], place: FieldPath) -> list[MemberSpan]:
    """The members of an object, in the order of the text."""
    return sorted(
        span for one, span in found.items() if len(one) == len(place) + 1 and one[:-1] == place
    )


def _with(text: str, found: Mapping[FieldPath, MemberSpan], change: _Change) -> str:
    """The text with a new member at the end of an object."""
    above = found[change.place[:-1]]
    members = _members(found, change.place[:-1])
    key = _text(change.place[-1])
    if not members:
        outer = _line_indent(text, above.start)
        inner = outer + _INDENT
        new = f"\n{inner}{key}: {dumped(change.value, inner)}"
        rest = text[above.value + 1 :]
        ends = "" if rest.lstrip(" \t").startswith("\n") else f"\n{outer}"
        return text[: above.value + 1] + new + ends + rest.lstrip(" \t")
    last = members[-1]
    indent = indentation(text, last.start)
    mark = mark_after(text, last.end)
    comma = mark.text == ","
    new = f"{key}: {dumped(change.value, indent or '')}" + ("," if comma else "")
    new = f" {new}" if indent is None else f"\n{indent}{new}"
    after = mark.at + 1 if comma else last.end
    at = after if indent is None else end_of_line(text, after)
    at = after if at is None else at
    return text[: last.end] + ("" if comma else ",") + text[last.end : at] + new + text[at:]


def _without(text: str, found: Mapping[FieldPath, MemberSpan], place: FieldPath) -> str:
    """The text without a member of an object."""
    span = found[place]
    mark = mark_after(text, span.end)
    start, end = span.start, span.end
    before = [one for one in _members(found, place[:-1]) if one.start < start]
    if mark.text == ",":
        end = mark.at + 1
    indent = indentation(text, start)
    if indent is not None and text[end : end + 1] == "\n":
        start, end = start - len(indent) - 1, end  # the line goes with it
    elif indent is None:
        start = len(text[:start].rstrip(" \t"))
    rest = text[:start]
    if mark.text != "," and before:
        comma = mark_after(text, before[-1].end).at
        rest = rest[:comma] + rest[comma + 1 :]
    return rest + text[end:]


def _line_indent(text: str, offset: int) -> str:
    """The space at the beginning of the line of `offset`."""
    line = text[text.rfind("\n", 0, offset) + 1 :]
    return line[: len(line) - len(line.lstrip(" \t"))]
