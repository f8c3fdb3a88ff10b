"""Snapshots of the server's state over HTTPS: the server brings them, a lost one asks for them.

Who has no bearer is answered only if there are snapshots, and gets none without a proof
(`stores.snapshots.door`). What they get is sealed: nobody can read it without the recovery key.
"""

import os
from collections.abc import Sequence
from typing import Annotated, Final

from aiohttp import web
from pydantic import BeforeValidator, Field

from cargo_sync.machines.nodes.snapshots import MadeSnapshot
from cargo_sync.model.contents import is_hash
from cargo_sync.model.problems import Code, Problem, ProblemError, bad_request, from_os_error
from cargo_sync.model.world import World
from cargo_sync.process.http.answers import answer
from cargo_sync.process.http.connection import arrival_of
from cargo_sync.process.http.fields import LARGEST, Asked, Query, digits, whole
from cargo_sync.process.http.limits import read_login, sent
from cargo_sync.stores.contract import Content
from cargo_sync.stores.snapshots.door import Proof, SnapshotDoor
from cargo_sync.stores.snapshots.shelf import VERIFIER, KeptSnapshot, SnapshotShelf

OPEN: Final = "/n1/recovery"
"""What is below it is for who has no bearer."""
PIECE: Final = 1 << 20
SIGNATURE: Final = 64
_SCHEME: Final = "bearer "


def _hex(value: object) -> bytes:
    if not isinstance(value, str) or len(value) > 2 * SIGNATURE:
        raise ValueError("not hex digits")
    return bytes.fromhex(value)


_Key = Annotated[
    bytes,
    BeforeValidator(_hex),
    Field(min_length=VERIFIER, max_length=VERIFIER, description="64 hex digits"),
]
_Signature = Annotated[
    bytes,
    BeforeValidator(_hex),
    Field(min_length=SIGNATURE, max_length=SIGNATURE, description="128 hex digits"),
]


class _Kept(Asked):
    number: Annotated[int, whole(LARGEST)]
    made: Annotated[float, Field(ge=0, lt=1e12, description="unix seconds")]
    hash: Annotated[str, Field(max_length=64, description="a hash")]
    size: Annotated[int, whole(LARGEST)]
    verifier: _Key


class _Proof(Asked):
    challenge: Annotated[str, Field(max_length=64, description="a challenge of this node")]
    verifier: _Key
    signature: _Signature


class _From(Query):
    start: Annotated[int, digits, whole(LARGEST)] = 0


class NodeRecovery:
    """The handlers of a node for snapshots."""

    def __init__(self, shelf: SnapshotShelf, door: SnapshotDoor, world: World) -> None:
        self._shelf = shelf
        self._door = door
        self._world = world

    def routes(self) -> Sequence[web.RouteDef]:
        return (
            web.post("/n1/snapshots", self.keep),
            web.post(f"{OPEN}/challenge", self.challenge),
            web.post(f"{OPEN}/snapshots", self.prove),
            web.get(f"{OPEN}/snapshots/{{number:[0-9]{{1,19}}}}", self.give),
        )

    async def keep(self, request: web.Request) -> web.Response:
        """The server makes a content that it has brought a snapshot."""
        asked = _Kept.read(await read_login(request))
        if not is_hash(asked.hash):
            raise bad_request('"hash" must be a hash')
        content = Content(asked.hash, asked.size)
        made = MadeSnapshot(asked.number, asked.made)
        await self._world.offload(self._shelf.keep, content, made, asked.verifier)
        return answer({})

    async def challenge(self, request: web.Request) -> web.Response:
        """The first step of who has only a recovery key."""
        made = self._door.challenge(arrival_of(request).ip)  # it limits those who ask all the time
        if not await self._world.offload(self._shelf.all):
            raise ProblemError(Problem(Code.UNAUTHORIZED, "", retry=False))
        return answer({"challenge": made})

    async def prove(self, request: web.Request) -> web.Response:
        """The second step: a pass, and what may be had with it."""
        asked = _Proof.read(await read_login(request))
        some = await self._world.offload(self._shelf.all)
        proof = Proof(asked.challenge, asked.verifier, asked.signature)
        made = self._door.enter(proof, {one.verifier for one in some})
        arrival_of(request).enter()
        return answer(
            {
                "pass": made,
                "snapshots": [
                    {"number": number, "made": at, "size": one.size}
                    for one in some
                    for number, at in (one.snapshot,)
                    if one.verifier == asked.verifier
                ],
            }
        )

    async def give(self, request: web.Request) -> web.StreamResponse:
        """The bytes of a snapshot, from `start` on."""
        header = request.headers.get("Authorization", "")
        given = header[len(_SCHEME) :].strip() if header.lower().startswith(_SCHEME) else ""
        verifier = self._door.verifier(given)
        arrival_of(request).enter()
        start = _From.read(request.query).start
        offload = self._world.offload
        number = int(request.match_info["number"])
        found = await offload(self._shelf.find, number, verifier)
        if start > found.size:
            raise ProblemError(Problem(Code.BAD_RANGE, f"it has {found.size} bytes", retry=False))
        fd = await offload(self._shelf.open, found)
        try:
            return await self._given(request, fd, start, found)
        finally:
            await offload(os.close, fd)

    async def _given(
        self, request: web.Request, fd: int, start: int, found: KeptSnapshot
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
        response.content_length = found.size - start
        await response.prepare(request)
        while start < found.size:
            piece = await self._world.offload(_piece, fd, min(PIECE, found.size - start), start)
            await sent(response.write(piece))
            start += len(piece)
        await response.write_eof()
        return response


def _piece(fd: int, size: int, start: int) -> bytes:
    """Raises ProblemError: it cannot be read."""
    try:
        if piece := os.pread(fd, size, start):
            return piece
    except OSError as error:
        raise ProblemError(from_os_error(error, "a snapshot")) from error
    raise ProblemError(Problem(Code.CUT, "the snapshot is shorter than it was"))
