"""The bodies of requests, as JSON objects (docs/http-api.md has the protocol)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from cargo_sync.machines.client_fence import JobClient
from cargo_sync.machines.newest_change import SeenChange
from cargo_sync.machines.own_changes import OwnChanges
from cargo_sync.model.jobs import Mode
from cargo_sync.model.xattrs import Xattrs, encoded

Body = Mapping[str, object]
Contact = Mapping[str, str | int]
"""What a job says of itself in the query at the start of a look."""
NO_CONTACT: Final[Contact] = {}


def login(username: str, password: str) -> Body:
    """The body of a login."""
    return {"username": username, "password": password}


def redemption(username: str, token: str, device: str) -> Body:
    """The body that uses an invitation up."""
    return {"user": username, "token": token, "device": device}


def joining(name: str, token: str, address: str, ports: tuple[int, int], fingerprint: str) -> Body:
    """The body with which a storage node joins; `ports` are those of its API and its lanes."""
    return {
        "name": name,
        "token": token,
        "address": address,
        "port": ports[0],
        "lane_port": ports[1],
        "fingerprint": fingerprint,
    }


def flow(
    mode: Mode, workspace: str, folder: str, speed: int | None, run: str, *, sealed: bool
) -> Body:
    """The body that opens a flow; `speed` is in bits per second, None means no limit.

    `sealed`: the lane gets keys, because this body and its answer travel over TLS.
    """
    return {
        "direction": mode.value,
        "workspace": workspace,
        "path": folder,
        "speed": speed,
        "run": run,
        "sealed": sealed,
    }


def speed(bits: int | None) -> Body:
    """The body that asks for another speed, in bits per second."""
    return {"speed": bits}


def contact(newest: SeenChange, client: JobClient | None) -> Contact:
    """The part of a query that says what a job knows of the server, and who it is."""
    known: Contact = {"newest": newest.number}
    if client is None:
        return known
    who = (client.id, client.starts, client.records, *client.process)
    return {**known, "client": ".".join(map(str, who))}


def own(changes: OwnChanges) -> Mapping[str, str]:
    """The part of a query that leaves the client's own changes out."""
    ranges = ",".join(f"{first}-{last}" for first, last in changes.left_out)
    return {"own": ranges, "own_lineage": changes.lineage}


def hashes(files: Iterable[tuple[str, int]], *, reread: bool = False) -> Body:
    """The body that asks for hashes.

    Args:
        files: (path, version) of each.
        reread: the server reads them even if it knows their hashes.
    """
    asked: Body = {"files": list(files)}
    return {**asked, "reread": True} if reread else asked


def xattrs(files: Iterable[tuple[str, int]]) -> Body:
    """The body that asks for the extended attributes of files, (path, version) of each."""
    return {"files": list(files)}


def operations(some: Sequence[Body], run: str) -> Body:
    """The body of a batch of operations; displaced entries go to the trash of `run`."""
    return {"run": run, "operations": some}


def operation(
    op: str,
    path: str,
    *,
    mode: int | None = None,
    mtime_ns: int | None = None,
    expected: int | None = None,
    to: str | None = None,
    expected_to: int | None = None,
    seen: int | None = None,
    xattrs: Xattrs | None = None,
) -> Body:
    """One operation of a batch; fields that are None are left out.

    op        mkdir, delete, move, exchange or meta
    mode      permission bits, for mkdir and meta
    mtime_ns  for meta of a file
    expected  the version that was seen at `path`
    to        the target of a move, or the other entry of an exchange
    expected_to  the version that was seen at `to`, for exchange
    seen      for delete: a folder is deleted with everything in it, if nothing in it changed after
              this sequence. For move and exchange: what this side knows of the two
    xattrs    for meta: the extended attributes that the file gets
    """
    fields = {
        "mode": mode,
        "mtime_ns": mtime_ns,
        "expected": expected,
        "to": to,
        "expected_to": expected_to,
        "seen": seen,
        "xattrs": None if xattrs is None else encoded(xattrs),
    }
    return {"op": op, "path": path} | {
        name: value for name, value in fields.items() if value is not None
    }
