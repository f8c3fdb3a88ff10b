"""How exactly a running flow follows a changed speed: 50, 200, 20 Mbit/s, over loopback, both ways.

The server runs in its own process; the client's tree runs in this one. After each change the lane
has one second to settle. The bytes that arrive in the next five seconds are compared with the speed
that was set: in a download the bytes of frames at the client, in an upload the growth of the
server's staged files.

    .venv/bin/python -m benchmarks.speeds
"""

import asyncio
import random
import secrets
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.programs import USER, Programs, until
from cargo_sync.local.ages import MemoryAges
from cargo_sync.local.ledger import MemoryLedger
from cargo_sync.local.parts import MemoryCheckpoints
from cargo_sync.local.space import SpaceLedger
from cargo_sync.model import entries
from cargo_sync.model.actions import Action, Op
from cargo_sync.model.entries import Entry
from cargo_sync.model.jobs import DIRECTIONS, Mode, Rules
from cargo_sync.model.world import T, Ts, World
from cargo_sync.trees.cargo.api import Api, ServerLogin
from cargo_sync.trees.cargo.tree import CargoTree
from cargo_sync.trees.contract import Delta, NearTree, Task, Whole
from cargo_sync.trees.folder import FolderTree

ASKED: Final = (50_000_000, 200_000_000, 20_000_000)
SETTLE: Final = 1.0
SECONDS: Final = 5.0
SIZE: Final = 1 << 30
SEGMENT: Final = 65_483
"""Bytes of content in a full TCP segment on Linux's loopback; its headers have 52 more."""
PROMISED: Final = 2.0


async def thread(work: Callable[[*Ts], T], *args: *Ts) -> T:
    """Run `work` in a thread; its result."""
    return await asyncio.to_thread(work, *args)


REAL: Final = World(
    time.time, time.monotonic, random.random, partial(secrets.token_hex, 16), thread, time.time
)


async def measured(mode: Mode, place: Path, url: str) -> float:
    """Print one line per speed; the greatest deviation in percent."""
    near = FolderTree(
        str(place / mode),
        Rules("speeds", mode),
        REAL,
        MemoryCheckpoints(),
        SpaceLedger(),
        MemoryAges(time.time),
        MemoryLedger(time.time),
        lambda: None,
    )
    api = Api(ServerLogin(url, USER, lambda: USER), REAL.steady)
    far = CargoTree(api, "default", mode.value, REAL, asyncio.Semaphore(1))
    await near.open()
    await far.open()
    source = await _found(near if mode is Mode.UPLOAD else far)
    task = Task(Action(Op.PUT, "large", source), secrets.token_hex(16))
    going = asyncio.create_task(_moved(mode, near, far, task))
    worst = 0.0
    try:
        while not ((figures := far.flows.figures().get(mode)) and figures.content):
            await asyncio.sleep(0.05)
        for asked in ASKED:
            await far.set_speed(asked)
            await asyncio.sleep(SETTLE)
            before, began = _arrived(mode, place, far), time.monotonic()
            await asyncio.sleep(SECONDS)
            sent, seconds = _arrived(mode, place, far) - before, time.monotonic() - began
            got = 8 * sent * (SEGMENT + 52) / SEGMENT / seconds
            off = 100 * (got / asked - 1)
            worst = max(worst, abs(off))
            print(f"{mode:8}  asked {asked / 1e6:5.0f}  got {got / 1e6:7.2f} Mbit/s  {off:+5.2f}%")
    finally:
        going.cancel()
        await asyncio.gather(going, return_exceptions=True)
        await far.close()
        await near.close()
    return worst


async def _found(tree: NearTree | CargoTree) -> Entry:
    """The entry of the only file, when the tree has found it."""
    while True:
        async for seen in tree.observe(0):
            if isinstance(seen, Delta):
                found = [
                    entry for path, entry in seen.changes if path == "large" and entry is not None
                ]
            else:
                listings = [one.listing for one in seen if isinstance(one, Whole) and not one.path]
                found = [entry for listing in listings for entry in entries.decode(listing)]
            if named := [entry for entry in found if entry.name == "large"]:
                return named[-1]
        await asyncio.sleep(0.1)


async def _moved(mode: Mode, near: NearTree, far: CargoTree, task: Task) -> None:
    async def batches() -> AsyncIterator[list[Task]]:
        yield [task]

    async for _ in far.transfer(mode, near, batches(), ASKED[0], "20260101T000000Z-aaaaaaaa"):
        pass


def _arrived(mode: Mode, place: Path, far: CargoTree) -> int:
    """The bytes that have arrived so far."""
    if mode is Mode.UPLOAD:
        return sum(part.stat().st_size for part in (place / "files/.cargo_sync/staging").iterdir())
    figures = far.flows.figures().get(mode)
    assert figures is not None, "the transfer ended before the measurement did"
    return figures.wire


def main() -> int:
    """Run the measurement; the exit code is 1 if the promise is broken."""
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(prefix="cargo-speeds-", dir=memory) as folder:
        place = Path(folder)
        for one in ("files/download", "files/upload", "upload", "download"):
            (place / one).mkdir(parents=True)
        for one in ("upload", "files/download"):
            with (place / one / "large").open("wb") as file:
                file.truncate(SIZE)
        programs = Programs(place, {}, server={"settle": 0})
        try:
            programs.start("server")
            until(programs.listens, "the server answers")
            url = f"http://127.0.0.1:{programs.port}"
            worst = max(asyncio.run(measured(mode, place, url)) for mode in DIRECTIONS)
        finally:
            programs.close()
    print(f"promised: at most {PROMISED:g}% off over {SECONDS:g} s; the worst was {worst:.2f}%")
    return int(worst > PROMISED)


if __name__ == "__main__":
    sys.exit(main())
