"""The feed of one browser: a response that goes on until the browser, or its session, ends it."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from aiohttp import web

from cargo_ctl.web.fleet import Followed
from cargo_ctl.web.upstream import Cursor
from cargo_ctl.web.viewer import Viewer
from cargo_ctl.web.views import View

ALIVE: Final = 15.0
"""Seconds of silence after which a comment shows that the stream lives."""
LOOK: Final = 2.0
"""Seconds between two looks at the session, while nothing happens."""
PATIENCE: Final = 60.0
"""Seconds for a browser to read what was sent."""
_COMMENT: Final = b":\n\n"


class _Over(Exception):  # noqa: N818 - the end, not an error
    """The session has ended."""


class WebStream:
    """Sends what happens to one browser.

    followed  the sources of the view, by name
    after     how far the browser had got, by source
    goes_on   whether its session lasts
    """

    def __init__(
        self,
        view: View,
        followed: Mapping[str, Followed],
        after: Mapping[str, Cursor],
        goes_on: Callable[[], bool],
    ) -> None:
        self._view = view
        self._followed = followed
        self._after = dict(after)
        self._goes_on = goes_on
        self._news = asyncio.Event()
        self._viewer = Viewer(followed, self._news.set)

    async def run(self, response: web.StreamResponse, give_up: Callable[[], None]) -> None:
        """Sends until the session ends, or the browser goes.

        Args:
            response: it has begun.
            give_up: called if the browser does not read: what was sent must not wait for it.
        """
        for each in self._followed.values():
            each.join(self._viewer, self._view)
        try:
            async with asyncio.TaskGroup() as group:
                await self._send(response, group)
                raise _Over  # snapshots that are still asked for are of no use
        except* (_Over, ConnectionError):
            pass
        except* TimeoutError:
            give_up()
        finally:
            for each in self._followed.values():
                each.leave(self._viewer)

    async def _send(self, response: web.StreamResponse, group: asyncio.TaskGroup) -> None:
        now = asyncio.get_running_loop().time
        sent = now()
        while self._goes_on():
            self._news.clear()
            while self._viewer.wanted:
                group.create_task(self._snapshot(self._viewer.wanted.pop()))
            data = self._viewer.take(now())
            if not data and now() - sent >= ALIVE:
                data = _COMMENT
            if data:
                await asyncio.wait_for(response.write(data), PATIENCE)
                sent = now()
            await self._wait(self._viewer.due(now()))

    async def _snapshot(self, source: str) -> None:
        """Gets a snapshot; the first one that goes out has what the browser missed."""
        after = self._after.get(source)
        if await self._followed[source].snapshot(self._viewer, self._view, after):
            self._after.pop(source, None)

    async def _wait(self, due: float | None) -> None:
        """Waits for news: at most until something is due, or the session is to be looked at."""
        if due == 0.0:
            return
        try:
            await asyncio.wait_for(self._news.wait(), LOOK if due is None else min(due, LOOK))
        except TimeoutError:
            return
