"""The variables of events for templates. docs/callbacks.md describes them: a public contract."""

from collections.abc import Callable
from typing import NamedTuple

from cargo_sync.model.events import Event, Moment, moment

Value = str | int | float | None
Variables = dict[str, Value]
"""By name."""


class EventVariables(NamedTuple):
    """The callback of one event.

    stream  within the job; callbacks of a stream are sent in order: a transfer, or the job itself
    """

    moment: Moment
    stream: str
    variables: Variables


def variables_of(event: Event) -> EventVariables | None:
    """The variables of an event; None when the event has no callback."""
    found = moment(event.happened, event.path)
    if found is None:
        return None
    transfer = event.transfer
    # A failure before a transfer began has no id: its stream is the path, and no id begins with /.
    stream = transfer or f"/{event.path}" if event.path else ""
    always = job(event.job, event.tell)
    if event.path and found is not Moment.CONFLICT:
        always = transfer_of(event.path, transfer) | always
    return EventVariables(found, stream, always | _MORE[found](event))


def transfer_of(path: str, transfer: str | None) -> Variables:
    """The variables of every callback about a transfer."""
    return {"FILE_NAME": path, "TRANSFER_ID": transfer}


def job(name: str, mode: str) -> Variables:
    """The variables of every callback of a job."""
    return {"SYNC_NAME": name, "SYNC_MODE": mode}


def _nothing(_: Event) -> Variables:
    return {}


def _finish(event: Event) -> Variables:
    seconds = event.details.seconds
    return {
        "AVG_SPEED": event.speed,
        "DURATION": None if seconds is None else round(seconds, 3),
        "LOST_FRAMES": event.details.lost,
        "AVG_RTT": event.details.rtt_ms,
    }


def _error(event: Event) -> Variables:
    return {"ERROR": event.message}


def _conflict(event: Event) -> Variables:
    details = event.details
    return {"FILE_NAME": event.path, "CHOICE": details.choice, "COPY": details.copy}


def _held(event: Event) -> Variables:
    return {
        "REASON": event.message,
        "DELETIONS": event.details.deletions,
        "OVERWRITES": event.details.overwrites,
    }


def _idle(event: Event) -> Variables:
    details = event.details
    return {
        "FILES": details.files,
        "BYTES": event.size,
        "DURATION": round(event.details.seconds or 0.0, 3),
    }


_MORE: dict[Moment, Callable[[Event], Variables]] = {
    Moment.START: _nothing,
    Moment.FINISH: _finish,
    Moment.ERROR: _error,
    Moment.CONFLICT: _conflict,
    Moment.HELD: _held,
    Moment.JOB_ERROR: _error,
    Moment.IDLE: _idle,
}


def example(which: Moment, name: str, mode: str, transfer: str) -> Variables:
    """Example values for a test callback, of the same types as real ones."""
    of_file: Variables = transfer_of("folder/example file.txt", transfer)
    error: Variables = {"ERROR": "this is a test, nothing failed"}
    more: dict[Moment, Variables] = {
        Moment.START: of_file,
        Moment.UPDATE: of_file | {"PROGRESS": 50, "SPEED": 8_000_000},
        Moment.FINISH: of_file
        | {"AVG_SPEED": 8_000_000, "DURATION": 1.5, "LOST_FRAMES": 0, "AVG_RTT": 12.5},
        Moment.ERROR: of_file | error,
        Moment.CONFLICT: {
            "FILE_NAME": "folder/example file.txt",
            "CHOICE": "keep_both",
            "COPY": "folder/example file (conflict example 2026-11-28 1543).txt",
        },
        Moment.HELD: {
            "REASON": "this is a test, nothing is held",
            "DELETIONS": 0,
            "OVERWRITES": 0,
        },
        Moment.JOB_ERROR: error,
        Moment.IDLE: {"FILES": 1, "BYTES": 1_500_000, "DURATION": 1.5},
    }
    return job(name, mode) | more[which]
