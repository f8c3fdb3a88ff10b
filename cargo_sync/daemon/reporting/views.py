"""Values -> the messages of the control protocol; docs/control-protocol.md describes the shapes."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from cargo_sync.api.messages import JsonObject
from cargo_sync.config.job import JobSettings
from cargo_sync.config.job_shape import GuardSettings
from cargo_sync.config.remote_kinds import fields_of
from cargo_sync.config.timetable import DAY
from cargo_sync.config.units import format_clock, format_span
from cargo_sync.control.limits import FileSpeed, shown
from cargo_sync.daemon.checks.steps import CheckStep
from cargo_sync.daemon.job.status import (
    AT_REST,
    Advance,
    Cause,
    JobStatus,
    UnderWay,
    WayAdvance,
    eta,
)
from cargo_sync.daemon.jobs.unusable import UnusableJob
from cargo_sync.machines.job_state import JobState, general_state
from cargo_sync.model.actions import Action, Op
from cargo_sync.model.events import Event, EventGroup
from cargo_sync.model.jobs import LastRun
from cargo_sync.state.events import EventPage, EventRow, as_json
from cargo_sync.state.planned import PlannedAction, PlannedPage

SHOWN: Final = 100
SHOWN_CHARACTERS: Final = 8192
"""Paths that one notice names, and their length together: messages wait in memory for slow
subscribers."""


def general(states: Sequence[JobState]) -> dict[str, Any]:
    """The state of all jobs together: {state, jobs: {state: count}}."""
    counts = Counter(states)
    return {
        "state": general_state(list(states)).value,
        "jobs": {state.value: counts[state] for state in JobState if counts[state]},
    }


def status(
    states: Sequence[JobState], advances: Iterable[Advance], conflicts: int, drifted: int
) -> dict[str, Any]:
    """The reply to `status`, without the daemon's uptime.

    Args:
        states: of all jobs.
        advances: of all jobs.
        conflicts: the open ones.
        drifted: delivered files that are not at their destinations as they were delivered.
    """
    figures = {"totals": totals(advances), "conflicts": conflicts, "drifted": drifted}
    return general(states) | figures


def reloaded(results: Mapping[str, str], errors: Sequence[str]) -> dict[str, Any]:
    """The reply to `reload`: the result per job, and the errors of all files."""
    return {
        "jobs": [{"name": name, "result": result} for name, result in results.items()],
        "errors": list(errors),
    }


def totals(advances: Iterable[Advance]) -> dict[str, Any]:
    """The progress of all jobs together."""
    all_of = list(advances)
    rate = sum(one.speed_bps for one in all_of)
    left = sum(one.bytes_total - one.bytes_done for one in all_of)
    return progress(
        Advance(
            sum(one.files_done for one in all_of),
            sum(one.files_total for one in all_of),
            sum(one.bytes_done for one in all_of),
            sum(one.bytes_total for one in all_of),
            rate,
            eta(left, rate),
        )
    )


def progress(advance: Advance) -> dict[str, Any]:
    """The progress of a job, or of all jobs."""
    # Field by field, because `asdict` copies deeply, which is slow for a list of hundreds of jobs.
    return {
        "files_done": advance.files_done,
        "files_total": advance.files_total,
        "bytes_done": advance.bytes_done,
        "bytes_total": advance.bytes_total,
        "speed_bps": advance.speed_bps,
        "eta_s": advance.eta_s,
        **{way: _way_progress(one) for way, one in advance.ways},
    }


def _way_progress(way: WayAdvance) -> dict[str, Any]:
    """The progress of one direction of a two-way job."""
    return {
        "files_done": way.files_done,
        "files_total": way.files_total,
        "bytes_done": way.bytes_done,
        "bytes_total": way.bytes_total,
    }


def state(status: JobStatus) -> dict[str, Any]:
    """The message on the feed when a job's state changes."""
    return {
        "job": status.settings.name,
        "state": status.state.value,
        "detail": status.detail,
        "code": status.code,
        "errors": status.errors,
        "conflicts": status.conflicts,
        "drifted": status.drifted,
        "next_at": status.next_at,
        "last_run": _last_run(status.last_run),
        "succeeded_at": status.succeeded_at,
    }


def removed(name: str) -> dict[str, Any]:
    """The last message on the feed about a job that was removed."""
    return _gone(name, "removed", "", "", 0)


