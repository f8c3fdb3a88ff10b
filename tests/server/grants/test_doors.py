"""Every door of the server with every kind of access, compared with the table of rights.

ben has the workspace `shared` in seven ways. It holds what nobody may learn of who has only its
folder `in/ben`: names with "secret" in them, and where that folder is.
"""

import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from cargo_sync.config.grants import Grant
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import ProblemError
from cargo_sync.server.flows.flows import FlowRequest, Flows
from cargo_sync.server.grants.rights import Right, refused
from tests.server.house import Answer, House, living

ACCESSES = {
    "rw": Grant("rw"),
    "ro": Grant("ro"),
    "wo": Grant("wo"),
    "rw, a folder": Grant("rw", "in/ben"),
    "ro, a folder": Grant("ro", "in/ben"),
    "wo, a folder": Grant("wo", "in/ben"),
    "none": None,
}
WORKSPACE = "/v1/workspaces/shared"
BESIDE = re.compile(rb"secret|in/ben|in%2Fben")
ELSEWHERE = {
    "POST /v1/login",
    "POST /v1/logout",
    "POST /v1/invites/redeem",
    "POST /v1/invites/password",
    "POST /v1/nodes",
    "DELETE /v1/device",
    "GET /v1/workspaces",
    "GET /v1/probe",
    "GET /v1/ready",
    "POST /v1/probe",
    "POST /v1/flows",
    "POST /v1/flows/{id}/speed",
    "DELETE /v1/flows/{id}",
    "GET /v1/uploads",
    "GET /v1/uploads/{id}",
    "PATCH /v1/uploads/{id}",
    "POST /v1/uploads/{id}",
    "DELETE /v1/uploads/{id}",
    "GET /v1/tickets/{secret}",
}
"""Routes without a workspace, or of something that a route with one has made."""
REFUSALS = {"read_only", "write_only", "unknown", "occupied"}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with living(tmp_path) as one:
        yield one


async def fill(house: House) -> None:
    """Each file is there, and an earlier version of it is in the trash."""
    some = ("in/ben/there", "in/eva/secret-plan", "there", "secret")
    for path in some:
        place = house.folders["shared"] / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("x")
    house.intake("shared")
    for path in some:
        await house.call("PUT", f"/v1/files/shared/{path}", b"y")


class Door(NamedTuple):
    """A request about `there`, which ben did not bring.

    said   finds the code of an answer
    added  what `wo` is told instead of the table's word, so that it does not learn what is there
    """

    right: Right
    method: str
    path: str
    body: object = None
    said: Callable[[Answer], str] = lambda answer: answer.code if answer.status >= 400 else ""
    added: str = ""


def one(answer: Answer) -> str:
    """The code for the only item of a batch."""
    return str(answer.json["results"][0]["code"]) if answer.status < 400 else answer.code


def head(answer: Answer) -> str:
    return {403: "write_only", 404: "unknown"}.get(answer.status, "")


def operation(right: Right, op: str, **fields: Any) -> Door:
    body = {"operations": [{"op": op, **fields}]}
    return Door(right, "POST", f"{WORKSPACE}/operations", body, one)


