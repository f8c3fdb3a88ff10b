"""One trial from its beginning to its end, and its table."""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import aiohttp

from tests.e2e.processes import PASSWORD, USER
from tests.many_servers import troubles
from tests.many_servers.chain import Story, wrong
from tests.many_servers.fleet import WORKSPACE, Fleet
from tests.many_servers.troubles import Climate
from tests.many_servers.writers import MIB, Reading, RefusedError, Tally, session, write_all

ALIVE: Final = 120.0
"""Seconds in which all servers must answer for all files again."""
RESTORED: Final = 20
"""Versions that are brought back from the trash, and read."""


class Plan(NamedTuple):
    """A trial.

    writes   acknowledged versions
    seconds  over which they are spread
    """

    clients: int
    paths: int
    writes: int
    seconds: float
    climate: Climate
    seed: str = "1"


class Result(NamedTuple):
    """What became of it; `wrong` is empty if all is well."""

    tally: Tally
    happened: Counter[str]
    versions: int
    restored: int
    seconds: float
    wrong: Sequence[str]
    balancer: str


async def tell(fleet: Fleet, plan: Plan) -> Result:
    """Clients write while the programs are troubled; then what is there is looked at."""
    tally, happened, began = Tally(), Counter[str](), time.monotonic()
    paths = [f"{number % 20:02}/{number:04}.bin" for number in range(plan.paths)]

    def progress() -> float:
        return len(tally.acknowledged) / plan.writes

    async with asyncio.TaskGroup() as group:
        making = group.create_task(troubles.make(fleet, plan.climate, progress, happened))
        await write_all(
            fleet.url, tally, plan.clients, paths, plan.writes, plan.seconds, plan.seed, making.done
        )
    seconds = time.monotonic() - began
    await asyncio.to_thread(fleet.start_again)
    now = await _everywhere(fleet, paths)
    history = await asyncio.to_thread(_history, fleet)
    trash, restored, bad = await _trash(fleet)
    story = Story(tally.tried, tally.acknowledged, history, now, trash)
    found = [*tally.hopeless, *wrong(story), *bad, *fleet.unexpected()]
    versions = sum(map(len, history.values()))
    return Result(tally, happened, versions, restored, seconds, found, fleet.balancer)


def table(result: Result) -> str:
    """The result, for people."""
    tally = result.tally
    lines = [f"balancer: {result.balancer}", "", f"{'what was done':40} {'times':>8}"]
    lines += [f"{what:40} {times:8}" for what, times in sorted(result.happened.items())]
    lines += ["", f"{'what clients were told':40} {'times':>8}"]
    lines += [f"{what:40} {times:8}" for what, times in sorted(tally.told.items())]
    lines += ["", *(f"WRONG: {what}" for what in result.wrong[:20])]
    lines.append(
        f"servers: {len(tally.acknowledged)} writes acknowledged ({tally.bytes / MIB:.1f} MiB) in "
        f"{result.seconds:.0f} s, the longest after {tally.longest:.1f} s; {result.versions} "
        f"versions in the history, {result.restored} of them brought back; "
        f"{len(result.wrong)} wrong"
    )
    return "\n".join(lines)


# -- within ----------------------------------------------------------------------------------------


async def _everywhere(fleet: Fleet, paths: Sequence[str]) -> dict[str, dict[str, str]]:
    """The hash of each file, as each server gives it."""
    found = dict[str, dict[str, str]]()
    turns = asyncio.Semaphore(8)
    async with session() as opened:
        for name, one in fleet.servers.items():
            reading = Reading(opened, f"http://127.0.0.1:{one.api}")
            hashes = await asyncio.gather(*(_patiently(reading, path, turns) for path in paths))
            found[name] = {path: hash for path, hash in zip(paths, hashes, strict=True) if hash}
    return found


async def _patiently(reading: Reading, path: str, turns: asyncio.Semaphore) -> str:
    """The hash of what is at a path, as soon as it is said."""
    end = time.monotonic() + ALIVE
    while True:
        try:
            async with turns:
                return (await reading.seen(path)).hash
        except (RefusedError, aiohttp.ClientError, TimeoutError):
            if time.monotonic() > end:
                raise
            await asyncio.sleep(0.2)


def _history(fleet: Fleet) -> dict[str, list[str]]:
    """Hashes of what was written, by path, the oldest first."""
    found, since = defaultdict[str, list[str]](list), 0
    name = next(iter(fleet.servers))
    while True:
        page = fleet.call(
            name, "history", workspace=WORKSPACE, kind="uploaded", since=since, limit=1_000
        )
        for row in page["rows"]:
            found[row["path"]].append(row["hash"])
        if not page["more"]:
            return found
        since = page["next"]


async def _trash(fleet: Fleet) -> tuple[set[str], int, list[str]]:
    """Hashes of what is in the trash; how many were brought back; what was wrong with them."""
    async with session() as opened:
        login = {"username": USER, "password": PASSWORD}
        async with opened.post(f"{fleet.url}/v1/login", json=login) as answer:
            bearer = {"Authorization": f"Bearer {(await answer.json())['token']}"}
        async with aiohttp.ClientSession(headers=bearer) as asking:
            rows = await _rows(asking, fleet)
            some = rows[:: max(1, len(rows) // RESTORED)][:RESTORED]
            url = f"{fleet.url}/v1/workspaces/{WORKSPACE}/trash/restore"
            reading, bad = Reading(opened, fleet.url), []
            for row in some:
                body = {"ids": [row["id"]], "to": f"back/{row['id']}"}
                async with asking.post(url, json=body) as answer:
                    [result] = (await answer.json())["results"]
                seen = await reading.seen(f"back/{row['id']}/{row['path']}")
                if result["code"] != "done" or seen.hash != row["hash"]:
                    bad.append(f"{row['path']}: version {row['id']} did not come back: {result}")
    return {row["hash"] for row in rows}, len(some), bad


async def _rows(asking: aiohttp.ClientSession, fleet: Fleet) -> list[dict[str, Any]]:
    found, before = list[dict[str, Any]](), ""
    while True:
        url = f"{fleet.url}/v1/workspaces/{WORKSPACE}/trash?limit=1000{before}"
        async with asking.get(url) as answer:
            page = await answer.json()
        found += page["rows"]
        if page["before"] is None:
            return found
        before = f"&before={page['before']}"
