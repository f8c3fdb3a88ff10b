"""Random trees and lists of patterns, compared with git itself.

`python -m tests.plan.git_trees TREES [SEED]` prints each difference and how many there were.
Names are ASCII: for git a character is a byte, so its `?` does not match an "é".
"""

import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cargo_sync.plan.filters import Filters

_AT_ONCE: Final = 500
_MEMORY: Final = "/dev/shm"


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_NAMES: Final = _words(
    r"""
    a b c d x Z _ - : ab abc a.mov b.mov 1.mov clip_5.mov clip_x.mov keep cache foo foobar
    foo.bar [a] a] !a #a \a a* a? ^a a-b a.bak x.tmp .h
    """
)
_LETTERS: Final = _words(
    r"""
    a b c x keep foo bar cache mov 1 5 - _ . * * * ** ? / / / [ ] [a] [!a] [^b] [a-c]
    [[:digit:]] [[:alpha:]_] []a] [!]a] [c-a] [a- \ \* \[ \! \# \/ ! # **/ /** /**/ */ /*
    [[:foo:]] : ^ [a\]] [\a-c] [[:] [a-[:digit:]x]
    """
)
_PARTS: Final = _words(
    r"""
    * ** a b foo keep cache *.mov x ? d [a-c] c* *a a**
    """
)


@dataclass(frozen=True, slots=True)
class Case:
    """A list of patterns and the files that they are used for."""

    patterns: tuple[str, ...]
    files: frozenset[str]


def cases(seed: int, count: int) -> Iterator[Case]:
    """Yields `count` cases, always the same for one seed."""
    chance = random.Random(seed)
    for _ in range(count):
        patterns = tuple(_pattern(chance) for _ in range(chance.randint(1, 5)))
        yield Case(patterns, frozenset(_files(chance)))


def differences(seed: int, count: int) -> Iterator[tuple[Case, frozenset[str]]]:
    """Yields each case in which git keeps other files than we do, with the files that git keeps."""
    every = cases(seed, count)
    while batch := [case for case, _ in zip(every, range(_AT_ONCE), strict=False)]:
        for case, kept in zip(batch, kept_by_git(batch), strict=True):
            if kept != kept_by_us(case):
                yield case, kept


def kept_by_us(case: Case) -> frozenset[str]:
    """The files that a job with these patterns transfers."""
    filters = Filters(exclude=case.patterns)
    return frozenset(
        file
        for file in case.files
        if not filters.excluded(file, False)
        and not any(filters.excluded(folder, True) for folder in _folders(file))
    )


def kept_by_git(batch: list[Case], *options: str) -> list[frozenset[str]]:
    """The files that git shows as not ignored: each case is a folder with a .gitignore."""
    with tempfile.TemporaryDirectory(dir=_MEMORY if os.path.isdir(_MEMORY) else None) as top:
        _git(top, "init", "--quiet")
        for number, case in enumerate(batch):
            folder = Path(top, str(number))
            folder.mkdir()
            lines = "".join(f"{pattern}\n" for pattern in case.patterns)
            (folder / ".gitignore").write_text(lines, newline="")
            for file in case.files:
                place = folder / file
                place.parent.mkdir(parents=True, exist_ok=True)
                place.touch()
        said = _git(top, "ls-files", "-o", "-z", "--exclude-per-directory=.gitignore", *options)
    kept: list[set[str]] = [set() for _ in batch]
    for line in said.split("\0")[:-1]:
        number_text, _, path = line.partition("/")
        if path != ".gitignore":
            kept[int(number_text)].add(path)
    return [frozenset(paths) for paths in kept]


def _git(top: str, *arguments: str) -> str:
    without_settings = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    return subprocess.run(
        ["git", "-C", top, "-c", "core.ignoreCase=false", *arguments],
        env={"PATH": os.environ["PATH"], **without_settings},
        check=True,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ).stdout


def _pattern(chance: random.Random) -> str:
    kind = chance.random()
    if kind < 0.4:
        text = "".join(
            chance.choice(_PARTS) + chance.choice(("/", "/", "/", ""))
            for _ in range(chance.randint(1, 4))
        )
    elif kind < 0.6:
        text = chance.choice(_NAMES)
    else:
        text = "".join(chance.choices([*_LETTERS, " ", "\\ "], k=chance.randint(1, 7)))
    before = chance.choices(("", "!", "/", "!/"), weights=(60, 25, 10, 5))[0]
    after = chance.choices(("", "/", " ", "  ", "\r", "\t"), weights=(75, 20, 2, 1, 1, 1))[0]
    return before + text + after


def _files(chance: random.Random) -> set[str]:
    files: set[str] = set()
    folders: set[str] = set()
    for _ in range(chance.randint(4, 14)):
        file = "/".join(chance.choice([*_NAMES, "a b", "a "]) for _ in range(chance.randint(1, 4)))
        above = set(_folders(file))
        if file not in folders and not above & files:
            files.add(file)
            folders |= above
    return files


def _folders(file: str) -> Iterator[str]:
    parts = file.split("/")
    return ("/".join(parts[:end]) for end in range(1, len(parts)))


def main(trees: str, seed: str = "") -> int:
    """Compares random trees and prints what differs."""
    number = int(seed) if seed else random.SystemRandom().randrange(10**9)
    count = 0
    for case, kept in differences(number, int(trees)):
        count += 1
        ours = kept_by_us(case)
        print(f"{case.patterns}: only git {kept - ours or '{}'}, only ours {ours - kept or '{}'}")
    print(f"filters: {trees} trees, {count} differences (seed {number})")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
