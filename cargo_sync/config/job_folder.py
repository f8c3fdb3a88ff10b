"""The job files of a folder, and which jobs cannot run beside each other."""

import os
from collections.abc import Iterable
from typing import Final

from cargo_sync.config import places
from cargo_sync.config.errors import ConfigError, FieldProblem
from cargo_sync.config.job import JobSettings

_NEARLY: Final = (".json5", ".jsonc", ".hjson", ".json.txt")
"""Endings of files that their author may take for job files."""


def job_files(folder: str) -> list[str]:
    """The paths of the job files in a folder, sorted; none if there is no such folder.

    A name ends with `.json`, in upper or lower case; hidden files are none.

    Raises:
        ConfigError: the folder cannot be listed.
    """
    return [
        os.path.join(folder, name) for name in _visible(folder) if name.lower().endswith(".json")
    ]


def not_read(folder: str) -> list[FieldProblem]:
    """A sentence about each file that looks like a job file, but whose name ends otherwise.

    Raises:
        ConfigError: the folder cannot be listed.
    """
    message, hint = "is not read", "the name of a job file ends with .json"
    return [
        FieldProblem(os.path.join(folder, name), "", None, message, hint)
        for name in _visible(folder)
        if name.lower().endswith(_NEARLY)
    ]


def _visible(folder: str) -> list[str]:
    """The names in a folder without hidden ones, sorted."""
    try:
        return [name for name in sorted(os.listdir(folder)) if not name.startswith(".")]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ConfigError(
            [FieldProblem(folder, "", None, f"cannot be listed: {error.strerror or error}")]
        ) from None


class Neighbours:
    """The jobs of one daemon. Tells why another job cannot run beside them."""

    def __init__(self, jobs: Iterable[JobSettings] = ()) -> None:
        self._jobs: list[tuple[JobSettings, str]] = []
        for job in jobs:
            self.add(job)

    def add(self, job: JobSettings) -> None:
        self._jobs.append((job, os.path.realpath(job.local_dir)))

    def clashes(self, job: JobSettings) -> list[FieldProblem]:
        """Problems of `job` with the others: a name that is taken, a folder that overlaps.

        Links in paths are resolved.
        """
        found: list[FieldProblem] = []
        root = os.path.realpath(job.local_dir)
        for other, taken in self._jobs:
            if job.name == other.name:
                message = f'"{job.name}" is also the name of the job in {other.file}'
                found.append(
                    FieldProblem(job.file, "sync_name", None, message, "rename one of them")
                )
            overlap = places.inside(root, taken) or places.inside(taken, root)
            if overlap and job.enabled and other.enabled:
                theirs = f'{other.local_dir} of the job "{other.name}" in {other.file}'
                message = f"{job.local_dir} overlaps with {theirs}"
                found.append(
                    FieldProblem(
                        job.file, "local_dir", None, message, "a folder belongs to one job"
                    )
                )
        return found
