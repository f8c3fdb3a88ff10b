"""A feed shown while it comes: a live picture on a terminal, else one line per change."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol

import click

from cargo_ctl.render.board import Board
from cargo_ctl.render.server_board import ServerBoard
from cargo_ctl.render.words import escaped
from cargo_sync.api.messages import FeedMessage

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

_REDRAW = 0.1
_SECOND = 1.0


NewBoard = Callable[..., Board | ServerBoard]
"""Makes an empty board; the argument is what it says before the first message."""


class FeedView(Protocol):
    """Where a feed is shown."""

    def take(self, message: FeedMessage | None) -> None:
        """Show `message`; it is None if nothing came for a while."""

    def say(self, line: str) -> None:
        """Show a line that is not from the feed."""

    def lost(self, why: str) -> None:
        """The daemon is gone: what it reported does not count any more. `why`: in a sentence."""


class PlainView:
    """Prints one line per change."""

    def __init__(self, board: NewBoard = Board) -> None:
        self._new = board
        self._board = board()

    def take(self, message: FeedMessage | None) -> None:
        line = self._board.take(message) if message is not None else None
        if line is not None:
            click.echo(line)

    def say(self, line: str) -> None:
        click.echo(escaped(line), err=True)

    def lost(self, why: str) -> None:
        self._board = self._new()
        self.say(why)


class LiveView:
    """A picture, drawn at most ten times per second; other lines scroll above it."""

    def __init__(self, live: "Live", board: NewBoard = Board) -> None:
        self._new = board
        self._board = board()
        self._live = live
        self._drawn = 0.0
        self._stale = True

    def take(self, message: FeedMessage | None) -> None:
        if message is not None:
            self._board.take(message)
            self._stale = True
        age = time.monotonic() - self._drawn
        new = self._stale and (message is None or age >= _REDRAW)
        if new or (self._board.counts_down and age >= _SECOND):
            self.draw()

    @property
    def has_drawn(self) -> bool:
        """Whether there was anything to show."""
        return self._drawn > 0

    def say(self, line: str) -> None:
        self._live.console.print(escaped(line), markup=False, highlight=False)

    def lost(self, why: str) -> None:
        self._board = self._new(why)
        self.draw()

    def draw(self) -> None:
        width, height = self._live.console.size
        # The last line stays for the cursor.
        self._live.update(_picture(self._board, time.time(), height - 1, width), refresh=True)
        self._drawn, self._stale = time.monotonic(), False


def _picture(board: Board | ServerBoard, now: float, height: int, width: int) -> "RenderableType":
    from cargo_ctl.render import live, server_live

    return (
        server_live.picture(board, now, height, width)
        if isinstance(board, ServerBoard)
        else live.picture(board, now, height, width)
    )


@contextlib.contextmanager
def view(*, server: bool = False) -> Iterator[FeedView]:
    """The view that fits standard output: for a daemon's feed, or with `server` for a server's."""
    board: NewBoard = ServerBoard if server else Board
    if not sys.stdout.isatty():
        yield PlainView(board)
        return
    from rich.live import Live

    with Live(auto_refresh=False) as live:
        screen = LiveView(live, board)
        try:
            yield screen
        finally:
            if screen.has_drawn:  # else it would say at the end that it waits
                screen.draw()
