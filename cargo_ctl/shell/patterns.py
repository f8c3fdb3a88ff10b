"""Names that match patterns such as `2024-*/a?.mov`. `*` matches no slash and no hidden name."""

import fnmatch
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

_MAGIC = re.compile(r"[*?]|\[(?![*?\[]\])")
_LITERAL = re.compile(r"\[([*?\[])\]")


@dataclass(frozen=True, slots=True)
class Match:
    """A path that matches, as it would be typed; `folder` says whether it is one."""

    path: str
    folder: bool


Lister = Callable[[str], Iterable[tuple[str, bool]]]
"""The names in a folder, and for each whether it is a folder; nothing for what is not a folder."""


def expand(pattern: str, names_in: Lister) -> list[Match]:
    """The paths that match `pattern` (in the form of `Word.pattern`), sorted.

    `names_in` is called with folders as they would be typed; "" is the current folder.
    """
    found = [Match("/" if pattern.startswith("/") else "", True)]
    for step in (step for step in pattern.split("/") if step):
        found = [
            match for each in found if each.folder for match in _within(each.path, step, names_in)
        ]
    return found


def _within(folder: str, step: str, names_in: Lister) -> list[Match]:
    if step in (".", ".."):
        return [Match(_joined(folder, step), True)]
    if _MAGIC.search(step):
        matches, hidden = re.compile(fnmatch.translate(step)).match, step.startswith(".")
    else:
        matches, hidden = re.compile(re.escape(_LITERAL.sub(r"\1", step)) + r"\Z").match, True
    return [
        Match(_joined(folder, name), is_folder)
        for name, is_folder in sorted(names_in(folder))
        if matches(name) and (hidden or not name.startswith("."))
    ]


def _joined(folder: str, name: str) -> str:
    return f"{folder}{name}" if not folder or folder.endswith("/") else f"{folder}/{name}"
