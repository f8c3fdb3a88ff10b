"""HTTP callbacks as text."""

from collections.abc import Mapping, Sequence
from typing import Any

from cargo_ctl.render.table import table
from cargo_ctl.render.words import count, duration, escaped, until


def callback_list(result: Mapping[str, Any], now: float) -> str:
    """`callback.list`: one line per callback, and the totals. `now` in unix seconds.

    DUE is empty if the callback waits for an earlier one of its transfer.
    """
    rows = result.get("callbacks") or []
    totals = result.get("totals") or {}
    words = f"{totals.get('pending', 0):,} waiting, {totals.get('dead', 0):,} given up"
    if not rows:
        return "no callbacks are waiting" if not any(totals.values()) else words
    head = ("ID", "JOB", "EVENT", "STATE", "AGE", "TRIES", "DUE", "FILE", "ERROR")
    listed = table(head, [_row(row, now) for row in rows], {4, 5})
    return f"{listed}\n{words}"


def _row(row: Mapping[str, Any], now: float) -> Sequence[str]:
    return (
        escaped(row["id"]),
        escaped(row["job"]),
        escaped(row["event"]),
        escaped(row["state"]),
        duration(now - row["created"]),
        f"{row['attempts']:,}" if row.get("attempts") else "",
        "" if row.get("next_at") is None else until(row["next_at"] - now),
        escaped(row.get("file") or ""),
        escaped(row.get("error") or ""),
    )


def retried(result: Mapping[str, Any]) -> str:
    """`callback.retry`: how many callbacks will be tried."""
    number = result.get("count", 0)
    return f"{count(number, 'callback')} will be tried now" if number else "no callbacks to retry"


def tested(result: Mapping[str, Any]) -> str:
    """`callback.test`: whether the receiver accepted it."""
    what = f"{escaped(result['event'])} of {escaped(result['job'] or 'the server')}"
    took = f"{result['seconds']:.2f} s"
    if result["delivered"]:
        return f"{what}: accepted with status {result['status']} in {took}"
    return f"{what}: not accepted after {took}: {escaped(result['error'])}"
