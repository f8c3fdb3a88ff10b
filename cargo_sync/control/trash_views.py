"""Versions of a trash -> the messages of the control protocol, of daemons and of servers."""

import re
from collections.abc import Sequence
from typing import Final

from cargo_sync.api.messages import ControlError, JsonObject, ReplyCode
from cargo_sync.model.displaced import Restored, TrashFilter, TrashRow, TrashTotals
from cargo_sync.model.entries import FILE, FOLDER, LINK
from cargo_sync.model.problems import Problem

KINDS: Final = {FILE: "file", FOLDER: "folder", LINK: "link"}
FAR: Final = "s"
"""Ids of versions on a job's server begin with it: those of the local folder are others."""
_ID: Final = re.compile(r"(s?)([1-9]\d{0,17})", re.ASCII)


def row(found: TrashRow, prefix: str = "") -> JsonObject:
    """One version; its size is null for a folder that nobody has measured yet."""
    version = found.version
    return {
        "id": f"{prefix}{found.id}",
        "path": version.path,
        "kind": KINDS.get(version.kind, version.kind),
        "size": version.size if version.size >= 0 else None,
        "hash": version.hash or None,
        "mtime": version.mtime_ns / 1e9,
        "cause": str(version.cause),
        "run": version.run,
        "user": version.user or None,
        "time": found.time,
        "state": str(found.state),
        "place": version.place,
        "moved_to": found.moved_to or None,
        "ended": found.ended,
    }


def page(
    rows: Sequence[TrashRow], before: int | None, totals: TrashTotals, prefix: str = ""
) -> JsonObject:
    """A page of versions; the totals are those of all that is kept."""
    return {
        "versions": [row(one, prefix) for one in rows],
        "totals": totals._asdict(),
        "next": before,
    }


def results(
    ids: Sequence[int], found: Sequence[Restored | Problem], prefix: str = ""
) -> list[JsonObject]:
    """What became of versions that were to be restored."""
    return [_result(f"{prefix}{id}", one) for id, one in zip(ids, found, strict=True)]


def _result(id: str, one: Restored | Problem) -> JsonObject:
    if isinstance(one, Problem):
        code, message, hint = one.code_text, one.message, one.hint
        return {"id": id, "code": code, "path": one.path, "message": message, "hint": hint}
    return {"id": id, "code": "done", "path": one.path, "displaced": one.displaced}


def wanted(pattern: str, run: str, since: int, every: bool) -> TrashFilter:
    """The filter of a list."""
    return TrashFilter(pattern, run=run, since=since, kept=not every)


def numbers(cmd: str, ids: Sequence[str]) -> tuple[str, list[int]]:
    """The prefix that all of these ids share, and their numbers.

    Raises:
        ControlError: one of them is no id, or they are of both sides.
    """
    found = [_ID.fullmatch(id) for id in ids]
    for id, match in zip(ids, found, strict=True):
        if match is None:
            raise ControlError(
                ReplyCode.BAD_ARGUMENT,
                f'`{cmd}`: "{id[:40]}" is no id of a version',
                "`trash.list` has the ids",
            )
    prefixes = {match[1] for match in found if match}
    if len(prefixes) > 1:
        raise ControlError(
            ReplyCode.BAD_ARGUMENT,
            f"`{cmd}`: versions of the local folder and of the server cannot be named together",
            "give them one side after the other",
        )
    return next(iter(prefixes), ""), [int(match[2]) for match in found if match]
