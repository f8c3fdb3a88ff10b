"""JSON as people write it: comments, trailing commas, unquoted keys, and unquoted `{{ NAME }}`.

The files are JSON5 (https://spec.json5.org) plus one thing that people copy from the documentation:
a template without quotes as a value. `{{` is never valid outside a string in JSON5, so it is first
rewritten to a string of the same length: every position in an error stays correct.

Strict JSON is read by the standard library (a start may read a thousand job files), everything else
by json5, which needs about 15 ms per kilobyte.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import json5

from cargo_sync.config.errors import ConfigError, FieldProblem

LIMIT = 1 << 20
"""Size limit of a file, in bytes."""
RELAXED_LIMIT = 1 << 16
"""The same in characters, for a file that is not strict JSON: json5 needs seconds for more."""

FieldPath = tuple[str | int, ...]
"""Keys and indexes from the top of a document to a value."""

_MARK = "\ufdd0"  # a noncharacter: no real text contains it
_STRING = r'"(?:\\.|[^"\\\n])*"' + "|" + r"'(?:\\.|[^'\\\n])*'"
_COMMENT = r"//[^\n]*|/\*.*?\*/"
_TEMPLATE = re.compile(rf"{_STRING}|{_COMMENT}|\{{\{{([^{{}}\"'\\\n]*)\}}\}}", re.DOTALL)
TOKEN = re.compile(rf"({_STRING})|{_COMMENT}|\s+|([{{}}\[\],:])|([^\s{{}}\[\],:\"'/]+)", re.DOTALL)
"""A text in quotes, a mark or a word of a text that `marked` made; or what is between them."""
_USUAL = "{}[]:,\"'/*+-._$\\"  # what may come before the place of an error
_BEGINS_KEY = "\"'_$\\}/"  # and right after a {
_LONG_NUMBER = re.compile(r"\d{4301}")  # more than Python reads
_UNEXPECTED = re.compile(r"<string>:(\d+) Unexpected .* at column (\d+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Raw:
    """A `{{ NAME }}` without quotes: it is replaced by the value itself, as JSON.

    Inside quotes a template is a part of the text and stays a str.
    """

    name: str


@dataclass(frozen=True, slots=True)
class Document:
    """A file's content: `value` as Python values (and `Raw`), and the line of each place."""

    file: str
    value: dict[str, Any]
    lines: dict[FieldPath, int]

    def line(self, place: FieldPath) -> int | None:
        """The line of `place`, or of the nearest place around it that is in the file."""
        for end in range(len(place), 0, -1):
            if (line := self.lines.get(place[:end])) is not None:
                return line
        return None

    def problem(self, place: FieldPath, message: str, hint: str | None = None) -> FieldProblem:
        return FieldProblem(self.file, dotted(place), self.line(place), message, hint)


