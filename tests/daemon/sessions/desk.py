"""A daemon's sessions without sockets: real folders, a real state, commands as from the router."""

import asyncio
import random
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from cargo_sync.admission.bandwidth import Shares
from cargo_sync.admission.slots import Slots
from cargo_sync.control.routes import routed
from cargo_sync.daemon.handlers.session import SessionHandlers
from cargo_sync.daemon.sessions.files import Shared
from cargo_sync.daemon.sessions.login import look_at, open_remote
from cargo_sync.daemon.sessions.registry import Sessions
from cargo_sync.local.space import SpaceLedger
from cargo_sync.model.world import World
from cargo_sync.server.server import Up
from cargo_sync.state.ages import Ages
from cargo_sync.state.checkpoints import Checkpoints
from cargo_sync.state.database import Database
from cargo_sync.state.findings import Findings
from cargo_sync.state.orders import Orders
from cargo_sync.state.remote_uploads import RemoteUploads
from cargo_sync.state.sqlite.database import SqliteDatabase
from cargo_sync.trees.cargo.api import Apis
from cargo_sync.trees.guest import Guests
from tests.daemon.house import Board, until
from tests.offloads import in_thread

REAL = World(
    time.time, time.monotonic, random.random, partial(secrets.token_hex, 16), in_thread, time.time
)


class Desk:
    """Sends commands to sessions."""

    def __init__(self, database: Database, group: asyncio.TaskGroup, roots: list[str]) -> None:
        self.board = Board()
        self.shares = Shares()
        self.checkpoints = Checkpoints(database, time.time)
        self.sessions = Sessions(REAL, self.board, group)
        shared = Shared(
            Slots(8),
            self.shares,
            Apis(REAL.steady),
            RemoteUploads(database, time.time),
            Findings(database, time.time),
            self.checkpoints,
            SpaceLedger(),
            Ages(database, time.time),
            Orders(database, time.time),
            Guests(),
            set(),
            lambda: roots,
        )
        enter = partial(open_remote, shared=shared, world=REAL)
        self._routes = routed([SessionHandlers(self.sessions, enter, partial(look_at, world=REAL))])
        self.session = ""

    async def call(self, verb: str, **args: Any) -> dict[str, Any]:
        """Sends one command, to the session that was opened last unless another is named."""
        route = self._routes[f"session.{verb}"]
        if "session" in route.command.args:
            args.setdefault("session", self.session)
        return dict(await route.handler(route.command.decode(args)))

    async def open(self, up: Up, **args: Any) -> dict[str, Any]:
        fields = {"url": up.api, "username": "ana", "password": "correct horse"}
        opened = await self.call("open", **(fields | {"tls_fingerprint": up.fingerprint} | args))
        self.session = opened["session"]
        return opened

    async def row(self, transfer: str, **args: Any) -> dict[str, Any]:
        rows = (await self.call("show", **args))["transfers"]
        [row] = [row for row in rows if row["transfer"] == transfer]
        return dict(row)

    async def ended(self, verb: str, **args: Any) -> dict[str, Any]:
        """Runs a get or put to its end, and returns its last message."""
        transfer = (await self.call(verb, **args))["transfer"]
        return await self.end(transfer, session=args.get("session", self.session))

    async def end(self, transfer: str, **args: Any) -> dict[str, Any]:
        async with asyncio.timeout(60):
            while (row := await self.row(transfer, **args))["state"] == "running":
                await asyncio.sleep(0.01)
        return row


@asynccontextmanager
async def desk(state: Path, roots: list[str] | None = None) -> AsyncIterator[Desk]:
    """A desk with the state in a folder; at the end of the block everything is stopped."""
    with SqliteDatabase.open(str(state / "state.db"), "daemon") as database:
        async with asyncio.TaskGroup() as group:
            one = Desk(database, group, roots or [])
            ticking = group.create_task(one.sessions.run())
            try:
                yield one
            finally:
                ticking.cancel()


__all__ = ["Desk", "desk", "until"]
