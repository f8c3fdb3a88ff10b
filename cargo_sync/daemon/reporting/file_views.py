"""Job files as messages: without secrets, with the errors of each field."""

from collections.abc import Sequence

from cargo_sync.api.messages import JsonObject
from cargo_sync.config.errors import FieldProblem
from cargo_sync.daemon.jobs.drafts import FileReplaced, JobDraft, JobFileNow


def checked(draft: JobDraft, job: str | None) -> JsonObject:
    """The reply to `job.check`; `job` is the job whose file it would replace."""
    return {
        "ok": not draft.errors,
        "errors": _problems(draft.errors),
        "warnings": [*_renamed(draft, job), *_problems(draft.warnings)],
        "text": draft.shown,
        "fields": draft.fields,
        "in_place": draft.in_place,
    }


def file_now(now: JobFileNow, job: str) -> JsonObject:
    """The reply to `job.read`."""
    draft = now.draft
    return {
        "job": job,
        "file": now.file,
        "version": now.version,
        "text": draft.shown,
        "fields": draft.fields,
        "errors": _problems(draft.errors),
        "warnings": _problems(draft.warnings),
    }


def replaced(written: FileReplaced, file: str, name: str, state: str) -> JsonObject:
    """The reply to `job.write`."""
    return {
        "name": name,
        "file": file,
        "state": state,
        "changed": written.changed,
        "old": written.old,
        "in_place": written.draft.in_place,
        "warnings": _problems(written.draft.warnings),
    }


def _problems(found: Sequence[FieldProblem]) -> list[JsonObject]:
    """`text` says all of it on one line, as `cargo_sync check` prints it."""
    return [
        {
            "field": one.field,
            "line": one.line,
            "message": one.message,
            "hint": one.hint or "",
            "text": str(one),
        }
        for one in found
    ]


def _renamed(draft: JobDraft, job: str | None) -> list[JsonObject]:
    """A warning if the job would get another name."""
    if job is None or draft.settings is None or draft.settings.name == job:
        return []
    message = (
        f"another name makes another job: it compares both sides afresh, and the history stays "
        f'with the name "{job}"'
    )
    return _problems([FieldProblem(draft.settings.file, "sync_name", None, message)])
