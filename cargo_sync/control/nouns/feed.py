"""`feed.last`: the last message of each topic of the feed."""

from collections.abc import Sequence
from typing import Any

import orjson

from cargo_sync.api.common_commands import FEED_LAST, FeedLastArgs
from cargo_sync.api.messages import JsonObject
from cargo_sync.control.publisher import LastOf, Publisher
from cargo_sync.control.routes import Route


class FeedHandlers:
    """Answers for the feed of a process."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    def routes(self) -> Sequence[Route[Any]]:
        return (Route(FEED_LAST, self.last),)

    async def last(self, args: FeedLastArgs) -> JsonObject:
        rows, next = self._publisher.last(args.prefixes, args.after)
        return {"messages": [_row(row) for row in rows], "next": next}


def _row(row: LastOf) -> orjson.Fragment:
    """A message with its topic; its JSON is not decoded for that."""
    return orjson.Fragment(b'{"topic":' + orjson.dumps(row.topic) + b"," + row.raw[1:])
