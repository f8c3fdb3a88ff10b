"""All sources of the page, and who looks at which.

A feed is followed while somebody looks at its source, and a little longer: whoever turns a page
comes back at once. While nobody looks, a daemon is not asked for anything.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Final

from cargo_ctl.web.errors import UNANSWERED, refusal
from cargo_ctl.web.source import Presence, WebSource
from cargo_ctl.web.upstream import Cursor, Told, Upstream, row_told
from cargo_ctl.web.viewer import Viewer, snapshot_data
from cargo_ctl.web.views import View, ViewKind
from cargo_sync.api.addresses import Addresses
from cargo_sync.api.client import CommandError
from cargo_sync.api.messages import JsonObject

LINGER: Final = 10.0
"""Seconds that a feed is followed after the last browser went."""
AGAIN: Final = 2.0
"""Seconds until a snapshot that did not come is asked for again."""
MOST_MISSED: Final = 1_000
"""Rows that a browser gets after a break; with more it reads its lists again."""

Follow = Callable[["Followed"], Upstream]
"""Begins to follow the feed of a source."""


class Followed:
    """One source and its viewers.

    source  the daemon or server
    """

    def __init__(self, source: WebSource, follow: Follow) -> None:
        self.source = source
        self._follow = follow
        self._viewers: dict[Viewer, View] = {}
        self._upstream: Upstream | None = None
        self._ending: asyncio.TimerHandle | None = None
        self._cursor: Cursor | None = None
        self._known = False
        """Whether the upstream has said if the source is there."""

    @property
    def is_known(self) -> bool:
        """Whether `source.presence` is of now."""
        return self._known

    def addresses(self) -> Addresses:
        """Raises AddressError and NotRunning."""
        return self.source.addresses()

    def join(self, viewer: Viewer, view: View) -> None:
        """Tells a viewer what happens here from now on."""
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None
        self._viewers[viewer] = view
        if self._upstream is None:
            self._upstream = self._follow(self)
        elif self._known and self.source.presence.up:
            viewer.up(self.source.name, self.source.presence, self._cursor)
        elif self._known:
            viewer.away(self.source.name, self.source.presence)

    def leave(self, viewer: Viewer) -> None:
        """Tells a viewer nothing more."""
        self._viewers.pop(viewer, None)
        if not self._viewers and self._upstream is not None and self._ending is None:
            self._ending = asyncio.get_running_loop().call_later(LINGER, self.stop)

    def stop(self) -> None:
        """Does not follow the feed any more."""
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None
        if self._upstream is not None:
            self._upstream.stop()
            self._upstream = None
        self._known = False

    async def snapshot(self, viewer: Viewer, view: View, after: Cursor | None) -> bool:
        """Gives a viewer the snapshot that it wants, and the rows that it missed after a cursor.

        Returns:
            Whether they go out.
        """
        source = self.source
        asked = viewer.asked(source.name)
        try:
            fields = await view.snapshot(source.kind, self._call)
        except CommandError as error:
            found = refusal(error, source.kind)
            fields = {"error": {"code": found.code, "message": found.message, "hint": found.hint}}
        except UNANSWERED:
            # If it is away, its upstream sees it too, and says so. It may also just be slow.
            await asyncio.sleep(AGAIN)
            viewer.again(source.name, asked)
            return False
        data = snapshot_data(source.name, source.presence, fields)
        # What is after the cursor waits at the viewer already.
        missed = await self._missed(view, after, asked.cursor)
        return viewer.snapshot(source.name, asked, data, missed)

    # -- what the upstream tells -------------------------------------------------------------------

    def up(self, presence: Presence, cursor: Cursor | None) -> None:
        self.source.presence, self._cursor, self._known = presence, cursor, True
        for viewer in self._viewers:
            viewer.up(self.source.name, presence, cursor)

    def away(self, error: Exception) -> None:
        self.source.gone(error)
        self._known = True
        for viewer in self._viewers:
            viewer.away(self.source.name, self.source.presence)

    def told(self, messages: list[Told]) -> None:
        for told in messages:
            self._cursor = told.cursor or self._cursor
            for viewer, view in self._viewers.items():
                if view.shows(told, self.source.kind):
                    viewer.told(self.source.name, told)

    def lost(self, *, states: bool, rows: bool) -> None:
        for viewer in self._viewers:
            viewer.lost(self.source.name, states=states, rows=rows)

    # ----------------------------------------------------------------------------------------------

    async def _call(self, cmd: str, args: JsonObject) -> JsonObject:
        return await self.source.call(cmd, args)

    async def _missed(
        self, view: View, after: Cursor | None, until: Cursor | None
    ) -> list[Told] | None:
        """The rows after a cursor, up to another one; None if they are too many or not kept."""
        if after is None or after == until:
            return []
        if until is None or after.epoch != until.epoch:
            return None
        if view.kind not in (ViewKind.JOBS, ViewKind.JOB):
            return None
        asked: dict[str, object] = {"since": after.row, "limit": MOST_MISSED}
        if view.job:
            asked["job"] = view.job
        try:
            page = await self.source.call("history", asked)
        except UNANSWERED:
            return None
        rows, oldest = page.get("rows"), page.get("oldest")
        if page.get("more") or not isinstance(rows, list) or not isinstance(oldest, int):
            return None
        if oldest > after.row + 1:
            return None
        missed = [row_told(row, until.epoch) for row in rows]
        return [told for told in missed if told.cursor is None or told.cursor.row <= until.row]


class Fleet:
    """The sources by name, in the order in which they are shown."""

    def __init__(self, sources: Iterable[WebSource], follow: Follow) -> None:
        self._followed = {source.name: Followed(source, follow) for source in sources}

    @property
    def sources(self) -> Mapping[str, WebSource]:
        return {name: each.source for name, each in self._followed.items()}

    def of(self, view: View) -> Mapping[str, Followed]:
        """The sources that a view is about."""
        return {name: each for name, each in self._shown().items() if view.has(name)}

    async def look(self) -> list[WebSource]:
        """The sources to show, each with its presence of now."""
        unknown = [each.source for each in self._followed.values() if not each.is_known]
        await asyncio.gather(*(source.look() for source in unknown))
        return [each.source for each in self._shown().values()]

    def close(self) -> None:
        """Ends everything."""
        for each in self._followed.values():
            each.stop()
            each.source.close()

    def _shown(self) -> Mapping[str, Followed]:
        """Usual sources that have never answered are only shown if there is nothing else."""
        shown = {
            name: each
            for name, each in self._followed.items()
            if not each.source.place.usual or each.source.presence.host
        }
        return shown or self._followed


def following(loop: asyncio.AbstractEventLoop) -> Follow:
    """Follows feeds in threads that tell this loop."""

    def in_loop(call: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(call)

    return lambda followed: Upstream(followed.addresses, followed, in_loop)
