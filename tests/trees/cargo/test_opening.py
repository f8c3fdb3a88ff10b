"""How a flow is opened: who decides about its keys."""

from typing import Any

import pytest

from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.trees.cargo.api import Api, ServerLogin
from cargo_sync.trees.cargo.opening import open_flow
from cargo_sync.trees.cargo.replies import Decoder, T
from cargo_sync.trees.cargo.requests import Body

KEYS = {"up": "01" * 32, "down": "02" * 32}


class Answered(Api):
    """A server that gives what a test wants."""

    def __init__(self, scheme: str, **lane: Any) -> None:
        super().__init__(ServerLogin(f"{scheme}://files.example", "ana", lambda: ""), lambda: 0.0)
        self._lane = {"port": 9, "token": "ab" * 16, "auth": "cd" * 32} | lane
        self.calls: list[object] = []

    async def post(self, path: str, reply: Decoder[T], body: Body) -> T:
        self.calls.append(body["sealed"])
        return reply({"flow": "f1", "lane": self._lane, "granted": None})

    async def delete(self, path: str) -> None:
        self.calls.append(path)


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_the_address_of_the_api_decides_about_encryption(scheme: str) -> None:
    api = Answered(scheme, **KEYS)
    opened = await open_flow(api, Mode.UPLOAD, ("default", ""), None, "run")
    assert (opened.host, opened.port, opened.speed) == ("files.example", 9, None)
    assert opened.sealed is (scheme == "https")
    assert api.calls == [opened.sealed]


async def test_a_server_cannot_switch_off_encryption() -> None:
    api = Answered("https")
    with pytest.raises(ProblemError, match="reached over TLS") as caught:
        await open_flow(api, Mode.DOWNLOAD, ("default", ""), None, "run")
    assert caught.value.problem.code is Code.BAD_ANSWER
    assert "X-Forwarded-Proto" in caught.value.problem.hint
    assert api.calls == [True, "/flows/f1"], "the flow is ended"
