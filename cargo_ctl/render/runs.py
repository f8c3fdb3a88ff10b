"""Runs as text."""

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any

from cargo_ctl.render.table import table
from cargo_ctl.render.trash import moment, table_of
from cargo_ctl.render.words import count, duration, escaped, size


def run_list(result: Mapping[str, Any], zone: tzinfo | None = None) -> str:
    """`run.list`: one line per run. Times are in `zone`, or local."""
    rows = result.get("runs") or []
    if not rows:
        return "no run of this job has done anything yet"
    head = ("RUN", "STARTED", "TOOK", "FILES", "SIZE", "ERRORS", "PROBLEM")
    return table(head, [_row(row, zone) for row in rows], {2, 3, 4, 5})


def run_show(result: Mapping[str, Any], zone: tzinfo | None = None) -> str:
    """One run, and what it displaced. Times are in `zone`, or local."""
    run, versions = result["run"], result.get("versions") or []
    lines = [
        f"run {escaped(run['run'])} of {escaped(run['job'])}",
        f"  started  {moment(run['started'], zone)}",
        f"  ended    {moment(run['ended'], zone)}",
        f"  moved    {count(run['files'], 'file')}, {size(run['bytes'])}",
        f"  errors   {run['errors']:,}",
    ]
    if run.get("problem"):
        lines.append(f"  problem  {escaped(run['problem'])}")
    if not versions:
        lines.append("nothing that it displaced is known")
        return "\n".join(lines)
    lines.append(f"it displaced {count(len(versions), 'version')}:")
    lines.append(table_of(versions, zone))
    if result.get("more"):
        lines.append("there are more: cargo_ctl trash list JOB --run RUN --all")
    return "\n".join(lines)


def _row(row: Mapping[str, Any], zone: tzinfo | None) -> Sequence[str]:
    return (
        escaped(row.get("run") or ""),
        moment(row.get("started"), zone),
        duration((row.get("ended") or 0) - (row.get("started") or 0)),
        f"{row.get('files', 0):,}",
        size(row.get("bytes", 0)),
        f"{row.get('errors', 0):,}",
        escaped(row.get("problem") or ""),
    )
