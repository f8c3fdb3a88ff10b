"""The jobs of a daemon, each with a supervisor in its own task; adding, removing and reloading."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from types import MappingProxyType

from cargo_sync.api.messages import ControlError, ReplyCode
from cargo_sync.config.errors import ConfigError, FieldProblem
from cargo_sync.config.job import JobSettings
from cargo_sync.daemon.job.sampler import JobSampler
from cargo_sync.daemon.job.supervisor import Supervisor
from cargo_sync.daemon.jobs.folder import JobFolder
from cargo_sync.daemon.jobs.loading import JobFiles, unexpected
from cargo_sync.daemon.jobs.replacing import Replacements
from cargo_sync.daemon.jobs.unusable import UnusableJob, named_apart, of_job
from cargo_sync.machines.job_state import JobState
from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.model.world import T, World
from cargo_sync.process.tasks import AGAIN, lasting
from cargo_sync.process.wakeup import Wakeup
from cargo_sync.suggest import did_you_mean

_log = logging.getLogger(__name__)

Build = Callable[[JobSettings], Awaitable[tuple[Supervisor, JobSampler]]]
"""Makes a job's supervisor, with what the state remembers, and its sampler."""


class Job:
    """One loaded job."""

    def __init__(
        self, supervisor: Supervisor, sampler: JobSampler, task: asyncio.Task[None]
    ) -> None:
        self.supervisor = supervisor
        self.sampler = sampler
        self.task = task