def _gone(job: str, state: str, detail: str, code: str, errors: int) -> dict[str, Any]:
    """The message on the feed about a job that does not run."""
    return {
        "job": job,
        "state": state,
        "detail": detail,
        "code": code,
        "errors": errors,
        "conflicts": 0,
        "drifted": 0,
        "next_at": None,
        "last_run": None,
        "succeeded_at": None,
    }


def row(status: JobStatus) -> dict[str, Any]:
    """A job in a list."""
    job = status.settings
    return {
        "name": job.name,
        "mode": job.mode,
        "state": status.state.value,
        "detail": status.detail,
        "code": status.code,
        "local_dir": job.local_dir,
        "remote": job.remote_place,
        "next_at": status.next_at,
        "errors": status.errors,
        "conflicts": status.conflicts,
        "drifted": status.drifted,
        "progress": progress(status.advance),
        "last_run": _last_run(status.last_run),
        "succeeded_at": status.succeeded_at,
        "window": asdict(status.window) if status.window else None,
    }


def _last_run(last: LastRun | None) -> dict[str, Any] | None:
    if last is None:
        return None
    shown = asdict(last)
    if last.downloaded is None:  # of a job in one direction, which says it
        del shown["downloaded"]
    return shown


def unusable(job: UnusableJob) -> dict[str, Any]:
    """A job in a list that cannot run."""
    return {
        "name": job.name,
        "mode": job.mode,
        "state": JobState.ERROR.value,
        "detail": job.detail,
        "code": job.code,
        "local_dir": "",
        "remote": "",
        "next_at": None,
        "errors": 1,
        "conflicts": 0,
        "drifted": 0,
        "progress": progress(AT_REST),
        "last_run": None,
        "succeeded_at": None,
        "window": None,
    }


def unusable_state(job: UnusableJob) -> dict[str, Any]:
    """The message on the feed about a job that cannot run."""
    return _gone(job.name, JobState.ERROR.value, job.detail, job.code, 1)


def whole_unusable(job: UnusableJob) -> dict[str, Any]:
    """Everything about a job that cannot run."""
    return unusable(job) | {
        "settings": {"file": job.file, "events": [event.event for event in job.events]},
        "causes": [asdict(Cause("", problem, job.code)) for problem in job.problems],
        "warnings": [],
        "lacks": [],
        "held": None,
        "speed": None,
    }


def whole(status: JobStatus, causes: Sequence[Cause], lacks: Sequence[str] = ()) -> dict[str, Any]:
    """Everything about a job; `lacks` are sentences about what its server cannot do."""
    return row(status) | {
        "settings": settings(status.settings),
        "causes": [asdict(cause) for cause in causes],
        "warnings": list(status.notes),
        "lacks": list(lacks),
        "held": asdict(status.held) if status.held else None,
        "speed": speed(status),
    }


def speed(status: JobStatus) -> JsonObject:
    """A job's speed: of the file, of a command, the current one, and the granted one."""
    now = status.speed
    limit = shown(_of_file(status.settings), now.ordered, now.now)
    return {**limit, "granted": now.granted} if now.moves else limit


def _of_file(job: JobSettings) -> FileSpeed:
    """The speed that a job's file sets: one, or the rows of a timetable."""
    rows: list[JsonObject] = [
        {
            "from": format_clock(row.window.start),
            "to": format_clock(row.window.end % DAY),
            "speed": row.speed,
        }
        for row in job.timetable
    ]
    return rows or job.speed


def settings(job: JobSettings) -> dict[str, Any]:
    """A job's settings without its password.

    Of callbacks it gives only the names, because their addresses may hold keys.
    """
    return {
        "file": job.file,
        "username": job.username,
        "speed": _of_file(job),
        "priority": job.priority,
        "sleep": job.sleep,
        "settle": job.settle,
        "full_scan_interval": job.full_scan_interval,
        "watch": job.watch,
        "enabled": job.enabled,
        "include": list(job.include),
        "exclude": list(job.exclude),
        "delete": job.delete,
        **({"conflicts": job.conflicts} if job.mode == "bidirectional" else {}),
        "after_transfer": {"move": job.move_to} if job.move_to else job.after_transfer,
        "guard": _guard(job.guard),
        "trash_days": job.trash_days,
        "xattrs": job.xattrs,
        **_of_remote(job),
        "events": [event.event for event in job.events],
    }


def _of_remote(job: JobSettings) -> dict[str, Any]:
    """The settings that have a meaning for the job's server."""
    told = {
        "tls_fingerprint": job.tls_fingerprint,
        "ca_file": job.ca_file,
        "host_key": job.host_key,
        "known_hosts": job.known_hosts,
        "key_file": job.key_file,
        "agent": job.agent,
        "region": job.region,
        "options": job.options.shown(),
        "trash": job.trash,
    }
    meant = fields_of(job.remote.kind)
    return {name: value for name, value in told.items() if name in meant}


