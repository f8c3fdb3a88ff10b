"""What a node may answer: nothing of it is trusted, and no other machine hears the secret."""

import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.node.node import certificate
from cargo_sync.state.nodes import NodeRow
from cargo_sync.stores.nodes.node_api import LARGEST, SOON, InventoryReply, NodeApi, StatusReply
from tests.stores.nodes.house import in_thread

HASH = "ab" * 32
STATUS: dict[str, object] = {
    "epoch": "e",
    "sequence": 1,
    "free": 2,
    "used": 3,
    "capacity": None,
    "blobs": 4,
    "damaged": {"count": 0, "found": 5, "hashes": []},
    "scrub": {
        "under_way": True,
        "rate": 8,
        "begun": 7.5,
        "ended": None,
        "blobs": 1,
        "bytes": 2,
        "damaged": 0,
    },
    "order": {"lineage": "a", "number": 9},
    "of a newer node": True,
}


class AnsweringNode:
    """Gives one answer to all requests, and keeps them.

    pin  the fingerprint of its certificate
    """

    def __init__(self) -> None:
        self.response = web.Response()
        self.heard: list[str] = []
        self.port = 0
        self.pin = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.heard.append(request.headers.get("Authorization", ""))
        given = self.response
        return web.Response(status=given.status, body=given.body, headers=given.headers)

    def api(self, pin: str = "") -> NodeApi:
        row = NodeRow(1, "cellar", "", "127.0.0.1", self.port, 1, pin or self.pin, "the secret")
        return NodeApi(row, in_thread)


@asynccontextmanager
async def answering(place: Path) -> AsyncIterator[AnsweringNode]:
    found = AnsweringNode()
    made = certificate(str(place), "")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.cert, made.key)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", found.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        found.port, found.pin = runner.addresses[0][1], made.fingerprint
        yield found
    finally:
        await runner.cleanup()


def said(value: object, status: int = 200, **headers: str) -> web.Response:
    names = {name.replace("_", "-"): text for name, text in headers.items()}
    return web.Response(status=status, body=json.dumps(value).encode(), headers=names)


async def test_only_the_pinned_certificate_hears_the_secret(tmp_path: Path) -> None:
    async with answering(tmp_path) as node:
        node.response = said(STATUS)
        stranger = node.api("00" * 32)
        with pytest.raises(ProblemError) as refused:
            await stranger.get("/status", StatusReply, SOON)
        await stranger.close()
        assert refused.value.problem.code is Code.CERTIFICATE
        assert node.heard == []
        api = node.api()
        assert (await api.get("/status", StatusReply, SOON)).damaged.found == 5
        await api.close()
        assert node.heard == ["Bearer the secret"]


async def test_an_answer_that_no_node_gives(tmp_path: Path) -> None:
    status = [
        said([]),
        said({**STATUS, "free": -1}),
        said({**STATUS, "free": "1"}),
        said({**STATUS, "epoch": ""}),
        said({**STATUS, "damaged": {}}),
        said({**STATUS, "scrub": {"under_way": True}}),
        said(STATUS, Content_Encoding="gzip"),
        web.Response(body=b" " * (LARGEST + 1)),
        web.Response(body=b"no JSON"),
    ]
    inventory = [
        said({"hashes": ["../x"], "sizes": [1]}),
        said({"hashes": [HASH], "sizes": [0]}),
        said({"hashes": HASH, "sizes": [1]}),
    ]
    async with answering(tmp_path) as node:
        api = node.api()
        for path, reply, answers in (
            ("/status", StatusReply, status),
            ("/inventory", InventoryReply, inventory),
        ):
            for node.response in answers:
                with pytest.raises(ProblemError) as refused:
                    await api.get(path, reply, SOON)
                assert refused.value.problem.code is Code.BAD_ANSWER
        await api.close()


async def test_a_refusal_is_told_and_a_redirect_is_not_followed(tmp_path: Path) -> None:
    refusal = {"error": {"code": "root_gone", "message": "the folder is gone", "hint": "mount it"}}
    async with answering(tmp_path) as node:
        api = node.api()
        codes = []
        for node.response in (
            said(refusal, 503),
            said({}, 307, Location="/n1/status"),
            web.Response(status=401),
        ):
            with pytest.raises(ProblemError) as refused:
                await api.get("/status", StatusReply, SOON)
            codes.append(refused.value.problem.code)
        await api.close()
        assert codes == [Code.ROOT_GONE, Code.REFUSED, Code.UNAUTHORIZED]
        assert len(node.heard) == 3
