"""When something that failed is tried again: a growing delay with jitter, up to a ceiling.

The jitter is from "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015). It takes away at
most half of the delay, so that "tries again in" is about right for the person who reads it.
"""

import shlex
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Final

from cargo_sync.model.entries import Entry
from cargo_sync.model.problems import Code, Problem

FIRST: Final = 1.0
CEILING: Final = 300.0
HOPELESS_FIRST: Final = 30.0
"""Seconds after the first failure of what a person must correct."""
REMEMBERED: Final = 10_000

SourceVersion = tuple[int, int]
"""Version and ident of a source's entry."""


def delay(tries: int, chance: float, first: float = FIRST, ceiling: float = CEILING) -> float:
    """Seconds to wait after `tries` failures in a row (at least 1); `chance` is in [0, 1)."""
    return doubled(tries, first, ceiling) * (0.5 + chance / 2)


def doubled(tries: int, first: float, ceiling: float) -> float:
    """`first` after one failure, twice as long after each further one, up to `ceiling`."""
    return min(ceiling, first * 2.0 ** min(tries - 1, 30))


def cancelled(job: str, path: str) -> Problem:
    """The problem of a file that a person cancelled."""
    return Problem(
        Code.CANCELLED,
        f"{path!r} was cancelled by a person",
        path,
        f"`cargo_ctl job sync {shlex.quote(job)}` takes it up again",
        retry=False,
    )


@dataclass(frozen=True, slots=True)
class Failure:
    """One path that failed.

    tries, problem  how often it failed, and why the last time
    next_at         when it is tried again, on the clock of `now`; None: not without a person
    put_off         the source's (version, ident) that is not tried again; a different one is tried
                    at once
    """

    path: str
    tries: int
    problem: Problem
    next_at: float | None
    put_off: SourceVersion | None = None


class Failures:
    """What failed in a job and waits for its next try.

    At most 10,000 paths are remembered; all others are tried at each look.
    """

    def __init__(self) -> None:
        self._by_path: dict[str, Failure] = {}
        self._standing: set[str] = set()

    def __len__(self) -> int:
        return len(self._by_path)

    def failed(self, path: str, problem: Problem, now: float, chance: float) -> Failure:
        """Records one more failure of `path`.

        It is tried again after a second at first; after half a minute if a person must correct
        something, or each try would send a large file for nothing.
        """
        before = self._by_path.pop(path, None)
        tries = before.tries + 1 if before else 1
        first = FIRST if problem.retry else HOPELESS_FIRST
        failure = Failure(path, tries, problem, now + delay(tries, chance, first))
        if len(self._by_path) < REMEMBERED:
            self._by_path[path] = failure
        return failure

    def put_off(self, path: str, problem: Problem, source: SourceVersion) -> None:
        """`path` is not tried again until its source changes or a person asks."""
        self._by_path[path] = Failure(path, 1, problem, None, source)

    def stands(self, folder: str) -> None:
        """`folder` was not deleted, because something in it could not be."""
        if len(self._standing) < REMEMBERED:
            self._standing.add(folder)

    def not_done(self, path: str) -> bool:
        """Whether it is known that the last step with `path` was not done."""
        return path in self._by_path or path in self._standing

    def among(self, paths: Sequence[str]) -> list[str]:
        """Those of `paths` with which the last step was not done."""
        if not self._by_path and not self._standing:
            return []
        return [path for path in paths if self.not_done(path)]

    def was_put_off(self, path: str) -> bool:
        failure = self._by_path.get(path)
        return failure is not None and failure.put_off is not None

    def succeeded(self, path: str) -> None:
        self._by_path.pop(path, None)
        self._standing.discard(path)

    def knows(self, path: str) -> bool:
        return path in self._by_path

    def has(self, code: Code) -> bool:
        """Whether any of them failed with this code."""
        return any(failure.problem.code == code for failure in self._by_path.values())

    def paths(self) -> set[str]:
        return set(self._by_path)

    def due(self, path: str, source: Entry, now: float) -> bool:
        failure = self._by_path.get(path)
        if failure is None:
            return True
        if failure.next_at is None:
            return failure.put_off != (source.version, source.ident)
        return failure.next_at <= now

    def next_at(self) -> float | None:
        """When the first of them is due, or None when nothing is due without a person."""
        times = [
            failure.next_at for failure in self._by_path.values() if failure.next_at is not None
        ]
        return min(times, default=None)

    def overdue(self, now: float) -> list[str]:
        """The paths that are due."""
        return [
            failure.path
            for failure in self._by_path.values()
            if failure.next_at is not None and failure.next_at <= now
        ]

    def first(self, count: int) -> list[Failure]:
        """The oldest failures."""
        return list(self._by_path.values())[:count]

    def expedite(self) -> None:
        """Everything is due now, because a person asked for a look."""
        for path, failure in self._by_path.items():
            self._by_path[path] = replace(failure, next_at=0.0)

    def get(self, path: str) -> Failure | None:
        return self._by_path.get(path)

    def retry_at(self, codes: Collection[Code], at: float) -> None:
        """What failed with one of `codes` is tried again at `at`, unless it waits for a person."""
        for path, failure in self._by_path.items():
            if failure.problem.code in codes and failure.next_at is not None:
                self._by_path[path] = replace(failure, next_at=at)
