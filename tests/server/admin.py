"""Commands to a server that runs in this process."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from cargo_sync.api.client import Client, CommandError
from cargo_sync.config.server import load_server
from cargo_sync.server import app
from cargo_sync.server.server import Up


@asynccontextmanager
async def governed(file: Path) -> AsyncIterator[Up]:
    """A server until it is told to end: signals reach only one in a process."""
    up: asyncio.Future[Up] = asyncio.get_running_loop().create_future()
    server = asyncio.ensure_future(app.run(load_server(str(file), os.environ), ready=up.set_result))
    server.add_done_callback(lambda _: up.done() or up.cancel())
    await asyncio.wait({up})
    if server.done():
        server.result()
    try:
        yield up.result()
    finally:
        if not server.done():
            await ask(up.result(), "shutdown")
        await asyncio.wait_for(server, 60)


async def ask(up: Up, cmd: str, /, **args: Any) -> Any:
    """The result; or the error's code and message."""

    def call() -> Any:
        with Client(up.control[0].commands) as client:
            try:
                return client.call(cmd, args)
            except CommandError as error:
                return error.code, error.message

    return await asyncio.to_thread(call)
