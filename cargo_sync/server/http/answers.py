"""The bodies of the API's responses, and refusals without what is not for clients."""

from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from aiohttp import web

from cargo_sync.machines.client_fence import FencedError
from cargo_sync.machines.newest_change import Lineage
from cargo_sync.machines.quota import Quota, Use
from cargo_sync.model import xattrs
from cargo_sync.model.displaced import (
    DisplacedVersion,
    Restored,
    TrashPage,
    TrashRow,
    TrashTotals,
)
from cargo_sync.model.entries import Entry
from cargo_sync.model.problems import LaterError, Problem, ProblemError
from cargo_sync.model.xattrs import Xattrs
from cargo_sync.process.http import answers
from cargo_sync.server.accounts.logins import IssuedToken
from cargo_sync.server.flows.flows import OpenedFlow
from cargo_sync.server.http.content.conditions import etag
from cargo_sync.server.refusals import public
from cargo_sync.server.workspace.operations import OperationResult
from cargo_sync.state.uploads import UploadRow


def refusal(error: ProblemError) -> web.Response:
    """The response that tells a client about an error, without what is not for clients."""
    more = {"fence": error.fence._asdict()} if isinstance(error, FencedError) else {}
    seconds = error.seconds if isinstance(error, LaterError) else None
    return answers.refusal(public(error.problem), seconds, more)


def shown_problem(problem: Problem) -> dict[str, str]:
    """A problem as JSON, without what is not for clients."""
    return answers.shown_problem(public(problem))


# -- bodies ----------------------------------------------------------------------------------------


def logged_in(login: IssuedToken) -> dict[str, Any]:
    """The body for a successful login."""
    return {
        "token": login.token,
        "expires_in": login.expires_in,
        "user": login.user.name,
        "server": {"version": version("cargo-sync")},
    }


def opened(flow: OpenedFlow) -> dict[str, Any]:
    """The body for an opened flow.

    It has keys when the lane is sealed, and a host when it differs from the API's.
    """
    keys = flow.keys
    lane: dict[str, Any] = {
        "port": flow.where.port,
        "token": keys.token.hex(),
        "auth": keys.auth.hex(),
    }
    if flow.where.host:
        lane["host"] = flow.where.host
    if keys.up and keys.down:
        lane |= {"up": keys.up.hex(), "down": keys.down.hex()}
    return {"flow": flow.id, "lane": lane, "granted": flow.granted} | lineage(flow.lineage)


def folder(epoch: str, path: str, entries: Sequence[Entry], *, more: bool) -> dict[str, Any]:
    """The body for a folder: its entries, and the name after which the next ones come."""
    shown = [
        {
            "name": entry.name,
            "kind": entry.kind,
            "size": entry.size,
            "mtime_ns": entry.mtime_ns,
            "mode": entry.mode,
            "version": entry.version,
            "etag": etag(epoch, entry.version),
            "hash": entry.hash,
            "target": entry.target,
        }
        for entry in entries
    ]
    return {"path": path, "entries": shown, "next": entries[-1].name if more else None}


def begun(id: str, piece: int) -> dict[str, Any]:
    """The body for an upload that has begun: its id, and the most bytes of a piece."""
    return {"id": id, "offset": 0, "piece": piece}


def upload_row(row: UploadRow, arrived: int) -> dict[str, Any]:
    """An unfinished upload."""
    return {
        "id": row.id,
        "workspace": row.workspace,
        "path": row.path,
        "size": row.size,
        "mtime_ns": row.mtime_ns,
        "expected": row.expected,
        "offset": arrived,
    }


def published(size: int, entry: Entry, tag: str) -> dict[str, Any]:
    """The body for an upload that is at its place now."""
    file = {"version": entry.version, "etag": tag, "hash": entry.hash}
    return {"offset": size, "published": file}


def ticket(url: str, expires_in: int) -> dict[str, Any]:
    """The body for a ticket."""
    return {"url": url, "expires_in": expires_in}


def lineage(of: Lineage) -> dict[str, Any]:
    """The part of a body that says whose changes are made."""
    return {"lineage": of.token, "first": of.first}


def done(result: OperationResult) -> dict[str, Any]:
    """The result of one operation."""
    if isinstance(result, Problem):
        return not_done(result)
    body: dict[str, Any] = {
        "code": "done",
        "version": result.version,
        "ident": result.ident,
        "displaced": result.displaced,
    }
    if result.changed:
        body["changed"] = result.changed
    if result.lacks_xattrs:
        body["lacks_xattrs"] = True
    return body


def limited(limit: tuple[Quota, Use] | None) -> dict[str, Any]:
    """The part of a workspace's row about its quota and what is used of it; {} for no quota."""
    return {} if limit is None else {"quota": asdict(limit[0]), "used": asdict(limit[1])}


def trash_page(page: TrashPage, totals: TrashTotals) -> dict[str, Any]:
    """The body with a page of a trash."""
    return {
        "rows": [trash_row(row) for row in page.rows],
        "before": page.before,
        **totals._asdict(),
    }


def trash_row(row: TrashRow) -> dict[str, Any]:
    """A version of a trash."""
    fields = row._asdict()
    version: DisplacedVersion = fields.pop("version")
    return version._asdict() | fields


def restored(result: Restored | Problem) -> dict[str, Any]:
    """The result of one version to restore."""
    if isinstance(result, Problem):
        return not_done(result)
    return {"code": "done", **result._asdict()}


def hashed(result: str | Problem) -> dict[str, Any]:
    """The hash of one file."""
    return not_done(result) if isinstance(result, Problem) else {"code": "done", "hash": result}


def with_xattrs(result: Xattrs | Problem) -> dict[str, Any]:
    """The extended attributes of one file."""
    if isinstance(result, Problem):
        return not_done(result)
    return {"code": "done", "xattrs": xattrs.encoded(result)}


def not_done(problem: Problem) -> dict[str, Any]:
    """Why one of many items was not done."""
    problem = public(problem)
    return {"code": problem.code_text, "message": str(problem), "retry": problem.retry}
