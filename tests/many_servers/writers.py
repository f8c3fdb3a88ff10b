"""Clients that write the same paths through a balancer.

Each reads a version, and writes the next one only in its place (`If-Match`). An answer that is lost
is not asked for again: the next reader sees what became of it.
"""

import asyncio
import io
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import aiohttp
from blake3 import blake3

from tests.e2e.processes import PASSWORD, USER
from tests.many_servers.chain import NONE, Version
from tests.many_servers.fleet import WORKSPACE

KIB, MIB = 2**10, 2**20
SMALL: Final = 4 * KIB
LARGE: Final = 3 * MIB // 2
"""Above what is packed together in a bucket."""
DEADLINE: Final = 90.0
"""Seconds for an answer: an upload waits for a minute while the store does not answer."""
HOPELESS: Final = 300.0
"""Seconds in which one write must succeed, whatever happens."""


class Seen(NamedTuple):
    """What is at a path: its ETag, and the hash of its content."""

    etag: str = ""
    hash: str = NONE


class Tally:
    """What writers did, and what they were told.

    tried         every version, by its hash
    acknowledged  hashes, in the order of the answers
    told          refusals and lost answers
    longest       seconds until a writer had written something
    """

    def __init__(self) -> None:
        self.tried: dict[str, Version] = {}
        self.acknowledged: list[str] = []
        self.told = Counter[str]()
        self.bytes = 0
        self.longest = 0.0
        self.hopeless: list[str] = []


class Reading:
    """Reads files, from a server or the balancer."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._files = f"{url}/v1/files/{WORKSPACE}"

    async def seen(self, path: str) -> Seen:
        """What is there; nothing after a 404.

        Raises:
            aiohttp.ClientError, TimeoutError, RefusedError: there is no answer that says it.
        """
        async with self._session.get(f"{self._files}/{path}") as answer:
            if answer.status == 404:
                return Seen()
            if answer.status != 200:
                raise RefusedError(f"GET {answer.status} {await _code(answer)}")
            content = await answer.read()
            return Seen(answer.headers["ETag"], blake3(content).hexdigest())

    async def write(self, path: str, content: bytes, seen: Seen) -> bool:
        """Replaces what was seen; False if it is not there any more.

        Raises:
            aiohttp.ClientError, TimeoutError, RefusedError: it is not known to be written.
        """
        condition = {"If-Match": seen.etag} if seen.etag else {"If-None-Match": "*"}
        url = f"{self._files}/{path}"
        async with self._session.put(url, data=io.BytesIO(content), headers=condition) as answer:
            if answer.status == 412:
                return False
            if answer.status not in (201, 204):
                raise RefusedError(f"PUT {answer.status} {await _code(answer)}")
            return True


class RefusedError(Exception):
    """A server has answered, and not done it; the text is its status and code."""


def session() -> aiohttp.ClientSession:
    """Logs in with each request, and opens a connection for it.

    On a connection that is kept, aiohttp repeats a PUT whose answer was lost: then a version would
    stand in its own way.
    """
    return aiohttp.ClientSession(
        headers={"Authorization": aiohttp.encode_basic_auth(USER, PASSWORD)},
        connector=aiohttp.TCPConnector(force_close=True, limit=0),
        timeout=aiohttp.ClientTimeout(total=DEADLINE),
    )


async def write_all(
    url: str, tally: Tally, clients: int, paths: Sequence[str], writes: int, seconds: float,
    seed: str, may_end: Callable[[], bool],
) -> None:  # fmt: skip
    """So many clients write until there are so many acknowledged versions, over that time.

    After that they go on until it `may_end`.
    """
    began = time.monotonic()
    async with session() as opened:
        reading = Reading(opened, url)

        async def client(number: int) -> None:
            chance = random.Random(f"{seed}/{number}")
            while len(tally.acknowledged) < writes or not may_end():
                ahead = len(tally.acknowledged) / writes * seconds - (time.monotonic() - began)
                if ahead > 0:
                    await asyncio.sleep(ahead)
                at = time.monotonic()
                path = chance.choice(paths)
                while not await _once(reading, tally, path, chance):
                    if len(tally.acknowledged) >= writes and may_end():
                        return
                    if time.monotonic() - at > HOPELESS:
                        tally.hopeless.append(f"{path}: nobody could write for {HOPELESS:.0f} s")
                        return
                    await asyncio.sleep(0.05 + chance.random() / 5)
                tally.longest = max(tally.longest, time.monotonic() - at)

        async with asyncio.TaskGroup() as group:
            for number in range(clients):
                group.create_task(client(number))


async def _once(reading: Reading, tally: Tally, path: str, chance: random.Random) -> bool:
    """Reads and writes once; whether that was acknowledged."""
    try:
        seen = await reading.seen(path)
        size = LARGE if chance.random() < 0.01 else chance.randint(16, SMALL)
        content = chance.randbytes(size)
        hash = blake3(content).hexdigest()
        tally.tried[hash] = Version(path, seen.hash)
        if not await reading.write(path, content, seen):
            tally.told["somebody was faster (412)"] += 1
            return False
    except RefusedError as refused:
        tally.told[str(refused)] += 1
        return False
    except (aiohttp.ClientError, TimeoutError) as error:
        tally.told[f"no answer: {type(error).__name__}"] += 1
        return False
    tally.acknowledged.append(hash)
    tally.bytes += size
    return True


async def _code(answer: aiohttp.ClientResponse) -> str:
    try:
        return str((await answer.json(content_type=None))["error"]["code"])
    except (ValueError, KeyError, TypeError, aiohttp.ClientError):
        return "?"
