"""The jobs of a daemon, each with a supervisor in its own task; adding, removing and reloading."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType

from cargo_sync.api.messages import ControlError, ReplyCode
from cargo_sync.config.errors import ConfigError, FieldProblem
from cargo_sync.config.job import JobSettings
from cargo_sync.daemon.job.sampler import JobSampler
from cargo_sync.daemon.job.supervisor import Supervisor
from cargo_sync.daemon.jobs.folder import JobFolder
from cargo_sync.daemon.jobs.loading import JobFiles, unexpected
from cargo_sync.model.problems import ProblemError
from cargo_sync.model.world import World
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
    """

    def __init__(
        self,
        files: JobFiles,
        build: Build,
        world: World,
        group: asyncio.TaskGroup,
        removed: Callable[[str], None],
    ) -> None:
        self._files = files
        self._build = build
        self._world = world
        self._group = group
        self._removed = removed
        self._jobs: dict[str, Job] = {}
        self._unstarted: dict[str, JobSettings] = {}
        """Jobs that could not be started; they are tried again until they can be."""
        self._retrying = False
        self._changing = asyncio.Lock()

    @property
    def all(self) -> Mapping[str, Job]:
        return MappingProxyType(self._jobs)

    def get(self, name: str) -> Job:
        """Returns a job. Raises ControlError(unknown_job) with a suggestion."""
        self.check_name(name)
        return self._jobs[name]

    def check_name(self, name: str) -> None:
        """Checks that there is such a job. Raises ControlError(unknown_job) with a suggestion."""
        if name not in self._jobs:
            hint = did_you_mean(name, self._jobs) or "`job.list` lists all jobs"
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
            wanted = {job.name: job for job in reading.jobs}
            known = [*self._jobs, *self._unstarted]
            results = {name: "removed" for name in known if name not in wanted}
            # Old jobs end before new ones begin: a folder may go from one job to another.
            results |= {name: self._result(job) for name, job in wanted.items()}
            await self._stop(
                [name for name, result in results.items() if result in ("removed", "changed")]
            )
            for name, result in results.items():
                if result == "removed":
                    self._removed(name)
            # All are built before the first begins, because a running one would delay the others.
            fresh = [
                wanted[name] for name, result in results.items() if result in ("added", "changed")
            ]
            errors = await self._start(fresh)
            for name in self._unstarted:
                results.pop(name, None)
            return dict(sorted(results.items())), (*reading.errors, *errors)

    async def read_one(self, name: str) -> str:
        """Reads one job's file again. Returns the job's name, which may be new.

        Raises:
            ControlError: unknown_job, or bad_config: the job keeps its old settings.
        """
        async with self._changing:
            before = self.get(name).supervisor.settings
            try:
                now = await self._world.offload(self._files.read_one, before, self._settings())
            except ConfigError as error:
                raise ControlError(
                    ReplyCode.BAD_CONFIG, "; ".join(map(str, error.problems))
                ) from error
            if now != before:
                await self._stop([name])
                if now.name != name:
                    self._removed(name)
                if errors := await self._start([now]):
                    raise _bad(errors[0])
            return now.name

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
            filing = self._filing()
            try:
                wanted = await self._world.offload(
                    self._files.judge, text, origin, self._settings()
                )
            except ConfigError as error:
                raise _bad(error) from error
            path = await self._world.offload(filing.place, wanted.name, text)
            try:
                settings = await self._world.offload(self._files.load_new, path, self._settings())
                supervisor, sampler = await self._build(settings)
                if paused:
                    await supervisor.pause()
                self._begin(settings, supervisor, sampler)
            except BaseException as error:
                await self._world.offload(filing.withdraw, path)
                raise (_bad(error) if isinstance(error, ConfigError) else error) from error
            return self._jobs[settings.name]

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
            settings = self.get(name).supervisor.settings
            place = await self._world.offload(self._filing().put_aside, settings.file)
            await self._stop([name])
            await self._world.offload(forget, name)
            self._removed(name)
            return place

    def _filing(self) -> JobFolder:
        if self._files.filing is None:
            hint = "to add or remove jobs, start the daemon without --job"
            raise ControlError(ReplyCode.ONE_JOB, "this daemon runs only one job file", hint)
        return self._files.filing

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
                errors.append(_unstarted(settings, error))
                self._unstarted[settings.name] = settings
        for settings, supervisor, sampler in made:
            self._unstarted.pop(settings.name, None)
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
        self._retrying = False

    def _begin(self, settings: JobSettings, supervisor: Supervisor, sampler: JobSampler) -> None:
        for warning in settings.warnings:
            _log.warning("%s", warning, extra={"job": settings.name})
        running = lasting(supervisor.run, "the job", job=settings.name)
        task = self._group.create_task(running, name=settings.name)
        self._jobs[settings.name] = Job(supervisor, sampler, task)

    async def _stop(self, names: list[str]) -> None:
        for name in names:
            self._unstarted.pop(name, None)
        tasks = [self._jobs.pop(name).task for name in names if name in self._jobs]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


def _bad(error: ConfigError) -> ControlError:
    return ControlError(ReplyCode.BAD_CONFIG, "\n".join(map(str, error.problems)))


def _unstarted(settings: JobSettings, error: Exception) -> ConfigError:
    if isinstance(error, ProblemError):
        message = f"cannot be started: {error.problem}"
        failure = ConfigError([FieldProblem(settings.file, "", None, message)])
        _log.error("%s", message, extra={"job": settings.name})
        return failure
    return unexpected(settings.file, "cannot be started", error)
