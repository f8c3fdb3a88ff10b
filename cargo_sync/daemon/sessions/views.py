"""Values -> the messages about sessions, in words for a person at a prompt.

docs/control-protocol.md describes the shapes.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from cargo_sync.config.units import format_speed
from cargo_sync.daemon.far.place import RemoteSpace
from cargo_sync.daemon.job.status import eta
from cargo_sync.daemon.sessions.remote import RemoteItem, RemotePage
from cargo_sync.daemon.sessions.session import Session
from cargo_sync.daemon.sessions.transfer import State, Transfer
from cargo_sync.model.problems import Code, Problem
from cargo_sync.trees.cargo.look import ServerLook

_HINTS: Final[Mapping[Code, str]] = {
    Code.UNAUTHORIZED: "",
    Code.UNKNOWN_HOST: "check the address",
    Code.CERTIFICATE: "give the fingerprint that the server printed when it started as "
    "`tls_fingerprint`, or its CA as `ca_file`; of an SSH server, its host key as `host_key`",
    Code.REFUSED: "",
    Code.PYDIO_SERVER: "begin the address with pydio+https://, and name the workspace",
}
"""Hints in place of those that name a job's file, because a session has none."""
_IN_THE_JOB: Final = " in the job"


def in_a_session(problem: Problem) -> Problem:
    """The problem with a hint that fits a session."""
    if not problem.hint:
        return problem
    hint = _HINTS.get(problem.code)
    if hint is None:
        hint = problem.hint
        if _IN_THE_JOB in hint:
            hint = hint.replace(_IN_THE_JOB, "").replace("hostname", "the address")
    return replace(problem, hint=hint)


def look(one: ServerLook) -> dict[str, Any]:
    """The reply to `session.look`."""
    return one._asdict()


def session(one: Session) -> dict[str, Any]:
    """The reply to `session.open`."""
    remote = one.remote
    return {
        "session": one.id,
        "username": remote.username,
        "url": remote.url,
        "workspace": remote.space.name,
        "workspaces": [{"name": space.name, "access": space.access} for space in remote.spaces],
        **speed(one, one.granted),
    }


def whole(one: Session) -> dict[str, Any]:
    """The reply to `session.show`."""
    return session(one) | {"transfers": [transfer(one, each) for each in one.transfers]}


def speed(one: Session, granted: int | None) -> dict[str, Any]:
    """The reply to `session.speed`."""
    return {
        "speed": None if one.speed is None else format_speed(one.speed),
        "granted": granted,
    }


def used(space: RemoteSpace) -> dict[str, Any]:
    """The reply to `session.use`."""
    return {"workspace": space.name, "access": space.access}


def page(one: RemotePage) -> dict[str, Any]:
    """The reply to `session.list`."""
    problems = [{"path": each.path, "message": each.message} for each in one.problems]
    return {"entries": [item(each) for each in one.items], "next": one.next, "problems": problems}


def item(one: RemoteItem) -> dict[str, Any]:
    """The reply to `session.stat`, and a row of `session.list`.

    Only a backup's files have ids; they have no time and no mode.
    """
    row: dict[str, Any] = {"name": one.name, "kind": one.kind, "size": one.size}
    if one.id is not None:
        return {"id": one.id} | row
    return row | {"mtime": one.mtime, "mode": one.mode}


def transfer(of: Session, one: Transfer) -> dict[str, Any]:
    """The message on the feed about a get or put."""
    progress, order = one.progress, one.order
    return {
        "session": of.id,
        "transfer": one.id,
        "verb": order.verb,
        "remote": order.remote,
        "local": order.origin or order.local,
        "state": one.state.value,
        "path": progress.path,
        "files_done": progress.files_done,
        "files_total": progress.files_total,
        "bytes_done": one.bytes_done,
        "bytes_total": progress.bytes_total,
        "speed_bps": round(one.rate),
        "eta_s": eta(progress.bytes_total - one.bytes_done, one.rate),
        "idle_s": round(one.idle),
        "retrying": one.retrying.message if one.retrying and one.state is State.RUNNING else None,
        "problem": _problem(one.problem) if one.problem else None,
        "skipped": progress.skipped,
        "displaced": progress.displaced,
        "resumed": progress.resumed,
        "failures": progress.failures,
        "failed": [{"path": path, "message": each.message} for path, each in progress.failed],
        "message": progress.note,
        "id": progress.id,
    }


def _problem(problem: Problem) -> dict[str, str]:
    worded = in_a_session(problem)
    return {"code": worded.code_text, "message": worded.message, "hint": worded.hint}
