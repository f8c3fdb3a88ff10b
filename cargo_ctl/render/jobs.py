"""The daemon's state and its jobs as text."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from cargo_ctl.render.progress import moving, progress
from cargo_ctl.render.table import table
from cargo_ctl.render.words import count, duration, escaped, percent, rate, size, speed, until


def status(result: Mapping[str, Any]) -> str:
    """`status`: the overall state, the jobs by state, the totals."""
    jobs = result.get("jobs") or {}
    total = count(sum(jobs.values()), "job")
    states = ", ".join(f"{number:,} {escaped(state)}" for state, number in jobs.items() if number)
    lines = [
        f"{escaped(result.get('state', ''))}: {total}" + (f" ({states})" if states else ""),
    ]
    totals = result.get("totals") or {}
    if moving(totals):
        lines.append(progress(totals))
    if result.get("conflicts"):
        lines.append(f"{count(result['conflicts'], 'open conflict')}: cargo_ctl conflict list")
    if drifted := result.get("drifted"):
        what = count(drifted, "delivered file")
        were = "was" if drifted == 1 else "were"
        lines.append(f"{what} {were} changed or removed at the destination since: see job list")
    lines.append(f"up for {duration(result.get('uptime_s') or 0)}")
    return "\n".join(lines)


def job_list(result: Mapping[str, Any], now: float) -> str:
    """`job.list`: one line per job. `now` in unix seconds, for the next tries."""
    jobs = result.get("jobs") or []
    if not jobs:
        return "there are no jobs"
    head = ("NAME", "MODE", "STATE", "DONE", "SPEED", "ERRORS", "DETAIL")
    return table(head, [_row(job, now) for job in jobs], {3, 4, 5})


def explained(job: Mapping[str, Any], now: float) -> str:
    """The reason of a job's state, and when its next try or its window begins; open conflicts."""
    number = job.get("conflicts") or 0
    parts = [_reason(job, now), count(number, "open conflict") if number else ""]
    return "; ".join(filter(None, parts))


def _reason(job: Mapping[str, Any], now: float) -> str:
    detail = escaped(job.get("detail") or "")
    if job.get("next_at") is None:
        return detail
    if job.get("state") == "waiting":
        return f"{detail} ({until(job['next_at'] - now)})"
    return (
        f"{detail}; next try {until(job['next_at'] - now)}"
        if job.get("state") == "error"
        else detail
    )


def _row(job: Mapping[str, Any], now: float) -> Sequence[str]:
    figures = job.get("progress") or {}
    done, total = figures.get("bytes_done") or 0, figures.get("bytes_total") or 0
    return (
        escaped(job["name"]),
        escaped(job.get("mode", "")),
        escaped(job.get("state", "")),
        percent(done, total) if moving(figures) else "",
        rate(figures["speed_bps"]) if figures.get("speed_bps") else "",
        f"{job['errors']:,}" if job.get("errors") else "",
        explained(job, now),
    )


def job_show(job: Mapping[str, Any], now: float) -> str:
    """`job.show`: everything about one job. `now` in unix seconds, for the times to come."""
    detail, mode = escaped(job.get("detail") or ""), escaped(job.get("mode") or "")
    if job.get("held"):
        detail = ""  # it is below, with its id
    lines = [
        escaped(job["name"])
        + (f" ({mode})" if mode else "")
        + f": {escaped(job.get('state', ''))}"
        + (f", {detail}" if detail else ""),
    ]
    # A job whose file has errors has no places.
    for word, place in (("local", job.get("local_dir")), ("remote", job.get("remote"))):
        lines += [f"  {word:<9} {escaped(place)}"] if place else []
    if moving(job.get("progress") or {}):
        lines.append(f"  progress  {progress(job['progress'])}")
    if job.get("next_at") is not None:
        lines.append(f"  next run  {until(job['next_at'] - now)}")
    if job.get("window"):
        lines.append(f"  window    {_window(job['window'], now)}")
    if job.get("speed"):
        lines.append(f"  speed     {_speed(job['speed'])}")
    if job.get("last_run"):
        last = job["last_run"]
        known = last.get("problem") == job.get("detail") and bool(job.get("detail"))
        lines.append(f"  last run  {_run({**last, 'problem': ''} if known else last, now)}")
    if job.get("succeeded_at") is not None:
        lines.append(f"  in step   {duration(now - job['succeeded_at'])} ago")
    lines += [f"  warning   {escaped(warning)}" for warning in job.get("warnings") or []]
    lines += [f"  server    {escaped(sentence)}" for sentence in job.get("lacks") or []]
    lines += _conflicts(job)
    lines += _held(job)
    causes = job.get("causes") or []
    lines += _causes([one for one in causes if _is_new(one, job)], now)
    if job.get("settings"):
        lines.append("  settings")
        lines += [
            f"    {escaped(name)} = {_setting(name, value)}"
            for name, value in job["settings"].items()
        ]
    return "\n".join(lines)


def states(result: Mapping[str, Any]) -> str:
    """`job.start`, `job.pause`, `job.reload`: one line per job."""
    jobs = result.get("jobs") or []
    return (
        "\n".join(f"{escaped(job['name'])}: {escaped(job['state'])}" for job in jobs)
        or "there are no jobs"
    )


def started(name: str, result: Mapping[str, Any]) -> str:
    """`job.sync`, `job.approve` and `job.reject`: the run that starts."""
    run = escaped(result.get("run", ""))
    return f"{escaped(name)}: run {run} starts; to watch it: cargo_ctl watch"


