"""The states of a lane and the ways between them, as tables for both of its ends.

The client opens batches and says when there are no more. The server ends the lane, because only the
server knows when everything is committed. BYE is the last record of an end, in its last frame. The
server sends it first, the client answers it. So an end that has both sent and received BYE knows
that nothing can be lost any more, even if the connection breaks.

    client                                        server

    OPEN ──────── cancel ────────┐                OPEN ──────── cancel ─────────┐
      │ finish                   │                  │ DONE received             │
      ▼                          │                  ▼                           ▼
    FINISHING ─── cancel ────────┤                DRAINING ── cancel, or ──▶ LEAVING (sends BYE)
      │ all offered (sends DONE) │                           all committed      │ BYE received
      ▼                          ▼                                              ▼
    DRAINING ──── cancel ──▶ CANCELLED                                       CLOSING
      │ BYE received             │ (sends CANCEL)                               │ all sent
      │                          │ BYE received                                 ▼
      └────────────┬─────────────┘                                            OVER
                   ▼ (sends BYE)
                CLOSING ── all sent ──▶ OVER

Any problem leads to OVER at once, from every state. A client may receive BYE after it sent CANCEL,
or after it sent DONE and all its batches are committed. If BYE comes earlier, the lane ends with a
problem: the server stopped too early. A batch may be committed long after all of it has come; until
then it is open, so it needs no state of its own here.

The state alone decides what an end does with a record that it receives (`ACCEPTED`).
"""

from collections.abc import Mapping
from enum import Enum
from typing import Final

from cargo_sync.wire import records


class LaneState(Enum):
    """The state of one end. Client and server share the names, but not the ways between them."""

    OPEN = "open"
    """Batches may be opened."""
    FINISHING = "finishing"
    """Client: there will be no further batch, but some still wait to be opened."""
    DRAINING = "draining"
    """All batches are opened; some are not committed yet."""
    CANCELLED = "cancelled"
    """Client: it asked the server to stop, and waits for its BYE."""
    LEAVING = "leaving"
    """Server: it has sent BYE, and waits for the client's."""
    CLOSING = "closing"
    """BYE was sent and received; what is queued is still sent."""
    OVER = "over"
    """Nothing is read or sent any more."""


class LaneEvent(Enum):
    """What moves an end from one state to the next."""

    FINISH = "finish"
    """Client: its owner has no further batch."""
    ALL_OFFERED = "all offered"
    """Client: the last batch was opened, and DONE is sent."""
    DONE_RECEIVED = "done received"
    """Server: the client has sent DONE."""
    CANCEL = "cancel"
    """The owner of this end wants it to stop."""
    ALL_COMMITTED = "all committed"
    """Server: no batch is open any more."""
    BYE_RECEIVED = "bye received"


CLIENT: Final[Mapping[tuple[LaneState, LaneEvent], LaneState]] = {
    (LaneState.OPEN, LaneEvent.FINISH): LaneState.FINISHING,
    (LaneState.FINISHING, LaneEvent.ALL_OFFERED): LaneState.DRAINING,
    (LaneState.OPEN, LaneEvent.CANCEL): LaneState.CANCELLED,
    (LaneState.FINISHING, LaneEvent.CANCEL): LaneState.CANCELLED,
    (LaneState.DRAINING, LaneEvent.CANCEL): LaneState.CANCELLED,
    (LaneState.OPEN, LaneEvent.BYE_RECEIVED): LaneState.CLOSING,
    (LaneState.FINISHING, LaneEvent.BYE_RECEIVED): LaneState.CLOSING,
    (LaneState.DRAINING, LaneEvent.BYE_RECEIVED): LaneState.CLOSING,
    (LaneState.CANCELLED, LaneEvent.BYE_RECEIVED): LaneState.CLOSING,
}
SERVER: Final[Mapping[tuple[LaneState, LaneEvent], LaneState]] = {
    (LaneState.OPEN, LaneEvent.DONE_RECEIVED): LaneState.DRAINING,
    (LaneState.DRAINING, LaneEvent.DONE_RECEIVED): LaneState.DRAINING,
    (LaneState.DRAINING, LaneEvent.ALL_COMMITTED): LaneState.LEAVING,
    (LaneState.OPEN, LaneEvent.CANCEL): LaneState.LEAVING,
    (LaneState.DRAINING, LaneEvent.CANCEL): LaneState.LEAVING,
    (LaneState.LEAVING, LaneEvent.BYE_RECEIVED): LaneState.CLOSING,
}
"""If a pair is not in the table, an event of our own does nothing (a second cancel is harmless); a
BYE from the other end is an error."""

ACCEPTED: Final[Mapping[LaneState, frozenset[int] | None]] = {
    LaneState.OPEN: None,
    LaneState.FINISHING: None,
    LaneState.DRAINING: None,
    LaneState.CANCELLED: None,
    LaneState.LEAVING: frozenset({records.REPORT, records.BYE}),
    LaneState.CLOSING: frozenset(),
    LaneState.OVER: frozenset(),
}
"""Kinds of records that an end handles in a state; None means all kinds that it knows.

In LEAVING the client may still be sending: its content is ignored, its last measurements count. In
CLOSING each record is an error, because BYE was the other end's last one.
"""

BYE_QUEUED: Final = frozenset({LaneState.LEAVING, LaneState.CLOSING})
"""Our own BYE is queued or sent: no content and no other message follows it."""
