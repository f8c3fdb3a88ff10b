"""Current transfers as text."""

from collections.abc import Mapping, Sequence
from typing import Any

from cargo_ctl.render.table import table
from cargo_ctl.render.words import duration, escaped, percent, rate, size


def transfer_list(result: Mapping[str, Any]) -> str:
    """`transfer.list`: one line per file.

    SPEED and LEFT are empty until they are known; RTT and LOST if the system does not report them.
    """
    transfers = result.get("transfers") or []
    waiting = ", ".join(escaped(job) for job in result.get("waiting") or [])
    queue = [f"waiting for their turn: {waiting}"] if waiting else []
    if not transfers:
        return "; ".join(["no transfers", *queue])
    head = ("ID", "JOB", "SIZE", "DONE", "SPEED", "LEFT", "RTT", "LOST", "PATH")
    listed = table(head, [_row(transfer) for transfer in transfers], {2, 3, 4, 5, 6, 7})
    return "\n".join([listed, *queue])


def cancelled(result: Mapping[str, Any]) -> str:
    """`transfer.cancel`: the file of the transfer."""
    path, job, id = (escaped(result[field]) for field in ("path", "job", "id"))
    return f"{path} of {job}: cancelled (transfer {id})"


def _row(transfer: Mapping[str, Any]) -> Sequence[str]:
    eta, rtt, lost = transfer.get("eta_s"), transfer.get("rtt_ms"), transfer.get("lost")
    return (
        escaped(transfer["id"])[:8],
        escaped(transfer["job"]),
        size(transfer["size"]),
        percent(transfer["done"], transfer["size"]),
        rate(transfer["speed_bps"]) if transfer.get("speed_bps") else "",
        "" if eta is None else duration(eta),
        "" if rtt is None else f"{rtt:.1f} ms" if rtt >= 1 else f"{rtt:.2f} ms",
        "" if lost is None else f"{lost:,}",
        escaped(transfer["path"]),
    )
