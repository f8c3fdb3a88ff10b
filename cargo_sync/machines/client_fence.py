"""The fence: does a job still have the state that a server has met last?

A state that was restored from a backup, or copied to a second machine, remembers what is not true
any more: what it takes for deleted may be new. So each job says who it is when it meets its server.
Its starts are counted, and raised before the first contact of each start; its records are counted
with what they record, so that a copy that was made in the middle of a long life is found too. The
server keeps the last of both.

A process that was killed starts again with a higher number, so it never fences itself.
"""

from typing import Final, NamedTuple

from cargo_sync.model.problems import Code, Problem, ProblemError


class ClientProcess(NamedTuple):
    """The process that has a state.

    nonce  of this start, 32 hex digits
    place  of the machine and the state's folder, 16 hex digits
    """

    nonce: str
    place: str


NO_PROCESS: Final = ClientProcess("0" * 32, "0" * 16)


class JobClient(NamedTuple):
    """A job as it meets its server.

    id       of its state, 32 hex digits
    starts   of processes that had this state
    records  that it has written
    """

    id: str
    starts: int
    records: int
    process: ClientProcess


class Fence(NamedTuple):
    """What a server has met of a job that comes with an older state, or with a copy.

    elsewhere  it was met from another machine, or from another folder
    """

    starts: int
    records: int
    elsewhere: bool

    @property
    def code(self) -> Code:
        return Code.STATE_COPIED if self.elsewhere else Code.STATE_RESTORED


class FencedError(ProblemError):
    """The server refuses a job that does not have the state which it has met last."""

    def __init__(self, fence: Fence) -> None:
        message = "another state of this job was here after this one"
        super().__init__(Problem(Code.FENCED, message, retry=False))
        self.fence = fence


def fence(known: JobClient, now: JobClient) -> Fence | None:
    """Why a job is refused; None if it is not.

    Args:
        known: as it was met last.
        now: as it comes.
    """
    if known.process.nonce == now.process.nonce and known.starts <= now.starts:
        return None
    if known.starts < now.starts and known.records <= now.records:
        return None
    return Fence(known.starts, known.records, known.process.place != now.process.place)