def speed_set(result: Mapping[str, Any]) -> str:
    """`job.speed`: the speed now."""
    return f"{escaped(result['job'])}: {_speed(result['speed'])}"


def added(result: Mapping[str, Any]) -> str:
    """`job.add`: the new job's state and file."""
    name, state, file = (escaped(result[field]) for field in ("name", "state", "file"))
    return f"{name}: {state}; its file: {file}"


def removal(name: str) -> str:
    """The question before `job.remove`."""
    return f"Remove the job {escaped(name)}? The files on both sides stay."


def removed(result: Mapping[str, Any]) -> str:
    """`job.remove`: where its file is now."""
    file = result.get("file")
    place = f"its file is now {escaped(file)}" if file else "its file was already gone"
    return f"{escaped(result['name'])}: removed; {place}; the files on both sides stay"


def reloaded(result: Mapping[str, Any]) -> str:
    """`reload`: the result for each job, and the errors."""
    lines = [
        f"{escaped(job['name'])}: {escaped(job['result'])}" for job in result.get("jobs") or []
    ]
    lines += [f"error: {_value(error)}" for error in result.get("errors") or []]
    return "\n".join(lines) or "nothing changed"


def _conflicts(job: Mapping[str, Any]) -> list[str]:
    if not job.get("conflicts"):
        return []
    command = f"cargo_ctl conflict list {shlex.quote(escaped(job['name']))}"
    return [f"  conflicts {count(job['conflicts'], 'path')} changed on both sides: {command}"]


def _held(job: Mapping[str, Any]) -> list[str]:
    held = job.get("held")
    if not held:
        return []
    name = shlex.quote(escaped(job["name"]))
    ids = " or ".join(map(escaped, held["ids"]))
    return [
        f"  held      {escaped(held.get('message') or '')}",
        f"    its id: {ids}",
        f"    to see all of it: cargo_ctl job plan {name}",
        f"    to let exactly these pass: cargo_ctl job approve {name}",
        f"    to keep what is there: cargo_ctl job reject {name}",
    ]


def _is_new(cause: Mapping[str, Any], job: Mapping[str, Any]) -> bool:
    """Whether a cause says more than the first line, which has the detail."""
    return bool(cause.get("path") or cause.get("message") != job.get("detail"))


def _causes(causes: Sequence[Mapping[str, Any]], now: float) -> list[str]:
    lines = ["  failing"] if causes else []
    for cause in causes:
        due = cause.get("next_at")
        later = "" if due is None else f", next try {until(due - now)}"
        tries = f" (tried {count(cause['tries'], 'time')}{later})" if cause.get("tries") else ""
        path = f"{escaped(cause['path'])}: " if cause.get("path") else ""
        lines.append(f"    {path}{escaped(cause['message'])}{tries}")
    return lines


def _run(run: Mapping[str, Any], now: float) -> str:
    """`3,000 files, 256.0 MB in 12 s, 1 error, 5 min ago: the server does not answer`.

    If it moved nothing, only the reason: `failed 5 min ago: the server does not answer`, or
    `nothing to transfer, 5 min ago`.
    """
    if run.get("problem") and not run.get("files"):
        return f"failed {duration(now - run['ended'])} ago: {escaped(run['problem'])}"
    if not (run.get("files") or run.get("bytes") or run.get("errors")):
        return f"nothing to transfer, {duration(now - run['ended'])} ago"
    moved = f"{count(run.get('files') or 0, 'file')}{_ways(run)}, {size(run.get('bytes') or 0)}"
    text = f"{moved} in {duration(run['ended'] - run['started'])}"
    if run.get("errors"):
        text += f", {count(run['errors'], 'error')}"
    problem = f": {escaped(run['problem'])}" if run.get("problem") else ""
    return f"{text}, {duration(now - run['ended'])} ago{problem}"


def _ways(run: Mapping[str, Any]) -> str:
    """Of a two-way job: ` (3 up, 5 down)`."""
    down = run.get("downloaded")
    if down is None or not run.get("files"):
        return ""
    return f" ({run['files'] - down:,} up, {down:,} down)"


def _window(window: Mapping[str, Any], now: float) -> str:
    """`22:00 to 02:30, closes in 3 h 5 min`."""
    turns = "closes" if window["open"] else "opens"
    at = window.get("changes_at")
    return escaped(window["words"]) + ("" if at is None else f", {turns} {until(at - now)}")


def _speed(shown: Mapping[str, Any]) -> str:
    """`10mbps by command (the file says 50mbps), 5mbps granted of the daemon's bandwidth`."""
    text = _rate(shown["now"])
    if "override" in shown:
        text += f" by command (the file says {_rate(shown['file'])})"
    elif isinstance(shown["file"], list):
        text += f" now (the file says {_rate(shown['file'])})"
    if shown.get("granted") is not None and shown["granted"] != shown["now"]:
        text += f", {_rate(shown['granted'])} granted of the daemon's bandwidth"
    return text


def _rate(value: object) -> str:
    """One speed, no limit, or the rows of a timetable."""
    if isinstance(value, list):
        return ", ".join(
            f"{escaped(row['from'])} to {escaped(row['to'])} {speed(row['speed'])}" for row in value
        )
    return speed(value) if isinstance(value, int) else "no limit"


def _pairs(figures: Mapping[str, Any]) -> str:
    return ", ".join(f"{escaped(name)} {_value(value)}" for name, value in figures.items())


def _setting(name: str, value: object) -> str:
    if name == "speed":
        return _rate(value)
    if name == "include" and not value:
        return "everything"
    return _value(value)


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return _pairs(value) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(_value(each) for each in value) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    return "none" if value is None or value == "" else escaped(value)
