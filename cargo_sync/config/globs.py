"""Globs as git reads them (wildmatch.c), translated to regular expressions.

A translation never takes exponential time: what stands between two stars is matched at its first
place and never again (an atomic group). That is enough, because a later star can skip whatever an
earlier place leaves over. So is what stands between two `**`.
"""

import re
from dataclasses import dataclass
from typing import Final

_SPECIAL: Final = frozenset("*?[\\")
_CLASSES: Final = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "blank": r"\ \t",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": r"\ -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\ \t-\r",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}
"""What `[:alpha:]` and its like contain, in the syntax of `re`: only ASCII, as in git."""
_FOLDERS: Final = "(?:[^/]*/)"


class GlobError(ValueError):
    """The glob cannot match any path, and this is why. Git passes over such globs in silence."""


@dataclass(frozen=True, slots=True)
class _Token:
    """One part of a glob.

    one  the expression of exactly one character; None for a star
    any_depth  the star is a `**` that also passes slashes
    slash_after  the `**` needs at least one slash: `**` and an escaped slash
    """

    one: str | None
    any_depth: bool = False
    slash_after: bool = False


_STAR: Final = _Token(None)
_SLASH: Final = _Token("/")


def literal_length(glob: str) -> int:
    """The number of characters before the first special one."""
    return next((at for at, char in enumerate(glob) if char in _SPECIAL), len(glob))


def name_expression(glob: str) -> str:
    """The regular expression of a glob for a bare name. It has no anchors.

    Raises:
        GlobError: for any name.
    """
    return _segment(_tokens(glob, paths=False), any_char=".")


def path_expression(glob: str) -> str:
    """The regular expression of a glob for a path whose parts are joined by "/".

    A `**` counts as such at the start, after a slash, and also, as in git, right after the literal
    text that the glob begins with.

    Raises:
        GlobError: for any path.
    """
    literal = literal_length(glob)
    groups: list[list[_Token]] = [[]]
    depths: list[_Token] = []
    for token in _tokens(glob[literal:], paths=True):
        if token.any_depth:
            depths.append(token)
            groups.append([])
        else:
            groups[-1].append(token)
    first, *rest = groups
    made = [re.escape(glob[:literal]), _segments(first)]
    for at, (depth, group) in enumerate(zip(depths, rest, strict=True)):
        last = at == len(rest) - 1
        if not group:  # only at the end: a slash follows every other one
            made.append(".*")
            continue
        folders = _FOLDERS + ("+" if depth.slash_after else "*")
        tail = _segments(group[1:])  # the slash after the stars ends a folder
        made.append(f"{folders}{tail}" if last else f"(?>{folders}?{tail})")
    return "".join(made)


def _segments(tokens: list[_Token]) -> str:
    parts: list[list[_Token]] = [[]]
    for token in tokens:
        if token.one == "/":
            parts.append([])
        else:
            parts[-1].append(token)
    return "/".join(_segment(part, any_char="[^/]") for part in parts)


def _segment(tokens: list[_Token], *, any_char: str) -> str:
    pieces = [""]
    for token in tokens:
        if token.one is None:
            pieces.append("")
        else:
            pieces[-1] += token.one
    first, *rest = pieces
    if not rest:
        return first
    *middle, last = rest
    between = "".join(f"(?>{any_char}*?{piece})" for piece in middle if piece)
    return f"{first}{between}{any_char}*{last}"


def _tokens(glob: str, *, paths: bool) -> list[_Token]:
    tokens: list[_Token] = []
    at = 0
    while at < len(glob):
        char = glob[at]
        if char == "*":
            token, at = _stars(glob, at, paths=paths)
        elif char == "[":
            token, at = _set(glob, at)
        elif char == "?":
            token, at = _Token("[^/]"), at + 1
        elif char == "\\":
            if at + 1 == len(glob):
                raise GlobError("nothing follows its last backslash")
            token, at = _character(glob[at + 1]), at + 2
        else:
            token, at = _character(char), at + 1
        tokens.append(token)
    return tokens


def _character(char: str) -> _Token:
    return _SLASH if char == "/" else _Token(re.escape(char))


def _stars(glob: str, at: int, *, paths: bool) -> tuple[_Token, int]:
    end = at
    while end < len(glob) and glob[end] == "*":
        end += 1
    begins = at == 0 or glob[at - 1] == "/"
    escaped = glob.startswith("\\/", end)
    ends = end == len(glob) or glob[end] == "/" or escaped
    if paths and end - at > 1 and begins and ends:
        return _Token(None, any_depth=True, slash_after=escaped), end
    return _STAR, end


def _set(glob: str, at: int) -> tuple[_Token, int]:
    """The set of characters that begins at `at`, and the place after it."""
    at += 1
    negated = glob[at : at + 1] in ("!", "^")
    if negated:
        at += 1
    members: list[str] = []
    previous = ""
    first = True
    while first or _at(glob, at) != "]":
        first = False
        char = _at(glob, at)
        if char == "\\":
            at += 1
            previous = _at(glob, at)
            members.append(re.escape(previous))
        elif char == "-" and previous and _at(glob, at + 1) != "]":
            at += 1
            if _at(glob, at) == "\\":
                at += 1
            if previous <= (high := _at(glob, at)):  # otherwise it is only its first character
                members.append(f"{re.escape(previous)}-{re.escape(high)}")
            previous = ""
        elif char == "[" and (end := _class_end(glob, at)):
            members.append(_class(glob[at + 2 : end - 1]))
            at, previous = end, ""
        else:
            previous = char
            members.append(re.escape(char))
        at += 1
    return _Token(f"(?!/)[{'^' if negated else ''}{''.join(members)}]"), at + 1


def _at(glob: str, at: int) -> str:
    if at >= len(glob):
        raise GlobError('the "[" has no "]"')
    return glob[at]


def _class_end(glob: str, at: int) -> int | None:
    """Where the "]" of a `[:class:]` is that begins at `at`; None if it is only a "["."""
    if not glob.startswith("[:", at):
        return None
    end = glob.find("]", at + 2)
    if end < 0:
        raise GlobError('the "[" has no "]"')
    return end if end > at + 2 and glob[end - 1] == ":" else None


def _class(name: str) -> str:
    if name not in _CLASSES:
        raise GlobError(f'there is no class "[:{name}:]"')
    return _CLASSES[name]
