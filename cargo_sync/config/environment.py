"""`${NAME}` in a text becomes the value of that environment variable; `$${` becomes `${`."""

import re
from collections.abc import Mapping
from typing import Any

from cargo_sync.config.errors import FieldProblem
from cargo_sync.config.relaxed import Document, FieldPath

_VARIABLE = re.compile(r"\$\$\{|\$\{([^{}]*)\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def expand(
    document: Document, env: Mapping[str, str]
) -> tuple[Document, dict[FieldPath, FieldProblem]]:
    """The document with the variables of `env` filled in, and the problems by place.

    A filled-in value is not expanded again: a password may contain `${`.
    """
    failed: dict[FieldPath, FieldProblem] = {}

    def text(value: str, place: FieldPath) -> str:
        def variable(match: re.Match[str]) -> str:
            name = match[1]
            if name is None:
                return "${"
            if not _NAME.fullmatch(name):
                message = f"${{{name}}} is not the name of an environment variable"
                failed[place] = document.problem(place, message, "write $${ for the characters ${")
            elif name not in env:
                message = f"the environment variable {name} is not set"
                failed[place] = document.problem(place, message, f"set {name} before starting")
            return env.get(name, "")

        filled = _VARIABLE.sub(variable, value)
        if any("\ud800" <= character <= "\udfff" for character in filled):
            failed[place] = document.problem(place, "contains half a character (a lone surrogate)")
        return filled

    def walk(value: Any, place: FieldPath) -> Any:
        if isinstance(value, dict):
            return {key: walk(item, (*place, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [walk(item, (*place, index)) for index, item in enumerate(value)]
        return text(value, place) if isinstance(value, str) else value

    return Document(document.file, walk(document.value, ()), document.lines), failed


def literal(value: Any) -> Any:
    """What `expand` makes into `value`: an answer of a person may contain `${`."""
    match value:
        case str():
            return value.replace("${", "$${")
        case dict():
            return {key: literal(item) for key, item in value.items()}
        case list():
            return [literal(item) for item in value]
        case _:
            return value
