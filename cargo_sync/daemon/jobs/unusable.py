"""Jobs that are configured and cannot run: a row with its reason for each, instead of silence."""

import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from cargo_sync.config.errors import ConfigError
from cargo_sync.config.events import EventSettings
from cargo_sync.config.job import JobSettings, StillValid
from cargo_sync.model.events import Event, EventDetails, Happened, Moment
from cargo_sync.model.problems import Code

NO_MODE = "unknown"
"""SYNC_MODE of the callbacks of a job whose file does not say it."""


@dataclass(frozen=True, slots=True)
class UnusableJob:
    """A job that cannot run.

    name      its own if its file is valid; else the file's, without its ending
    file      path of its file, or of the folder of job files if that cannot be read
    code      of the problem: `bad_settings` if it is in the file
    problems  sentences, one for each problem
    mode      upload or download; "" if its file does not say it
    events    its callbacks, if this part of its file is valid
    """

    name: str
    file: str
    code: str
    problems: tuple[str, ...]
    mode: str = ""
    events: tuple[EventSettings, ...] = ()

    @property
    def detail(self) -> str:
        """A sentence about all of its problems."""
        more = len(self.problems) - 1
        return self.problems[0] if more < 1 else f"{self.problems[0]}, and {more:,} more"

    def event(self, time: float) -> Event:
        """The event that says so, for the history and for `onJobError`; `time`: unix seconds."""
        told = any(event.event == Moment.JOB_ERROR for event in self.events)
        details = EventDetails("; ".join(self.problems), self.code)
        return Event(
            self.name,
            Happened.FAILED,
            time,
            details=details,
            tell=(self.mode or NO_MODE) if told else "",
        )


def of_file(file: str, error: ConfigError, valid: StillValid) -> UnusableJob:
    """The job of a file that cannot be used; `valid`: what could be read of it all the same."""
    name = os.path.splitext(os.path.basename(file))[0] or file
    return UnusableJob(name, file, Code.BAD_SETTINGS, _texts(error), valid.mode, valid.events)


def of_job(job: JobSettings, error: ConfigError, code: str = Code.BAD_SETTINGS) -> UnusableJob:
    """A job whose file is valid, but that cannot run beside the others or cannot be started."""
    return UnusableJob(job.name, job.file, code, _texts(error), job.mode, job.events)


def named_apart(jobs: Iterable[UnusableJob], taken: Collection[str]) -> dict[str, UnusableJob]:
    """Unusable jobs by name; one whose name is taken is called by its file, or by its path."""
    named: dict[str, UnusableJob] = {}
    for job in jobs:
        names = (job.name, os.path.basename(job.file), job.file)
        name = next((each for each in names if each not in taken and each not in named), None)
        if name is not None:
            named[name] = replace(job, name=name)
    return named


def _texts(error: ConfigError) -> tuple[str, ...]:
    return tuple(map(str, error.problems))
