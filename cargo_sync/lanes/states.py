"""How a lane lives and ends: the table of its states, for both of its ends.

The client opens batches and says when there are no more; the server ends the lane, because only the
server knows when everything is committed. BYE is the last record of an end, in its last frame. The
server says it first, the client answers it. So an end that has both said and heard BYE knows that
nothing can be lost any more, however the connection breaks afterwards.

    client                                        server

    OPEN ── finish ──▶ FINISHING                  OPEN ── DONE heard ──▶ DRAINING
      │                   │ all offered             │                       │ all committed
      │                   ▼ (says DONE)             │ cancel                ▼ (says BYE)
      │ cancel ◀───── DRAINING                      └─────────────────▶ LEAVING
      ▼ (says CANCEL)     │                                                 │ BYE heard
    CANCELLED             │                                                 ▼
      │ BYE heard         │ BYE heard                                    CLOSING
      └──────┬────────────┘ (says BYE)                                      │ all sent
             ▼                                                              ▼
          CLOSING ── all sent ──▶ OVER                                     OVER

Any problem leads to OVER at once, from every state. A client that hears BYE before it has said
CANCEL, or DONE with every batch committed, ends with a problem: the server stopped too early.

What an end does with a record that it receives follows from its state alone (`HEEDED`).
"""

from collections.abc import Mapping
from enum import Enum
from typing import Final

from cargo_sync.wire import records


class LaneState(Enum):
    """Where one end of a lane is. Client and server share the names, not the ways between them."""

    OPEN = "open"
    """Batches may be opened."""
    FINISHING = "finishing"
    """Client: there will be no further batch, but some still wait to be opened."""
    DRAINING = "draining"
    """Every batch is opened; those under way are being committed."""
    CANCELLED = "cancelled"
    """Client: it asked the server to stop, and waits for its BYE."""
    LEAVING = "leaving"
    """Server: it has said BYE, and waits for the client's."""
    CLOSING = "closing"
    """BYE was said and heard; what is queued is still sent."""
    OVER = "over"
    """Nothing is read or sent any more."""


class LaneEvent(Enum):
    """What moves an end from one state to the next."""

    FINISH = "finish"
    """Client: its owner has no further batch."""
    ALL_OFFERED = "all offered"
    """Client: the last batch was opened, and DONE is said."""
    DONE_HEARD = "done heard"
    """Server: the client has said DONE."""
    CANCEL = "cancel"
    """The owner of this end wants it to stop."""
    ALL_COMMITTED = "all committed"
    """Server: no batch is under way any more."""
    BYE_HEARD = "bye heard"


CLIENT: Final[Mapping[tuple[LaneState, LaneEvent], LaneState]] = {
    (LaneState.OPEN, LaneEvent.FINISH): LaneState.FINISHING,
    (LaneState.FINISHING, LaneEvent.ALL_OFFERED): LaneState.DRAINING,
    (LaneState.OPEN, LaneEvent.CANCEL): LaneState.CANCELLED,
    (LaneState.FINISHING, LaneEvent.CANCEL): LaneState.CANCELLED,
    (LaneState.DRAINING, LaneEvent.CANCEL): LaneState.CANCELLED,
    (LaneState.OPEN, LaneEvent.BYE_HEARD): LaneState.CLOSING,
    (LaneState.FINISHING, LaneEvent.BYE_HEARD): LaneState.CLOSING,
    (LaneState.DRAINING, LaneEvent.BYE_HEARD): LaneState.CLOSING,
    (LaneState.CANCELLED, LaneEvent.BYE_HEARD): LaneState.CLOSING,
}
SERVER: Final[Mapping[tuple[LaneState, LaneEvent], LaneState]] = {
    (LaneState.OPEN, LaneEvent.DONE_HEARD): LaneState.DRAINING,
    (LaneState.DRAINING, LaneEvent.DONE_HEARD): LaneState.DRAINING,
    (LaneState.DRAINING, LaneEvent.ALL_COMMITTED): LaneState.LEAVING,
    (LaneState.OPEN, LaneEvent.CANCEL): LaneState.LEAVING,
    (LaneState.DRAINING, LaneEvent.CANCEL): LaneState.LEAVING,
    (LaneState.LEAVING, LaneEvent.BYE_HEARD): LaneState.CLOSING,
}
"""What is in neither table: an event of our own means nothing there (cancelling twice is harmless);
a BYE from the other end is a breach."""

HEEDED: Final[Mapping[LaneState, frozenset[int] | None]] = {
    LaneState.OPEN: None,
    LaneState.FINISHING: None,
    LaneState.DRAINING: None,
    LaneState.CANCELLED: None,
    LaneState.LEAVING: frozenset({records.REPORT, records.BYE}),
    LaneState.CLOSING: frozenset(),
    LaneState.OVER: frozenset(),
}
"""Kinds of records that are acted on; None is every kind that this end knows.

In LEAVING the client may still be sending: its content is passed over, its last figures count. In
CLOSING a record is a breach: BYE was the other end's last one.
"""

SAID_BYE: Final = frozenset({LaneState.LEAVING, LaneState.CLOSING})
"""Our own last record is said or queued: no content and no other message follows it."""
