"""What the commands of one client share."""

from dataclasses import dataclass, field

from cargo_ctl.session.session import OpenSession
from cargo_ctl.session.transfers import SessionTransfers
from cargo_ctl.shell.location import Location
from cargo_ctl.shell.output import Output


class CommandFailed(Exception):  # noqa: N818 - it is told to a person, and is no mistake of ours
    """A command that did not do all it was told. An empty message: everything has been said."""

    def __init__(self, message: str = "", hint: str = "", code: str = "failed") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code


@dataclass(slots=True)
class Shell:
    """One client.

    here     where it stands on both sides
    speed    what was asked for, in bits a second as the daemon says it; None for no limit
    beside   transfers that go on beside the prompt: their ids, and when they began
    numbers  the number of each transfer, by which people cancel
    changes  grows by one when a command may have changed what a listing shows
    ended    set by `quit`
    """

    session: OpenSession
    transfers: SessionTransfers
    output: Output
    here: Location
    speed: float | None = None
    beside: dict[str, float] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    changes: int = 0
    ended: bool = False

    def number(self, transfer: str) -> int:
        return self.numbers.setdefault(transfer, len(self.numbers) + 1)
