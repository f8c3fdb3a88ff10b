"""What may happen at each moment of a run: people, failures, cuts, kills."""

import asyncio
from collections.abc import Callable
from typing import Final

from cargo_sync.model.problems import Code, Problem, ProblemError
from tests.offloads import T, Ts
from tests.sim.lanes import FRAMES
from tests.sim.story import Story
from tests.state.crash import Killed

FAULTS: Final = (
    *FRAMES,
    "cut",
    "reply lost",
    "paused",
    "daemon killed",
    "server killed",
    "state fails",
    "unreadable file",
    "unreadable folder",
    "bad disk",
    "full disk",
    "sync fails",
    "listing cut",
    "listing repeated",
    "side replaced",
)
"""What may happen within a run; `system` has what happens between runs."""


class Weather:
    """What happens at each moment of a run: mostly nothing.

    A history has some of the faults only: those that it has meet more often, also each other.

    person   does something, somewhere
    acting, failing  how probable it is that a person does something, and that something fails
    pause_in, kill_in, server_kill_in  moments after which the run is paused, and the daemon or the
             server is killed; -1: never
    dead     the daemon was killed: nothing of it may do anything any more
    server_is_down  the server was killed, and does not run yet
    lanes    content moves by lanes, which the event loop drives
    cut_line ends the connection of a lane
    error    what went wrong in a lane
    cancel   pauses a run from outside, at a moment of its lane
    """

    def __init__(self, story: Story) -> None:
        self.story = story
        self.person: Callable[[], None] = lambda: None
        self.cancel: Callable[[], object] | None = None
        self.lanes = False
        self._faults = {name for name in FAULTS if story.chance(0.3)}
        self.cut_line: Callable[[], None] = lambda: None
        self.error: Exception | None = None
        self.calm()

    def calm(self) -> None:
        """Nothing happens any more; everything runs again."""
        self.acting = self.failing = 0.0
        self.pause_in = self.kill_in = self.server_kill_in = -1
        self.dead = self.server_is_down = False

    def moment(self, what: str, *, in_lane: bool = False) -> None:
        """A moment when a person may do something, and when a run may be paused or killed."""
        self._live(what)
        self.story.tell(what)
        if self.story.chance(self.acting):
            self.person()
        if self.pause_in >= 0:
            self.pause_in -= 1
            if self.pause_in < 0 and self.story.happens("fault", "paused"):
                self.story.tell("paused")
                if not in_lane:
                    raise asyncio.CancelledError
                if self.cancel is not None:
                    self.cancel()

    def _live(self, what: str) -> None:
        if not self.dead and self.kill_in >= 0:
            self.kill_in -= 1
            self.dead = self.kill_in < 0 and self.story.happens("fault", "daemon killed")
            if self.dead:
                self.story.tell(f"daemon killed before {what}")
        if self.dead:
            raise Killed(what)

    def fails(self, name: str, rarer: float = 1.0) -> bool:
        """Whether this fault happens now."""
        if not self.failing or name not in self._faults:
            return False
        happens = self.story.chance(self.failing / rarer) and self.story.happens("fault", name)
        if happens:
            self.story.tell(name)
        return happens

    def broke(self, error: Exception) -> None:
        self.error = self.error or error

    def remote(self, what: str, *, in_lane: bool = False) -> None:
        """A moment when the server is asked for something, or does something."""
        self.moment(what, in_lane=in_lane)
        if self.server_kill_in >= 0:
            self.server_kill_in -= 1
            if self.server_kill_in < 0 and self.story.happens("fault", "server killed"):
                self.story.tell(f"server killed before {what}")
                self.server_is_down = True
        if self.server_is_down or self.fails("cut", 6):
            self.cut_line()
            raise line_cut(what)

    def replied(self, what: str) -> None:
        """The server has done something, and says so."""
        if self.fails("reply lost", 2):
            self.cut_line()
            raise line_cut(what)

    def statement(self, sql: str) -> None:
        """A statement of the state; nothing of people or servers happens within a transaction."""
        self._live("a statement")
        if self.fails("state fails", 20):
            raise ProblemError(Problem(Code.STATE_ERROR, "the state cannot be written"))

    async def offload(self, work: Callable[[*Ts], T], *args: *Ts) -> T:
        """Work in a thread: its caller may be cancelled before it begins and while it runs."""
        self.moment(f"do {getattr(work, '__name__', 'work')}")
        done = work(*args)
        if self.pause_in == 0:
            self.moment("done, but nobody waits any more")
        return done


def line_cut(what: str) -> ProblemError:
    return ProblemError(Problem(Code.CUT, f"cut at {what}"))