def _guard(guard: GuardSettings | None) -> Any:
    """As a job file has it."""
    return False if guard is None else asdict(guard) | {"window": format_span(guard.window)}


def transfer(one: UnderWay) -> dict[str, Any]:
    """One file that is being transferred."""
    return asdict(one)


def plan(
    job: str, run: str, page: PlannedPage | None, limit: int, *, two_way: bool
) -> dict[str, Any]:
    """A page of a plan; `ready` is false while the plan is still being made.

    Steps of a two-way job have a direction.
    """
    if page is None or page.totals is None:
        return {"job": job, "run": run, "ready": False, "totals": {}, "actions": [], "next": None}
    more = len(page.actions) == limit
    return {
        "job": job,
        "run": run,
        "ready": True,
        # The plan counts an overwrite as a put too; here it is only an overwrite.
        "totals": dict(page.totals)
        | {"put": page.totals.get("put", 0) - page.totals.get("overwrite", 0)},
        "actions": [_action(one, two_way=two_way) for one in page.actions],
        "next": page.actions[-1].number if more else None,
    }


def comparison(job: str, run: str, files: int) -> dict[str, Any]:
    """A comparison of both sides that is not ready; `files` were compared until now."""
    return {"job": job, "run": run, "ready": False, "totals": {"files": files}}


def compared(job: str, run: str, page: PlannedPage, limit: int) -> dict[str, Any]:
    """A page of what a comparison found to differ."""
    return {
        "job": job,
        "run": run,
        "ready": True,
        "totals": dict(page.totals or {}),
        "files": [_difference(one.action) for one in page.actions],
        "next": page.actions[-1].number if len(page.actions) == limit else None,
    }


def _difference(action: Action) -> dict[str, Any]:
    """One file or folder that differs; `again`: it can be delivered again."""
    size = action.source.size if action.source else 0
    again = action.op is not Op.LEAVE
    return {"path": action.path, "size": size, "why": action.why, "again": again}


def _action(planned: PlannedAction, *, two_way: bool) -> dict[str, Any]:
    action = planned.action
    entry = action.source or action.expected
    shown = {
        "op": "overwrite" if action.op is Op.PUT and action.overwrites else action.op.value,
        "path": action.path,
        "size": entry.size if entry else 0,
        "why": action.why,
    }
    return shown | {"direction": planned.direction.value} if two_way else shown


def check(id: str, job: str, steps: Sequence[CheckStep], *, ready: bool) -> dict[str, Any]:
    """A check, with the steps that have ended."""
    return {"job": job, "test": id, "ready": ready, "steps": [asdict(step) for step in steps]}


def history(job: str, page: EventPage) -> dict[str, Any]:
    """A page of a job's history, newest first."""
    return {"job": job, "rows": [_happened(row) for row in page.rows], "next": page.next}


def event_row(cursor: int, event: Event) -> dict[str, Any]:
    """A row of the history of all jobs."""
    details = as_json(event.details)
    details.pop("message", None)
    return {
        "cursor": cursor,
        "job": event.job,
        "kind": event.happened.kind,
        "time": event.time,
        "path": event.path,
        "bytes": event.size,
        "message": event.message,
        "details": details,
    }


def _happened(row: EventRow) -> dict[str, Any]:
    event = row.event
    seconds = event.details.seconds
    return {
        "cursor": row.cursor,
        "time": event.time,
        "kind": event.happened.kind,
        "path": event.path,
        "bytes": event.size,
        "seconds": seconds,
        "speed_bps": event.speed,
        "transfer": event.transfer,
        "message": event.message,
        **({"direction": event.details.direction} if event.details.direction else {}),
    }


def notice(group: EventGroup) -> dict[str, Any]:
    """The notice of events of one job and kind."""
    return {
        "job": group.job,
        "kind": group.happened.kind,
        "count": len(group.paths),
        "paths": _shown(group.paths),
        "bytes": group.bytes,
        "message": group.message,
    }


def _shown(files: Sequence[str]) -> list[str]:
    """The first paths of a group, as many as a notice names."""
    paths, room = [], SHOWN_CHARACTERS
    for path in files[:SHOWN]:
        room -= len(path)
        if room < 0:
            break
        if path:
            paths.append(path)
    return paths
