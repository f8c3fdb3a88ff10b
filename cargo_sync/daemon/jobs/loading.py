"""Reading job files, at the start and at a reload: which jobs shall run."""

import logging
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from cargo_sync.config.callbacks import ANYWHERE, CallbackLimits
from cargo_sync.config.errors import ConfigError, FieldProblem
from cargo_sync.config.job import (
    JobSettings,
    StillValid,
    job_from,
    load_job,
    missing_folder,
    still_valid,
)
from cargo_sync.config.job_document import parse_job
from cargo_sync.config.job_folder import Neighbours, job_files, not_read
from cargo_sync.daemon.jobs.folder import JobFolder
from cargo_sync.daemon.jobs.unusable import UnusableJob, of_file, of_job

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class JobsRead:
    """The result of reading the files.

    jobs      those that shall run: from good files, and from bad ones with their old settings
    errors    one per file that could not be used
    outdated  why a job runs with its old settings, by the path of its file
    unusable  those that cannot run
    ignored   about files of the folder that are not read because of their names
    """

    jobs: tuple[JobSettings, ...]
    errors: tuple[ConfigError, ...] = ()
    outdated: Mapping[str, str] = field(default_factory=dict)
    unusable: tuple[UnusableJob, ...] = ()
    ignored: tuple[FieldProblem, ...] = ()


class JobFiles:
    """A daemon's job files.

    list_files  gives their paths
    env         fills in their variables
    callbacks   where the daemon may send callbacks: a job that names another place gets a warning
    filing      adds and removes files; None if no job can be added
    load        reads one file, if options add to the file; the path "" then means no file
    ignored     tells of files that are not read because of their names
    """

    def __init__(
        self,
        list_files: Callable[[], list[str]],
        env: Mapping[str, str],
        callbacks: CallbackLimits = ANYWHERE,
        filing: JobFolder | None = None,
        load: Callable[[str], JobSettings] | None = None,
        ignored: Callable[[], Iterable[FieldProblem]] = tuple,
    ) -> None:
        self._list_files = list_files
        self._env = env
        self._callbacks = callbacks
        self.filing = filing
        self._ignored = ignored
        self._load_job = load or (lambda path: load_job(path, env))

    @classmethod
    def folder(
        cls, folder: str, env: Mapping[str, str], callbacks: CallbackLimits = ANYWHERE
    ) -> "JobFiles":
        """Every job file of a folder."""
        return cls(
            lambda: job_files(folder),
            env,
            callbacks,
            JobFolder(folder),
            ignored=lambda: not_read(folder),
        )

    @classmethod
    def one(cls, path: str, env: Mapping[str, str]) -> "JobFiles":
        """One file, which may be missing."""
        return cls(lambda: [path], env)

    def read(self, running: Iterable[JobSettings] = ()) -> JobsRead:
        """Reads all files.

        A bad file leaves its job as it is. If jobs clash, those that run already win.
        """
        before = {job.file: job for job in running}
        try:
            files, ignored = self._list_files(), tuple(self._ignored())
            if before and not files and self.filing is not None:
                self.filing.check()
        except ConfigError as error:
            outdated = dict.fromkeys(before, str(error.problems[0]))
            folder = of_file(error.problems[0].file, error, StillValid())
            return JobsRead(tuple(before.values()), (error,), outdated, (folder,))
        jobs: list[JobSettings] = []
        errors: list[ConfigError] = []
        outdated = {}
        unusable: list[UnusableJob] = []
        neighbours = Neighbours()
        for path in sorted(files, key=lambda path: path not in before):
            try:
                jobs.append(self._load(path, neighbours))
            except ConfigError as error:
                errors.append(error)
                if path in before and not neighbours.clashes(before[path]):
                    outdated[path] = str(error.problems[0])
                    jobs.append(before[path])
                else:
                    unusable.append(self.unusable(path, error))
                    continue
            neighbours.add(jobs[-1])
        return JobsRead(
            tuple(sorted(jobs, key=lambda job: job.name)),
            tuple(errors),
            outdated,
            tuple(sorted(unusable, key=lambda job: job.file)),
            ignored,
        )

    def unusable(self, path: str, error: ConfigError) -> UnusableJob:
        """The job of a file that cannot run because of `error`."""
        try:
            return of_job(self._load_job(path), error)
        except Exception:  # `error` has told it already
            return of_file(path, error, still_valid(path, self._env))

    def read_one(self, job: JobSettings, running: Iterable[JobSettings]) -> JobSettings:
        """Reads only the file of `job`. Raises ConfigError with all its problems."""
        if job.file and not os.path.lexists(job.file):
            hint = "`cargo_ctl reload` removes the job"
            raise ConfigError([FieldProblem(job.file, "", None, "is not there any more", hint)])
        return self._load(
            job.file, Neighbours(other for other in running if other.file != job.file)
        )

    def judge(self, text: str, origin: str, running: Iterable[JobSettings]) -> JobSettings:
        """Checks the text of a new job, also against all other jobs. Errors call it `origin`.

        Raises:
            ConfigError: every problem with it.
        """
        job = job_from(parse_job(text, origin), self._env, sent=True)
        if problems := Neighbours(self.read(running).jobs).clashes(job):
            raise ConfigError(problems)
        return job

    def check(
        self, text: str, file: str, others: Iterable[JobSettings], *, sent: bool
    ) -> tuple[JobSettings, tuple[FieldProblem, ...]]:
        """Checks the text of a job file, also against the jobs that run beside it.

        Args:
            text: of the file.
            file: its path, or what errors call the text.
            others: the jobs beside it.
            sent: it is no file yet.

        Returns:
            The job, and what a person should know: warnings, each with its field if it has one.

        Raises:
            ConfigError: every problem with it.
        """
        job = job_from(parse_job(text, file), self._env, sent=sent)
        if problems := Neighbours(others).clashes(job):
            raise ConfigError(problems)
        words = (*job.warnings, *self._callbacks.warnings(job.events))
        missing = missing_folder(job)
        warnings = [FieldProblem(file, "", None, text) for text in words]
        return job, (*([missing] if missing else []), *warnings)

    def load_new(self, path: str, running: Iterable[JobSettings]) -> JobSettings:
        """Reads only the new file at `path`. Raises ConfigError."""
        return self._load(path, Neighbours(running))

    def _load(self, path: str, neighbours: Neighbours) -> JobSettings:
        try:
            return self._checked(path, neighbours)
        except ConfigError:
            raise
        except Exception as error:  # a bug of ours: only this job pays for it
            raise unexpected(path, "cannot be read", error) from error

    def _checked(self, path: str, neighbours: Neighbours) -> JobSettings:
        job = self._load_job(path)
        if problems := neighbours.clashes(job):
            raise ConfigError(problems)
        return replace(job, warnings=(*job.warnings, *self._callbacks.warnings(job.events)))


def unexpected(path: str, words: str, error: Exception) -> ConfigError:
    """An exception that nobody foresaw as an error of one job's file; the log gets its traceback.

    Args:
        path: of the job's file.
        words: what could not be done with the job.
        error: the exception.
    """
    _log.error("%s %s", path, words, exc_info=error)
    message = f"{words}: internal error: {type(error).__name__}"
    return ConfigError([FieldProblem(path, "", None, message, "see the log")])
