"""What is wrong with a file of settings, in words that its author can act on."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One thing that is wrong with one file.

    file     the path as it was given
    field    dotted, as in `users[0].path`; "" when it is about the file as a whole
    line     where the field (or the syntax error) stands, counted from 1; None when it stands
             nowhere
    message  what is wrong
    hint     what is allowed, or what to do; None when the message says it
    """

    file: str
    field: str
    line: int | None
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        """One line: `FILE:LINE: field: message (hint)`, without the parts that are not known."""
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        field = f"{self.field}: " if self.field else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{place}: {field}{self.message}{hint}"


class ConfigError(Exception):
    """A file cannot be used. Carries every problem found in it, in the order of its lines."""

    def __init__(self, problems: Iterable[FieldProblem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: problem.line or 0))
        super().__init__("\n".join(map(str, self.problems)))
