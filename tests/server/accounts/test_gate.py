"""So many logins at once, so many waiting; the next one is asked to come later."""

import asyncio

import pytest

from cargo_sync.model.problems import LaterError
from cargo_sync.server.accounts.gate import LoginGate


async def test_only_so_many_log_in_at_once() -> None:
    gate = LoginGate(at_once=1, waiting=1)
    async with gate:
        second = asyncio.ensure_future(gate.__aenter__())
        await asyncio.sleep(0)
        with pytest.raises(LaterError, match="too many"):
            await gate.__aenter__()
    await second
    await gate.__aexit__(None, None, None)
    async with gate:
        pass
