"""The problems of a file of settings, in words that help its author."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

MOST: Final = 100
_LONGEST: Final = 60


def quoted(text: str) -> str:
    """What somebody wrote, in quotes; of a very long text the beginning."""
    return f'"{text}"' if len(text) <= _LONGEST else f'"{text[:_LONGEST]}…"'


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One problem of one file.

    file     the path as it was given
    field    dotted, such as `users[0].path`; "" for the file as a whole
    line     of the field (or the syntax error), counted from 1; None when there is none
    message  what is wrong
    hint     what is allowed, or what to do; None when the message says it
    """

    file: str
    field: str
    line: int | None
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        """One line: `FILE:LINE: field: message (hint)`, without the unknown parts."""
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        field = f"{self.field}: " if self.field else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{place}: {field}{self.message}{hint}"


class ConfigError(Exception):
    """A file cannot be used. It carries the problems of the file, in the order of its lines.

    Of very many it carries the first ones and how many more there are.
    """

    def __init__(self, problems: Iterable[FieldProblem]) -> None:
        found = sorted(problems, key=lambda problem: problem.line or 0)
        if (more := len(found) - MOST) > 0:
            rest = FieldProblem(found[MOST].file, "", None, f"and {more:,} more problems")
            found[MOST:] = [rest]
        self.problems = tuple(found)
        super().__init__("\n".join(map(str, self.problems)))
