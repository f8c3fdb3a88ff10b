"""Orders to a job that is being replaced, as by `job.reload`, are carried out by the new one."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from cargo_sync.api.arguments import A
from cargo_sync.api.job_commands import OneOrAllJobs
from cargo_sync.api.messages import JsonObject
from cargo_sync.control.routes import Noun, Route
from cargo_sync.daemon.jobs.replacing import Replacements


class AfterReplacement:
    """Nouns whose commands wait while a job that they name is being replaced."""

    def __init__(self, nouns: Iterable[Noun], replacing: Replacements) -> None:
        self._nouns = nouns
        self._replacing = replacing

    def routes(self) -> Sequence[Route[Any]]:
        return [
            replace(route, handler=partial(self._handle, route.handler))
            for noun in self._nouns
            for route in noun.routes()
        ]

    async def _handle(self, handler: Callable[[A], Awaitable[JsonObject]], args: A) -> JsonObject:
        job = getattr(args, "job", None)
        if job is not None or isinstance(args, OneOrAllJobs):
            await self._replacing.wait(job)
        return await handler(args)
