"""Which paths a job leaves out: gitignore patterns.

`exclude` lists what is left out. If there is an `include`, files are also left out unless it
matches them or a folder above them. A folder that is left out is not scanned. The patterns are
git's (https://git-scm.com/docs/gitignore), compiled by config/patterns. Most patterns concern only
the bare name. They are joined into one regular expression, because it is used for each entry of a
changed folder.
"""

import fnmatch
import re
from collections.abc import Iterable

from cargo_sync.config.patterns import git_spec, in_order
from cargo_sync.model import paths


class Filters:
    """The patterns of one job, compiled."""

    def __init__(self, include: Iterable[str] = (), exclude: Iterable[str] = ()) -> None:
        self._include = _Patterns(include)
        self._exclude = _Patterns(exclude)

    def excluded(self, path: str, is_folder: bool) -> bool:
        """True when a pattern leaves `path` out by its own name or place.

        The folders above it are not considered; the caller checks them.
        """
        if self._exclude.match(path, is_folder):
            return True
        return not is_folder and not self._include.empty and not self._included(path)

    def _included(self, path: str) -> bool:
        if self._include.match(path, False):
            return True
        return any(
            self._include.match(folder, True) for folder in paths.upwards(paths.parent(path))
        )


class _Patterns:
    def __init__(self, patterns: Iterable[str]) -> None:
        lines = [line for line in patterns if line.strip() and not line.startswith("#")]
        plain = [line for line in lines if not set(line.rstrip("/")) & {"/", "!", "\\"}]
        # A negation changes the patterns before it, so the order of all patterns matters.
        if any(line.startswith("!") for line in lines):
            plain = []
        self.empty = not lines
        self._names = _expression(line for line in plain if not line.endswith("/"))
        self._folders = _expression(line.rstrip("/") for line in plain if line.endswith("/"))
        placed = [line for line in lines if line not in plain]
        self._placed = git_spec(placed) if placed else None

    def match(self, path: str, is_folder: bool) -> bool:
        name = paths.name(path)
        if self._names and self._names.match(name):
            return True
        if is_folder and self._folders and self._folders.match(name):
            return True
        return self._placed is not None and self._placed.match_file(
            path + "/" if is_folder else path
        )


def _expression(globs: Iterable[str]) -> re.Pattern[str] | None:
    parts = [fnmatch.translate(in_order(glob)) for glob in globs]
    return re.compile("|".join(parts)) if parts else None
