"""Callbacks as JSON values, for the commands of daemons and servers."""

from typing import NamedTuple

from cargo_sync.api.messages import JsonObject
from cargo_sync.webhooks.outbox import Waiting
from cargo_sync.webhooks.retry_policy import Attempt


class CallbackTest(NamedTuple):
    """The result of a test callback: its event, the answer, and how many seconds it took."""

    event: str
    result: Attempt
    seconds: float


def callback(row: Waiting, shift: float) -> JsonObject:
    """A callback that waits or was given up, without its request: addresses may hold keys.

    `shift` is what the wall clock shows more than the retention clock, in seconds.
    """
    return {
        "id": row.id,
        "job": row.job,
        "event": row.moment,
        "transfer": row.variables.get("TRANSFER_ID"),
        "file": row.variables.get("FILE_NAME"),
        "state": row.state,
        "created": row.created,
        "attempts": row.attempts,
        "next_at": None if row.next_at is None else row.next_at + shift,
        "error": row.error,
    }


def callback_test(job: str, one: CallbackTest) -> JsonObject:
    """The result of a test callback; `status` is null if there was no answer."""
    return {
        "job": job,
        "event": one.event,
        "delivered": one.result.delivered,
        "status": one.result.status or None,
        "seconds": round(one.seconds, 3),
        "error": one.result.error,
    }
