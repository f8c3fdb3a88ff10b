"""`job.add`, `.remove`, `.check`, `.read` and `.write`: the files of jobs."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from cargo_sync.api.job_commands import OneJob
from cargo_sync.api.job_file_commands import (
    ADD,
    CHECK,
    READ,
    REMOVE,
    WRITE,
    JobAddArgs,
    JobCheckArgs,
    JobWriteArgs,
)
from cargo_sync.api.messages import ControlError, JsonObject, ReplyCode
from cargo_sync.config.errors import ConfigError
from cargo_sync.control.routes import Route
from cargo_sync.daemon.jobs.drafts import Content, JobDrafts, new_text
from cargo_sync.daemon.jobs.registry import Jobs, bad_config
from cargo_sync.daemon.reporting import file_views
from cargo_sync.model.world import Offload
from cargo_sync.state.jobs import JobRows


class JobFileHandlers:
    """Adds, changes and removes jobs."""

    def __init__(self, jobs: Jobs, drafts: JobDrafts, rows: JobRows, offload: Offload) -> None:
        self._jobs = jobs
        self._drafts = drafts
        self._rows = rows
        self._offload = offload

    def routes(self) -> Sequence[Route[Any]]:
        return (
            Route(ADD, self.add),
            Route(REMOVE, self.remove),
            Route(CHECK, self.check),
            Route(READ, self.read),
            Route(WRITE, self.write),
        )

    async def add(self, args: JobAddArgs) -> JsonObject:
        content = _content(args.text, args.fields)
        try:
            text = await self._offload(new_text, content, args.name)
        except ConfigError as error:
            raise bad_config(error) from error
        job = (await self._jobs.add(text, args.name, paused=args.paused)).supervisor
        return {"name": job.name, "file": job.settings.file, "state": job.state.value}

    async def remove(self, args: OneJob) -> JsonObject:
        return {"name": args.job, "file": await self._jobs.remove(args.job, self._rows.remove)}

    async def check(self, args: JobCheckArgs) -> JsonObject:
        content = _content(args.text, args.fields)
        existing = args.job is not None
        origin = args.name if args.job is None else self._jobs.file(args.job)
        beside = self._jobs.beside(origin)
        draft = partial(self._drafts.draft, content, origin, beside, existing=existing)
        return file_views.checked(await self._offload(draft), args.job)

    async def read(self, args: OneJob) -> JsonObject:
        file = self._jobs.file(args.job)
        try:
            now = await self._offload(self._drafts.now, file, self._jobs.beside(file))
        except ConfigError as error:
            raise bad_config(error) from error
        return file_views.file_now(now, args.job)

    async def write(self, args: JobWriteArgs) -> JsonObject:
        content, name = _content(args.text, args.fields), args.job
        file, folder = self._jobs.file(name), self._jobs.filing()
        beside, place = self._jobs.beside(file), folder.replace
        draft = partial(self._drafts.replace, content, file, beside, args.version, place)
        now, written = await self._jobs.replace(name, draft)
        return file_views.replaced(written, file, now, self._jobs.state(now).value)


def _content(text: str | None, fields: Mapping[str, object] | None) -> Content:
    """What a job file shall contain. Raises ControlError(bad_argument)."""
    if (text is None) == (fields is None):
        message = "give what the file shall contain, either as text or as fields"
        raise ControlError(ReplyCode.BAD_ARGUMENT, message)
    return text if text is not None else fields or {}
