"""Why a daemon or server did not answer, or refused, as the error of a reply."""

from typing import Final

from cargo_ctl.reach import LATE
from cargo_sync.api.addresses import AddressError
from cargo_sync.api.client import CommandError, NotAdmitted, NotRunning
from cargo_sync.api.messages import Refusal

UNANSWERED: Final = (CommandError, NotAdmitted, NotRunning, AddressError)
"""What a call to a source may raise."""
_LOCAL: Final = "ipc://"


def refusal(error: Exception, kind: str) -> Refusal:
    """The error of a reply. `kind`: what was asked, "daemon" or "server"."""
    match error:
        case CommandError():
            return Refusal(error.code, error.message, error.hint)
        case NotAdmitted():
            return Refusal("not_admitted", error.message, error.hint)
        case NotRunning():
            start = f"start one with: cargo_sync {kind}" if error.address.startswith(_LOCAL) else ""
            return Refusal("not_running", error.of(kind), LATE if error.late else start)
        case _:
            return Refusal("bad_address", str(error))


def sentence(error: Exception, kind: str) -> str:
    """The error as one text for people."""
    found = refusal(error, kind)
    return f"{found.message} ({found.hint})" if found.hint else found.message
