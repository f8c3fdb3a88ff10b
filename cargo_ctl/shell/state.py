"""What the commands of one client share."""

from collections.abc import Callable
from dataclasses import dataclass, field

from cargo_ctl.session.opening import Wanted
from cargo_ctl.session.session import OpenSession
from cargo_ctl.session.transfers import SessionTransfers
from cargo_ctl.shell.location import Location
from cargo_ctl.shell.output import Output


class CommandFailed(Exception):  # noqa: N818 - it is for the user, not an error of the program
    """A command that failed, at least in part. An empty message: the errors were already shown."""

    def __init__(self, message: str = "", hint: str = "", code: str = "failed") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code


@dataclass(frozen=True, slots=True)
class ServerOpening:
    """How a client opens another server, and how it has none.

    open    logs in; raises SessionRefused and CommandError
    follow  the transfers of a session
    """

    open: Callable[[Wanted], OpenSession]
    follow: Callable[[OpenSession], SessionTransfers]


@dataclass(slots=True)
class Shell:
    """One client.

    session  the server that is open; or one of which every call is refused (`OpenSession.closed`)
    opening    to other servers
    here     the current folders of both sides
    speed    the speed limit that was set, in bits per second; None for no limit
    beside   transfers in the background: their ids, and when they began
    numbers  the number of each transfer, for `cancel`
    changes  grows by one when a command may have changed what a listing shows
    ended    set by `quit`
    """

    session: OpenSession
    transfers: SessionTransfers
    output: Output
    here: Location
    opening: ServerOpening
    speed: float | None = None
    beside: dict[str, float] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    changes: int = 0
    ended: bool = False

    def change_to(self, session: OpenSession) -> None:
        """Another server, or none; the one that was open is closed. Nothing may run there."""
        before = self.session, self.transfers
        self.session, self.transfers = session, self.opening.follow(session)
        self.here = self.here.in_workspace(session.workspace)
        self.speed = None
        self.beside.clear()
        self.numbers.clear()
        self.changes += 1
        before[1].close()
        before[0].leave()

    def number(self, transfer: str) -> int:
        return self.numbers.setdefault(transfer, len(self.numbers) + 1)