class Jobs:
    """All jobs by name.

    group    owns their tasks
    removed  called with the name of each job that is removed
    refused  called for each job that cannot run, once for each reason
    replacing  the jobs that end now, to begin again with other settings: they are still listed
    """

    def __init__(
        self,
        files: JobFiles,
        build: Build,
        world: World,
        group: asyncio.TaskGroup,
        removed: Callable[[str], None],
        refused: Callable[[UnusableJob], Awaitable[None]],
    ) -> None:
        self._files = files
        self._build = build
        self._world = world
        self._group = group
        self._removed = removed
        self._refused = refused
        self._jobs: dict[str, Job] = {}
        self._unstarted: dict[str, JobSettings] = {}
        """Jobs that could not be started; they are tried again until they can be."""
        self._unusable: dict[str, UnusableJob] = {}
        self._told: dict[str, UnusableJob] = {}
        self._told_unread: tuple[FieldProblem, ...] = ()
        self._retrying = False
        self._changing = asyncio.Lock()
        self.replacing = Replacements()

    @property
    def all(self) -> Mapping[str, Job]:
        """The jobs that run, or wait."""
        return MappingProxyType(self._jobs)

    @property
    def unusable(self) -> Mapping[str, UnusableJob]:
        """The jobs that are configured and cannot run."""
        return MappingProxyType(self._unusable)

    def known(self) -> Collection[str] | None:
        """The names of all jobs that have a file; None if a file hides the name of its job."""
        return None if self._unusable else self._jobs.keys()

    def get(self, name: str) -> Job:
        """Returns a job.

        Raises:
            ControlError: unknown_job with a suggestion; bad_config: it cannot run.
        """
        self.check_name(name)
        if name in self._unusable:
            job = self._unusable[name]
            hint = f"correct {job.file}, then `job.reload`"
            message = f'the job "{name}" cannot run: {job.detail}'
            raise ControlError(ReplyCode.BAD_CONFIG, message, hint)
        return self._jobs[name]

    def check_name(self, name: str) -> None:
        """Checks that there is such a job. Raises ControlError(unknown_job) with a suggestion."""
        names = [*self._jobs, *self._unusable]
        if name not in names:
            hint = did_you_mean(name, names) or "`job.list` lists all jobs"
            raise ControlError(ReplyCode.UNKNOWN_JOB, f'there is no job "{name}"', hint)

    def chosen(self, name: str | None) -> list[Job]:
        """Returns one job, or all for None. Raises ControlError(unknown_job)."""
        return list(self._jobs.values()) if name is None else [self.get(name)]

    async def read(self) -> tuple[dict[str, str], tuple[ConfigError, ...]]:
        """Reads all files and applies them; jobs that did not change are not touched.

        Returns:
            Per job: added, changed, unchanged or removed. And the errors of bad files, and of jobs
            that cannot be started.
        """
        async with self._changing:
            reading = await self._world.offload(self._files.read, self._settings())
            for error in reading.errors:
                for problem in error.problems:
                    _log.error("%s", problem)
            for ignored in reading.ignored:
                if ignored not in self._told_unread:
                    _log.warning("%s", ignored)
            self._told_unread = reading.ignored
            wanted = {job.name: job for job in reading.jobs}
            known = [*self._jobs, *self._unstarted]
            results = {name: "removed" for name in known if name not in wanted}
            # Old jobs end before new ones begin: a folder may go from one job to another.
            results |= {name: self._result(job) for name, job in wanted.items()}
            changed = [name for name, result in results.items() if result == "changed"]
            removed = [name for name, result in results.items() if result == "removed"]
            with self.replacing.of(changed):
                await self._stop([*removed, *changed], listed=changed)
                for name in removed:
                    self._removed(name)
                # All are built before the first begins: a running one would delay the others.
                fresh = [
                    wanted[name]
                    for name, result in results.items()
                    if result in ("added", "changed")
                ]
                errors = await self._start(fresh)
            for name in self._unstarted:
                results.pop(name, None)
            for job in self._jobs.values():
                job.supervisor.outdated = reading.outdated.get(job.supervisor.settings.file, "")
            cannot_start = [job for name, job in self._unusable.items() if name in self._unstarted]
            await self._refuse([*cannot_start, *reading.unusable])
            return dict(sorted(results.items())), (*reading.errors, *errors)

    async def read_one(self, name: str) -> str:
        """Reads one job's file again. Returns the job's name, which may be new.

        Raises:
            ControlError: unknown_job, or bad_config: the job keeps its old settings.
        """
        async with self._changing:
            return await self._read_one(name)

    async def _read_one(self, name: str) -> str:
        self.check_name(name)
        if name in self._unusable:
            return await self._use(self._unusable[name])
        job = self._jobs[name].supervisor
        before = job.settings
        try:
            now = await self._world.offload(self._files.read_one, before, self._settings())
        except ConfigError as error:
            job.outdated = str(error.problems[0])
            raise ControlError(ReplyCode.BAD_CONFIG, "; ".join(map(str, error.problems))) from error
        job.outdated = ""
        if now != before:
            with self.replacing.of({name, now.name}):
                await self._stop([name], listed=[now.name])
                if now.name != name:
                    self._removed(name)
                errors = await self._start([now])
            if errors:
                raise bad_config(errors[0])
        return now.name

    async def _use(self, job: UnusableJob) -> str:
        """Reads the file of a job that could not run. Returns the job's name, which may be new.

        Raises:
            ControlError: bad_config: it still cannot.
        """
        others = [one for name, one in self._unusable.items() if name != job.name]
        running = [one for one in self._settings() if one.file != job.file]
        try:
            settings = await self._world.offload(self._files.load_new, job.file, running)
        except ConfigError as error:
            still = await self._world.offload(self._files.unusable, job.file, error)
            await self._refuse([*others, still])
            raise bad_config(error) from error
        self._unstarted.pop(job.name, None)
        errors = await self._start([settings])
        cannot_start = [one for name, one in self._unusable.items() if name in self._unstarted]
        await self._refuse([*others, *(one for one in cannot_start if one.file == job.file)])
        if errors:
            raise bad_config(errors[0])
        return settings.name

    async def add(self, text: str, origin: str, *, paused: bool) -> Job:
        """Adds a new job.

        Args:
            text: the content of its file.
            origin: what errors call the text.
            paused: it waits for `job.start`.

        Raises:
            ControlError: one_job, or bad_config with one line per problem; no trace of the job
                stays.
            ProblemError: its file cannot be written.
        """
        async with self._changing:
            filing = self.filing()
            try:
                wanted = await self._world.offload(
                    self._files.judge, text, origin, self._settings()
                )
            except ConfigError as error:
                raise bad_config(error) from error
            path = await self._world.offload(filing.place, wanted.name, text)
            try:
                settings = await self._world.offload(self._files.load_new, path, self._settings())
                supervisor, sampler = await self._build(settings)
                if paused:
                    await supervisor.pause()
                self._begin(settings, supervisor, sampler)
            except BaseException as error:
                await self._world.offload(filing.withdraw, path)
                raise (bad_config(error) if isinstance(error, ConfigError) else error) from error
            await self._refuse(list(self._unusable.values()))
            return self._jobs[settings.name]

    async def replace(self, name: str, draft: Callable[[], T]) -> tuple[str, T]:
        """Replaces a job's file, and reads it.

        Args:
            name: of the job.
            draft: checks and writes it; called in a thread.

        Returns:
            The job's name, which may be new, and what `draft` returned.

        Raises:
            ControlError: one_job, unknown_job; bad_config with one line per problem: the file is
                as it was.
            ProblemError: it cannot be written.
        """
        async with self._changing:
            self.check_name(name)
            self.filing()
            try:
                written = await self._world.offload(draft)
            except ConfigError as error:
                raise bad_config(error) from error
            try:
                return await self._read_one(name), written
            except ControlError as error:
                # The file is good, but its job cannot be started now: that is tried again.
                _log.error("%s", error.message, extra={"job": name})
                return name, written

    async def remove(self, name: str, forget: Callable[[str], None]) -> str:
        """Ends a job and puts its file aside.

        Args:
            name: of the job.
            forget: deletes what the state knows about the job; called in a thread.

        Returns:
            The new path of its file, or "" if the file was gone already.

        Raises:
            ControlError: one_job, unknown_job.
            ProblemError: its file cannot be moved; the job continues.
        """
        async with self._changing:
            file = self.file(name)
            place = await self._world.offload(self.filing().put_aside, file)
            await self._stop([name])
            await self._world.offload(forget, name)
            self._removed(name)
            return place

    def filing(self) -> JobFolder:
        """The folder of the job files. Raises ControlError(one_job)."""
        if self._files.filing is None:
            hint = "to add, change or remove jobs by command, start the daemon without --job"
            raise ControlError(ReplyCode.ONE_JOB, "this daemon runs only one job file", hint)
        return self._files.filing

    def file(self, name: str) -> str:
        """The path of a job's file. Raises ControlError(unknown_job) with a suggestion."""
        self.check_name(name)
        unusable = self._unusable.get(name)
        return unusable.file if unusable else self._jobs[name].supervisor.settings.file

    def state(self, name: str) -> JobState:
        """The state of a job, ERROR if it cannot run."""
        job = self._jobs.get(name)
        return JobState.ERROR if job is None else job.supervisor.state

    def beside(self, file: str) -> list[JobSettings]:
        """The settings of all jobs whose file is another one."""
        return [job for job in self._settings() if job.file != file]

    def _settings(self) -> list[JobSettings]:
        return [
            *(job.supervisor.settings for job in self._jobs.values()),
            *self._unstarted.values(),
        ]

    def _result(self, wanted: JobSettings) -> str:
        job = self._jobs.get(wanted.name)
        if job is None:
            return "added"
        return "unchanged" if job.supervisor.settings == wanted else "changed"

    async def _start(self, fresh: Sequence[JobSettings]) -> list[ConfigError]:
        """Starts jobs. One that cannot be started harms no other, and is tried again later.

        Returns:
            The errors of those that could not be started.
        """
        made, errors = [], []
        for settings in fresh:
            try:
                made.append((settings, *await self._build(settings)))
            except Exception as error:
                failure, code = _unstarted(settings, error)
                errors.append(failure)
                self._jobs.pop(settings.name, None)
                self._unstarted[settings.name] = settings
                self._unusable[settings.name] = of_job(settings, failure, code)
        for settings, supervisor, sampler in made:
            self._unstarted.pop(settings.name, None)
            self._unusable.pop(settings.name, None)
            self._begin(settings, supervisor, sampler)
        if self._unstarted and not self._retrying:
            self._retrying = True
            self._group.create_task(lasting(self._start_the_rest, "starting jobs"))
        return errors

    async def _start_the_rest(self) -> None:
        while self._unstarted:
            await Wakeup().wait(AGAIN)
            async with self._changing:
                await self._start(list(self._unstarted.values()))
                await self._refuse(list(self._unusable.values()))
        self._retrying = False

    async def _refuse(self, jobs: Sequence[UnusableJob]) -> None:
        """These jobs, and no others, cannot run now. What is new about that is told."""
        before, self._unusable = self._unusable, named_apart(jobs, self._jobs.keys())
        for name in before.keys() - self._unusable.keys() - self._jobs.keys():
            self._removed(name)
        for name, job in self._unusable.items():
            if self._told.get(name) != job:
                await self._refused(job)
        self._told = dict(self._unusable)

    def _begin(self, settings: JobSettings, supervisor: Supervisor, sampler: JobSampler) -> None:
        for warning in settings.warnings:
            _log.warning("%s", warning, extra={"job": settings.name})
        running = lasting(supervisor.run, "the job", job=settings.name)
        task = self._group.create_task(running, name=settings.name)
        self._jobs[settings.name] = Job(supervisor, sampler, task)

    async def _stop(self, names: Collection[str], *, listed: Collection[str] = ()) -> None:
        """Ends jobs. Those that are `listed` stay so, as they were, until others begin."""
        for name in names:
            self._unstarted.pop(name, None)
            self._unusable.pop(name, None)
        ending = {name: self._jobs[name].task for name in names if name in self._jobs}
        for name, task in ending.items():
            task.cancel()
            if name not in listed:
                del self._jobs[name]
        if ending:
            await asyncio.wait(ending.values())


def bad_config(error: ConfigError) -> ControlError:
    """The refusal of a job file, with one line per problem."""
    return ControlError(ReplyCode.BAD_CONFIG, "\n".join(map(str, error.problems)))


def _unstarted(settings: JobSettings, error: Exception) -> tuple[ConfigError, str]:
    """Why a job could not be started, and the code of the problem."""
    if isinstance(error, ProblemError):
        message = f"cannot be started: {error.problem}"
        failure = ConfigError([FieldProblem(settings.file, "", None, message)])
        _log.error("%s", message, extra={"job": settings.name})
        return failure, error.problem.code_text
    return unexpected(settings.file, "cannot be started", error), Code.INTERNAL
