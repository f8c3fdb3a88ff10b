"""JSON bodies: what users may send at the same time, and what is never built in memory."""

import asyncio
import io
from pathlib import Path
from unittest.mock import Mock

import pytest
from aiohttp import StreamReader, web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.test_utils import make_mocked_request

from cargo_sync.machines.budget import Amount, Budgets
from cargo_sync.model.problems import ProblemError
from cargo_sync.process.http.limits import Bodies
from tests.offloads import inline
from tests.server.house import living


class Sending:
    """A request whose body comes as the test says."""

    def __init__(self, bodies: Bodies, user: str) -> None:
        self._stream = StreamReader(Mock(BaseProtocol), 2**16)
        self.request: web.Request = make_mocked_request("POST", "/", payload=self._stream)
        self.read = asyncio.ensure_future(bodies.read(self.request, user))

    async def send(self, content: bytes, *, last: bool = False) -> None:
        self._stream.feed_data(content)
        if last:
            self._stream.feed_eof()
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def whole(self) -> object:
        await self.send(b'{"a":1}' + b" " * 33, last=True)
        return await self.read


async def test_unfinished_bodies_of_a_user_have_a_budget_together() -> None:
    budgets = Budgets(Amount(0, 50), user=2, server=3)
    bodies = Bodies(inline, budgets)
    slow = [Sending(bodies, "ana") for _ in range(2)]
    for one in slow:
        await one.send(b'{"a":1,' + b" " * 33)
    with pytest.raises(ProblemError, match="too much is being sent"):
        await Sending(bodies, "ana").whole()
    assert await Sending(bodies, "ben").whole() == {"a": 1}
    await slow[0].send(b'"b":2}', last=True)
    assert await slow[0].read == {"a": 1, "b": 2}
    assert await Sending(bodies, "ana").whole() == {"a": 1}
    slow[1].read.cancel()
    await asyncio.wait([slow[1].read])
    assert budgets.held() == (0, 0)


async def test_millions_of_values_are_not_built(tmp_path: Path) -> None:
    lists = b'{"operations":[' + b"[]," * 2**20 + b"[]]}"
    async with living(tmp_path) as house:
        answer = await house.call("POST", "/v1/workspaces/default/operations", io.BytesIO(lists))
    assert answer.code == "bad_request"
    assert "more than 65,536 values" in answer.json["error"]["message"]
