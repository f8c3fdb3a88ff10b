"""Patterns that people write to find paths."""

import re
from dataclasses import dataclass
from fnmatch import translate
from functools import cached_property
from typing import Final

from cargo_sync.model import paths


@dataclass(frozen=True)
class PathPattern:
    """Which paths are wanted.

    text  "" for all; a path, for it and everything below it; or with *, ? or [: a pattern for the
          whole path or, without "/", for the name
    """

    text: str = ""

    @property
    def is_path(self) -> bool:
        """Whether it is just a path, or everything."""
        return self._expression is None

    def matches(self, path: str) -> bool:
        """Whether the path is one of those that are wanted."""
        if self._expression is None:
            return paths.is_below(path, self.text.strip("/"))
        if self._expression.match(path):
            return True
        return "/" not in self.text and bool(self._expression.match(paths.name(path)))

    @cached_property
    def _expression(self) -> re.Pattern[str] | None:
        """The pattern; None if it is just a path. No pattern takes long: `translate` sees to it."""
        wild = any(sign in self.text for sign in "*?[")
        return re.compile(translate(self.text)) if wild else None


ANY_PATH: Final = PathPattern()
