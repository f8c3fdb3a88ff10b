"""Job files, read at the start and again: which jobs there shall be, given those that there are."""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from cargo_sync.config.callbacks import ANYWHERE, CallbackLimits
from cargo_sync.config.errors import ConfigError, FieldProblem
from cargo_sync.config.job import JobSettings, Neighbours, job_files, job_from, load_job
from cargo_sync.config.relaxed import parse
from cargo_sync.daemon.jobs.folder import JobFolder


@dataclass(frozen=True, slots=True)
class JobsRead:
    """What the files say.

    jobs    those that shall run: from good files, and from bad ones as they were
    errors  of the files that could not be used, one a file
    """

    jobs: tuple[JobSettings, ...]
    errors: tuple[ConfigError, ...] = ()


class JobFiles:
    """Where a daemon's job files are.

    list_files  gives their paths
    env         fills in their variables
    callbacks   where the daemon lets callbacks go: jobs that would go elsewhere are warned of
    filing      puts files there and takes them out; None where no job can be added
    load        reads a file, where a file does not say all; the path "" then stands for no file
    """

    def __init__(
        self,
        list_files: Callable[[], list[str]],
        env: Mapping[str, str],
        callbacks: CallbackLimits = ANYWHERE,
        filing: JobFolder | None = None,
        load: Callable[[str], JobSettings] | None = None,
    ) -> None:
        self._list_files = list_files
        self._env = env
        self._callbacks = callbacks
        self.filing = filing
        self._load_job = load or (lambda path: load_job(path, env))

    @classmethod
    def folder(
        cls, folder: str, env: Mapping[str, str], callbacks: CallbackLimits = ANYWHERE
    ) -> "JobFiles":
        """Every job file of a folder."""
        return cls(lambda: job_files(folder), env, callbacks, JobFolder(folder))

    @classmethod
    def one(cls, path: str, env: Mapping[str, str]) -> "JobFiles":
        """One file, whether it is there or not."""
        return cls(lambda: [path], env)

    def read(self, running: Iterable[JobSettings] = ()) -> JobsRead:
        """All files. A bad one leaves its job as it is; of jobs that clash, those that run go
        first."""
        before = {job.file: job for job in running}
        try:
            files = self._list_files()
        except ConfigError as error:
            return JobsRead(tuple(before.values()), (error,))
        jobs: list[JobSettings] = []
        errors: list[ConfigError] = []
        neighbours = Neighbours()
        for path in sorted(files, key=lambda path: path not in before):
            try:
                jobs.append(self._load(path, neighbours))
            except ConfigError as error:
                errors.append(error)
                if path in before and not neighbours.clashes(before[path]):
                    jobs.append(before[path])
                else:
                    continue
            neighbours.add(jobs[-1])
        return JobsRead(tuple(sorted(jobs, key=lambda job: job.name)), tuple(errors))

    def read_one(self, job: JobSettings, running: Iterable[JobSettings]) -> JobSettings:
        """The file of `job` alone. Raises ConfigError with what is wrong with it."""
        if job.file and not os.path.lexists(job.file):
            hint = "`cargo_ctl reload` removes the job"
            raise ConfigError([FieldProblem(job.file, "", None, "is not there any more", hint)])
        return self._load(
            job.file, Neighbours(other for other in running if other.file != job.file)
        )

    def judge(self, text: str, origin: str, running: Iterable[JobSettings]) -> JobSettings:
        """The job in a text that is no file yet, beside all jobs that there are; errors call it
        `origin`.

        Raises:
            ConfigError: every problem with it.
        """
        job = job_from(parse(text, origin), self._env, sent=True)
        if problems := Neighbours(self.read(running).jobs).clashes(job):
            raise ConfigError(problems)
        return job

    def load_new(self, path: str, running: Iterable[JobSettings]) -> JobSettings:
        """The file at `path`, which was not there before, alone. Raises ConfigError."""
        return self._load(path, Neighbours(running))

    def _load(self, path: str, neighbours: Neighbours) -> JobSettings:
        job = self._load_job(path)
        if problems := neighbours.clashes(job):
            raise ConfigError(problems)
        return replace(job, warnings=(*job.warnings, *self._callbacks.warnings(job.events)))