def doors(version: int, trashed: int) -> dict[str, list[Door]]:
    """Requests by route; those that change something come last."""
    at = {"path": "there", "expected": version}
    files, empty = {"files": [["there", version]]}, {"older": 0}
    whole, sent = {"workspace": "shared"}, {"size": 1, "mtime_ns": 1, "expected": 0}
    there, new = "/v1/files/shared/there", "/v1/files/shared/new/file"
    spaces = "/v1/workspaces/{workspace}"
    return {
        f"GET {spaces}/tree": [Door(Right.LOOK, "GET", f"{WORKSPACE}/tree")],
        f"GET {spaces}/changes": [Door(Right.LOOK, "GET", f"{WORKSPACE}/changes?since=0")],
        f"GET {spaces}/entry": [
            Door(Right.LOOK, "GET", f"{WORKSPACE}/entry?path=there", added="unknown")
        ],
        "GET /v1/files/{workspace}": [Door(Right.LOOK, "GET", "/v1/files/shared")],
        "GET /v1/files/{workspace}/{path}": [
            Door(Right.READ, "GET", there),
            Door(Right.READ, "HEAD", there, said=head),
        ],
        f"POST {spaces}/hashes": [Door(Right.READ, "POST", f"{WORKSPACE}/hashes", files)],
        f"POST {spaces}/xattrs": [Door(Right.READ, "POST", f"{WORKSPACE}/xattrs", files)],
        f"GET {spaces}/trash": [Door(Right.READ, "GET", f"{WORKSPACE}/trash")],
        "PUT /v1/files/{workspace}/{path}": [
            Door(Right.ADD, "PUT", new, b"new"),
            Door(Right.CHANGE, "PUT", there, b"there", added="occupied"),
        ],
        "POST /v1/tickets": [
            Door(Right.READ, "POST", "/v1/tickets", {**whole, "paths": ["there"], "as": "file"}),
            Door(Right.READ, "POST", "/v1/tickets", {**whole, "paths": ["there", ""], "as": "zip"}),
        ],
        "POST /v1/uploads": [
            Door(Right.ADD, "POST", "/v1/uploads", {**whole, **sent, "path": "new/one"}),
            Door(
                Right.CHANGE,
                "POST",
                "/v1/uploads",
                {**whole, **sent, "path": "there", "expected": version},
                added="occupied",
            ),
        ],
        f"POST {spaces}/operations": [
            operation(Right.ADD, "mkdir", path="made"),
            operation(Right.CHANGE, "meta", **at, mode=0o600),
            operation(Right.CHANGE, "move", **at, to="moved"),
            operation(Right.CHANGE, "exchange", **at, to="new", expected_to=1),
            operation(Right.CHANGE, "delete", **at),
        ],
        f"POST {spaces}/trash/restore": [
            Door(Right.CHANGE, "POST", f"{WORKSPACE}/trash/restore", {"ids": [trashed]}, one)
        ],
        f"POST {spaces}/trash/empty": [
            Door(Right.CHANGE, "POST", f"{WORKSPACE}/trash/empty", empty)
        ],
    }


def told(grant: Grant | None, door: Door) -> str:
    """What the table says of this access."""
    if grant is None:
        return "unknown"
    if grant.access == "wo" and door.added:
        return door.added
    return str(refused(grant.access, door.right) or "")


@pytest.mark.parametrize("access", ACCESSES)
async def test_every_route_keeps_to_the_table(house: House, access: str) -> None:
    grant = ACCESSES[access]
    await fill(house)
    path = f"{grant.path}/there" if grant and grant.path else "there"
    version = (await house.call("GET", f"{WORKSPACE}/entry?path={path}")).json["entry"][5]
    rows = (await house.call("GET", f"{WORKSPACE}/trash")).json["rows"]
    trashed = next(row["id"] for row in rows if row["path"] == path)
    house.share({"ana": "rw"} | ({"ben": grant} if grant else {}))
    routes = doors(version, trashed)
    for door in (door for some in routes.values() for door in some):
        answer = await house.call(door.method, door.path, door.body, user="ben")
        code = door.said(answer)
        assert (code if code in REFUSALS else "") == told(grant, door), (door, answer)
        if grant and grant.path:
            known = f"{answer.headers} {door.path}".encode() + answer.body
            assert not BESIDE.search(known), (door, answer)
    assert routes.keys() == set(known_routes(house))


def known_routes(house: House) -> set[str]:
    """All but those that are about no workspace, or about what one of them has begun."""
    routes = house.gateway.application().router.routes()
    named = {f"{one.method} {one.resource.canonical}" for one in routes if one.resource is not None}
    return {one for one in named if " /v1/" in one and not one.startswith("HEAD ")} - ELSEWHERE


@pytest.mark.parametrize("access", ACCESSES)
async def test_every_flow_keeps_to_the_table(house: House, access: str) -> None:
    grant = ACCESSES[access]
    house.share({"ben": grant} if grant else {})
    user = house.users.get("ben")
    assert user is not None
    flows = Flows(house.spaces, house.permits, house.users.get, house.clock)
    for mode, right in ((Mode.UPLOAD, Right.ADD), (Mode.DOWNLOAD, Right.READ)):
        code = ""
        try:
            await flows.open(user, FlowRequest(mode, "shared", "", "run"))
        except ProblemError as error:
            code = error.problem.code.value
        assert code == told(grant, Door(right, "", ""))


@pytest.mark.parametrize("access", ACCESSES)
async def test_each_is_told_what_they_have(house: House, access: str) -> None:
    grant = ACCESSES[access]
    house.share({"ben": grant} if grant else {})
    answer = await house.call("GET", "/v1/workspaces", user="ben")
    has = [one["access"] for one in answer.json["workspaces"] if one["name"] == "shared"]
    assert has == ([grant.access] if grant else [])
    assert not BESIDE.search(answer.body)
