"""Conflicts -> the messages of the control protocol."""

from collections.abc import Sequence
from typing import Final

from cargo_sync.api.messages import JsonObject
from cargo_sync.model.agreed import Agreed
from cargo_sync.model.conflicts import Conflict
from cargo_sync.model.entries import FILE, FOLDER, LINK, Entry

_KINDS: Final = {FILE: "file", FOLDER: "folder", LINK: "link"}


def page(found: Sequence[Conflict], totals: tuple[int, int], limit: int) -> JsonObject:
    """A page of conflicts; the totals are those of open and of resolved ones."""
    opened, resolved = totals
    return {
        "conflicts": [row(one) for one in found],
        "totals": {"open": opened, "resolved": resolved},
        "next": found[-1].id if len(found) == limit else None,
    }


def row(one: Conflict) -> JsonObject:
    """One conflict, with what both sides had, and before that agreed on."""
    base, near, far = one.evidence
    return {
        "id": one.id,
        "job": one.job,
        "path": one.path,
        "state": "open" if one.open else "resolved",
        "policy": one.policy.value,
        "choice": None if one.choice is None else one.choice.value,
        "by": None if one.choice is None else "person" if one.person else "policy",
        "copy": one.copy or None,
        "run": one.run,
        "time": one.time,
        "base": None if base is None else _of(base),
        "local": _side(near),
        "remote": _side(far),
    }


def _side(entry: Entry) -> JsonObject:
    return {**_of(entry), "version": entry.version}


def _of(entry: Entry | Agreed) -> JsonObject:
    """An entry; its hash is null while it is not computed."""
    return {
        "kind": _KINDS[entry.kind],
        "size": entry.size,
        "mtime": entry.mtime_ns / 1e9,
        "hash": entry.hash or None,
        "target": entry.target or None,
    }
