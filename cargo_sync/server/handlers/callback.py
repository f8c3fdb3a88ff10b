"""`callback.…` of a server: list, retry, test."""

from collections.abc import Sequence
from typing import Any

from cargo_sync.api.history_commands import (
    SERVER_CALLBACK_LIST,
    SERVER_CALLBACK_RETRY,
    SERVER_CALLBACK_TEST,
    ServerCallbackListArgs,
    ServerCallbackRetryArgs,
    ServerCallbackTestArgs,
)
from cargo_sync.api.messages import ControlError, JsonObject, ReplyCode
from cargo_sync.control.routes import Route
from cargo_sync.model.world import World
from cargo_sync.server.reporting.webhooks import ServerWebhooks
from cargo_sync.suggest import did_you_mean
from cargo_sync.webhooks.dispatcher import asked
from cargo_sync.webhooks.views import callback, callback_test


class ServerCallbackHandlers:
    """Lists callbacks, and sends them again or as a test."""

    def __init__(self, callbacks: ServerWebhooks, world: World) -> None:
        self._callbacks = callbacks
        self._world = world

    def routes(self) -> Sequence[Route[Any]]:
        return (
            Route(SERVER_CALLBACK_LIST, self.list),
            Route(SERVER_CALLBACK_RETRY, self.retry),
            Route(SERVER_CALLBACK_TEST, self.test),
        )

    async def list(self, args: ServerCallbackListArgs) -> JsonObject:
        rows, offload = self._callbacks.rows, self._world.offload
        page = await offload(rows.page, None, args.state, args.after, args.limit)
        counts = await offload(rows.count, None)
        shift = self._world.wall() - self._world.lived()
        return {
            "callbacks": [callback(row, shift) for row in page],
            "totals": counts,
            "next": page[-1].number if len(page) == args.limit else None,
        }

    async def retry(self, args: ServerCallbackRetryArgs) -> JsonObject:
        count = await self._callbacks.retry(args.id)
        if args.id is not None and not count:
            raise ControlError(
                ReplyCode.UNKNOWN_CALLBACK,
                f'no callback "{args.id[:100]}" waits',
                "`callback.list` lists all that wait",
            )
        return {"count": count}

    async def test(self, args: ServerCallbackTestArgs) -> JsonObject:
        events = [event.event for event in self._callbacks.events]
        event = asked(self._callbacks, args.event or (events[0] if events else ""))
        if event is None:
            what = f"callback for {args.event[:100]}" if args.event else "callbacks"
            hint = 'add them to "events" in its file'
            if events:
                hint = did_you_mean(args.event or "", events) or f"it has {', '.join(events)}"
            raise ControlError(ReplyCode.UNKNOWN_CALLBACK, f"the server has no {what}", hint)
        return callback_test("", await self._callbacks.test(event))
