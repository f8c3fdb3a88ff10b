"""`callback.…`: list, retry, test."""

from collections.abc import Sequence
from typing import Any

from cargo_sync.api.daemon_commands import (
    CALLBACK_LIST,
    CALLBACK_RETRY,
    CALLBACK_TEST,
    CallbackListArgs,
    CallbackRetryArgs,
    CallbackTestArgs,
)
from cargo_sync.api.messages import ControlError, JsonObject, ReplyCode
from cargo_sync.control.routes import Route
from cargo_sync.daemon.jobs.registry import Jobs
from cargo_sync.daemon.reporting.webhooks import JobWebhooks
from cargo_sync.model.world import World
from cargo_sync.suggest import did_you_mean
from cargo_sync.webhooks.dispatcher import asked
from cargo_sync.webhooks.views import callback, callback_test

_STATES = ("pending", "dead")


class CallbackHandlers:
    """Lists callbacks, and sends them again or as a test."""

    def __init__(self, jobs: Jobs, callbacks: JobWebhooks, world: World) -> None:
        self._jobs = jobs
        self._callbacks = callbacks
        self._world = world

    def routes(self) -> Sequence[Route[Any]]:
        return (
            Route(CALLBACK_LIST, self.list),
            Route(CALLBACK_RETRY, self.retry),
            Route(CALLBACK_TEST, self.test),
        )

    async def list(self, args: CallbackListArgs) -> JsonObject:
        job, state, limit = args.job, args.state, args.limit
        if state is not None and state not in _STATES:
            raise ControlError(
                ReplyCode.BAD_ARGUMENT,
                '`callback.list`: "state" must be pending or dead',
                did_you_mean(state, _STATES),
            )
        rows, offload = self._callbacks.rows, self._world.offload
        page = await offload(rows.page, job, state, args.after, limit)
        counts = await offload(rows.count, job)
        if job is not None and not any(counts.values()):
            # A job that was removed may still have waiting callbacks, so it is looked up only now.
            self._jobs.check_name(job)
        shift = self._world.wall() - self._world.lived()
        return {
            "callbacks": [callback(row, shift) for row in page],
            "totals": counts,
            "next": page[-1].number if len(page) == limit else None,
        }

    async def retry(self, args: CallbackRetryArgs) -> JsonObject:
        id, job = args.id, args.job
        count = await self._callbacks.retry(id, job)
        if id is not None and not count:
            raise ControlError(
                ReplyCode.UNKNOWN_CALLBACK,
                f'no callback "{id}" waits',
                "`callback.list` lists all that wait",
            )
        if job is not None and not count:
            self._jobs.check_name(job)
        return {"count": count}

    async def test(self, args: CallbackTestArgs) -> JsonObject:
        job, name = self._jobs.get(args.job).supervisor.settings, args.event
        events = [event.event for event in job.events]
        event = asked(job, name or (events[0] if events else ""))
        if event is None:
            what = f"callback for {name}" if name else "callbacks"
            hint = 'add them to "events" in its file'
            if events:
                hint = did_you_mean(name or "", events) or f"it has {', '.join(events)}"
            raise ControlError(
                ReplyCode.UNKNOWN_CALLBACK, f'the job "{job.name}" has no {what}', hint
            )
        return callback_test(job.name, await self._callbacks.test(job, event))