def dotted(place: FieldPath) -> str:
    """`("users", 0, "path")` as `users[0].path`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return text.removeprefix(".")


def read(path: str) -> Document:
    """Reads the file at `path`.

    Raises:
        ConfigError: it cannot be read, or is not an object in relaxed JSON.
    """
    return parse(read_text(path), path)


def read_text(path: str) -> str:
    """The text of the file at `path`.

    Raises:
        ConfigError: it cannot be read, is too large, or is not text in UTF-8.
    """

    def fail(message: str, line: int | None = None, hint: str | None = None) -> ConfigError:
        return ConfigError([FieldProblem(path, "", line, message, hint)])

    try:
        with open(path, "rb") as file:
            content = file.read(LIMIT + 1)
    except OSError as error:
        raise fail(f"cannot be read: {error.strerror or error}") from None
    if len(content) > LIMIT:
        raise fail(f"is larger than {LIMIT} bytes, too large for a file of settings")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise fail("is not a text file in UTF-8", line, "save it as UTF-8") from None
    if "\0" in text:
        raise fail("is not a text file in UTF-8", 1, "it looks like UTF-16; save it as UTF-8")
    return text


def parse(text: str, file: str, place: Callable[[object], FieldPath] | None = None) -> Document:
    """The document in `text`; errors call it `file`.

    Args:
        text: of the file.
        file: its name.
        place: finds the object that counts in what the text says; it may raise ConfigError.

    Raises:
        ConfigError: it is not an object in relaxed JSON.
    """
    text = text.replace("\r\n", "\n")
    strict = marked(text)
    value = _decode(strict, text, file)
    lines, repeated = _locate(strict)
    if repeated:
        raise ConfigError(
            FieldProblem(
                file,
                dotted(place),
                line,
                f"is there twice, first on line {lines[place]}",
                "keep one of them",
            )
            for place, line in repeated
        )
    try:
        value = _unmark(value)
    except RecursionError:
        raise ConfigError([FieldProblem(file, "", None, "is nested too deeply")]) from None
    except UnicodeEncodeError as error:
        message = f"contains half of a character, \\u{ord(error.object[error.start]):04x}"
        raise ConfigError([FieldProblem(file, "", None, message)]) from None
    inside = place(value) if place is not None else ()
    for part in inside:
        value = value[part]
    if not isinstance(value, dict):
        raise ConfigError(
            [FieldProblem(file, "", 1, "must be an object", "it begins with { and ends with }")]
        )
    depth = len(inside)
    lines = {
        where[depth:]: line
        for where, line in lines.items()
        if len(where) > depth and where[:depth] == inside
    }
    return Document(file, value, lines)


def marked(text: str) -> str:
    """The text with each `{{ NAME }}` without quotes as a string of the same length."""
    return _TEMPLATE.sub(_mark, text)


def _mark(match: re.Match[str]) -> str:
    inner = match.group(1)
    return match.group() if inner is None else f'"{_MARK}{inner}{_MARK}"'


def _unmark(value: Any) -> Any:
    """The value with its marks replaced. Raises UnicodeEncodeError for a lone surrogate."""
    if isinstance(value, dict):
        for key in value:
            key.encode()
        return {key: _unmark(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_unmark(item) for item in value]
    if isinstance(value, str):
        value.encode()
    if isinstance(value, str) and len(value) > 1 and value[0] == value[-1] == _MARK:
        return Raw(value[1:-1].strip())
    return value


def _decode(marked: str, text: str, file: str) -> Any:
    try:
        return json.loads(marked)
    except RecursionError:
        raise ConfigError([FieldProblem(file, "", None, "is nested too deeply")]) from None
    except json.JSONDecodeError:
        pass  # not strict JSON: the relaxed reader decides
    except ValueError:  # Python reads no numbers of so many digits
        raise _too_long(text, file) from None
    if not marked.strip():
        raise ConfigError([FieldProblem(file, "", None, "is empty")])
    if len(marked) > RELAXED_LIMIT:
        message = f"is not strict JSON, and too large for relaxed JSON ({RELAXED_LIMIT} characters)"
        raise ConfigError([FieldProblem(file, "", None, message)])
    try:
        value, error, _ = json5.parse(marked)
    except RecursionError:
        raise ConfigError([FieldProblem(file, "", None, "is nested too deeply")]) from None
    if error is None:
        return value
    if _LONG_NUMBER.search(marked):
        raise _too_long(text, file)
    found = _UNEXPECTED.match(error)
    if found is None:
        raise ConfigError([FieldProblem(file, "", None, "is not JSON")])
    raise ConfigError([_syntax(text, file, int(found[1]), int(found[2]))])


def _too_long(text: str, file: str) -> ConfigError:
    found = _LONG_NUMBER.search(text)
    line = None if found is None else text.count("\n", 0, found.start()) + 1
    return ConfigError([FieldProblem(file, "", line, "contains a number of too many digits")])


def _syntax(text: str, file: str, line: int, column: int) -> FieldProblem:
    """The problem at `line` and `column` of `text` (both from 1), and its likely reason."""
    at = sum(len(passed) + 1 for passed in text.split("\n")[: line - 1]) + column - 1
    at -= _stepped_over(text, at)
    rest, before = text[at:], text[:at].rstrip()
    line = text.count("\n", 0, at) + 1
    place = f"at line {line}, column {at - text.rfind(chr(10), 0, at)}"
    if not rest.strip():
        return FieldProblem(
            file, "", line, f"ends too early, {place}", 'a closing }, ] or " is missing'
        )
    if rest[0] == "\n":
        return FieldProblem(
            file, "", line, f"the line ends inside a text, {place}", "a closing quote is missing"
        )
    hint = None
    if rest[0] in "“”„«»‘’":
        hint = 'use straight quotes: "'
    elif before.endswith("{") and rest[0] == "{":
        hint = "a template is {{ NAME }}, names only"
    elif re.search(r"[\w\"'}\]]$", before) and re.match(r"[\w\"'{\[]", rest):
        hint = "a comma, colon or quote is missing before it"
    return FieldProblem(
        file, "", line, f"unexpected {json.dumps(rest[0], ensure_ascii=False)} {place}", hint
    )


def _stepped_over(text: str, at: int) -> bool:
    """Whether the error is before `at`: json5 takes a key's first character before it checks it."""
    last = text[at - 1 : at]
    if not last or last.isspace() or last.isalnum():
        return False
    return last not in (_BEGINS_KEY if text[: at - 1].rstrip().endswith("{") else _USUAL)


def _locate(text: str) -> tuple[dict[FieldPath, int], list[tuple[FieldPath, int]]]:
    """From each place of well-formed `text` to its line, and the places that are there twice."""
    places = _Places()
    for token in TOKEN.finditer(text):
        string, mark, word = token.groups()
        if string or word or mark in ("{", "["):
            places.value(word or string or "")
        if mark:
            places.mark(mark)
        places.line += token.group().count("\n")
    return places.lines, places.repeated


@dataclass(slots=True)
class _Bracket:
    """An open bracket. `at` is the key or the index under way."""

    is_object: bool
    at: str | int | None
    key_follows: bool


class _Places:
    """Follows the tokens of a text, and notes the line of each value."""

    def __init__(self) -> None:
        self.lines: dict[FieldPath, int] = {}
        self.repeated: list[tuple[FieldPath, int]] = []
        self.line = 1
        self._open: list[_Bracket] = []

    def value(self, token: str) -> None:
        """A key, a value, or the bracket that begins one."""
        inner = self._open[-1] if self._open else None
        if inner is not None and inner.key_follows:
            inner.at, inner.key_follows = key_of(token), False
            self._note()
        elif inner is not None and not inner.is_object:
            self._note()

    def mark(self, mark: str) -> None:
        """A bracket, a comma or a colon."""
        if mark in ("{", "["):
            self._open.append(_Bracket(mark == "{", None if mark == "{" else 0, mark == "{"))
        elif mark in ("}", "]"):
            self._open.pop()
        elif mark == ",":
            inner = self._open[-1]
            if inner.is_object:
                inner.key_follows = True
            else:
                assert isinstance(inner.at, int)
                inner.at += 1

    def _note(self) -> None:
        place = cast(FieldPath, tuple(bracket.at for bracket in self._open))
        if place not in self.lines:
            self.lines[place] = self.line
        elif not any(place[: len(other)] == other for other, _ in self.repeated):
            self.repeated.append((place, self.line))


def key_of(token: str) -> str:
    """The key that a text in quotes or a word is."""
    if "\\" in token:
        return str(json5.loads(token if token[0] in "\"'" else f'"{token}"'))
    return token[1:-1] if token[0] in "\"'" else token
