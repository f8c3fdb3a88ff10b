"""Which paths a job leaves out, by the rules of .gitignore.

`exclude` lists what is left out. If there is an `include`, files are also left out unless it
matches them or a folder above them. A folder that is left out is not scanned. The last pattern
that matches decides (https://git-scm.com/docs/gitignore). Patterns are asked for each entry of a
changed folder, so as many as possible are asked together. Cargo's own folders
(model.paths.is_reserved) are always left out.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from cargo_sync.config.globs import GlobError
from cargo_sync.config.patterns import Pattern, parsed
from cargo_sync.model import paths
from cargo_sync.plan.folder_chain import FolderChain


class Filters:
    """The patterns of one job, compiled."""

    def __init__(self, include: Iterable[str] = (), exclude: Iterable[str] = ()) -> None:
        self._include = _Patterns(include)
        self._exclude = _Patterns(exclude)
        self._taken_in = FolderChain(False, self._inherited)

    def excluded(self, path: str, is_folder: bool) -> bool:
        """True when `path` is reserved, or a pattern leaves it out by its own name or place.

        The folders above it are not considered; the caller checks them.
        """
        if paths.is_reserved(paths.name(path)) or self._exclude.decide(path, is_folder):
            return True
        return not is_folder and not self._include.empty and not self._included(path)

    def among(self, folder: str, names: Sequence[str]) -> Callable[[str, bool], bool] | None:
        """`excluded`, if it may leave out some of the names in `folder`; else None."""
        return self.excluded if self.excludes_some(folder, names) else None

    def excludes_some(self, folder: str, names: Sequence[str]) -> bool:
        """Whether some of the names in `folder` may be left out. False is sure, and quick."""
        if not self._include.empty:
            return True
        hidden = "/." in "/" + "/".join(names)
        if hidden and paths.RESERVED in map(str.casefold, names):
            return True
        return self._exclude.take_some(folder, names)

    def _included(self, path: str) -> bool:
        decided = self._include.decide(path, False)
        return self._taken_in(paths.parent(path)) if decided is None else decided

    def _inherited(self, above: bool, folder: str) -> bool:
        """Whether `include` takes in what is in `folder`, and is not decided by its own path."""
        decided = self._include.decide(folder, True)
        return above if decided is None else decided


class _Patterns:
    """The patterns of one list, in groups of one sign, the last group first."""

    def __init__(self, lines: Iterable[str]) -> None:
        read = list(_read(lines))
        self.empty = not read
        self._for_files: list[_Group] = []
        self._for_folders: list[_Group] = []
        for _, together in groupby(reversed(read), key=attrgetter("negative")):
            group = list(together)
            self._for_folders.append(_group(group))
            if anything := [one for one in group if not one.folders_only]:
                self._for_files.append(_group(anything))

    def decide(self, path: str, is_folder: bool) -> bool | None:
        """True if the last pattern that matches takes `path` in; False if it takes it back."""
        name = path.rpartition("/")[2]
        for takes, name_match, path_match in self._for_folders if is_folder else self._for_files:
            if (name_match and name_match(name)) or (path_match and path_match(path)):
                return takes
        return None

    def take_some(self, folder: str, names: Sequence[str]) -> bool:
        """Whether any pattern matches one of the names, as if all were folders."""
        for _, name_match, path_match in self._for_folders:
            if name_match and any(map(name_match, names)):
                return True
            if path_match and any(map(path_match, [paths.join(folder, one) for one in names])):
                return True
        return False


def _read(lines: Iterable[str]) -> Iterator[Pattern]:
    for line in lines:
        with suppress(GlobError):  # then it decides nothing
            if (pattern := parsed(line)) is not None:
                yield pattern


_Match = Callable[[str], object]


class _Group(NamedTuple):
    """Patterns of one sign, whose order does not matter: joined for the name and for the path."""

    takes: bool
    name_match: _Match | None
    path_match: _Match | None


def _group(patterns: Sequence[Pattern]) -> _Group:
    names = [one for one in patterns if not one.whole_path]
    endings = sorted(one.ending for one in names if one.ending is not None)
    others = [one.expression for one in names if one.ending is None]
    return _Group(
        not patterns[0].negative,
        _any_of([*others, *_joined(endings)]),
        _any_of([one.expression for one in patterns if one.whole_path]),
    )


def _joined(endings: Sequence[str]) -> Iterator[str]:
    """Expressions of names that end so, few of them: each one looks through the whole name."""
    for first, some in groupby(endings, key=lambda ending: ending[:1]):
        rest = "|".join(re.escape(ending[1:]) for ending in some)
        yield f".*{re.escape(first)}(?:{rest})"


def _any_of(expressions: Sequence[str]) -> _Match | None:
    if not expressions:
        return None
    joined = "|".join(f"(?:{expression})" for expression in expressions)
    return re.compile(joined, re.DOTALL).fullmatch
