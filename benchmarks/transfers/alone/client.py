"""A client without files: it sends what nobody has written, and forgets what it receives.

It lives in a process of its own and takes orders over a pipe: a `Folder`, which it answers when
everything but the flow is ready, then anything, which it answers when all was moved. An answer is
"", or says what failed.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from typing import Final

from benchmarks.transfers.alone.ends import NoDisk, NoFiles
from benchmarks.transfers.workloads import MIB, Direction, Workload
from cargo_sync.lanes.receiver import Receiver
from cargo_sync.lanes.sender import Sender
from cargo_sync.lanes.threads import LaneThread
from cargo_sync.model.entries import FILE, Entry
from cargo_sync.model.jobs import Mode
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.model.transfers import Offer, Receipt
from cargo_sync.trees.cargo import replies, requests
from cargo_sync.trees.cargo.api import Api, ServerLogin
from cargo_sync.trees.cargo.opening import GrantedFlow, end_flow, open_flow

WORKSPACE: Final = "default"
RUN: Final = "20260101T000000Z-aaaaaaaa"
BATCH_FILES: Final = 2_000
BATCH_BYTES: Final = 256 * MIB
"""The most files of a batch, and about so many bytes, as a job has them."""


@dataclass(frozen=True, slots=True)
class Login:
    """A server, and how to log in. `fingerprint` is "" over plain HTTP."""

    url: str
    username: str
    password: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Folder:
    """The files of a workload, to be moved to or from this folder of the server."""

    workload: Workload
    direction: Direction
    name: str


def serve(orders: Connection, login: Login) -> None:
    """Takes orders until the pipe is closed."""
    asyncio.run(_serve(orders, login))


async def _serve(orders: Connection, login: Login) -> None:
    password = login.password
    known = ServerLogin(login.url, login.username, lambda: password, login.fingerprint)
    api = Api(known, time.monotonic)
    try:
        while True:
            folder: Folder = await asyncio.to_thread(orders.recv)
            try:
                batches = _batches(await _offers(api, folder))
                orders.send("")
                await asyncio.to_thread(orders.recv)
                await _move(api, folder, batches)
                orders.send("")
            except ProblemError as error:
                orders.send(str(error))
    except EOFError:
        await api.close()


# -- before the clock runs -------------------------------------------------------------------------


async def _offers(api: Api, folder: Folder) -> list[Offer]:
    """What is to be moved. The folders for an upload are made."""
    if folder.direction is Direction.DOWN:
        return [
            Offer(path, one.size, one.mtime_ns, one.mode, one.version, one.ident, _transfer(number))
            async for number, path, one in _listed(api, folder.name)
        ]
    await _make_folders(api, folder)
    return [
        Offer(path, folder.workload.size, 1, 0o644, 1, number, _transfer(number))
        for number, path in enumerate(folder.workload.paths(), 1)
    ]


async def _make_folders(api: Api, folder: Folder) -> None:
    made = {folder.name: None}
    for path in folder.workload.paths():
        *above, _ = path.split("/")
        made |= {"/".join([folder.name, *above[: n + 1]]): None for n in range(len(above))}
    todo = [requests.operation("mkdir", path) for path in made]
    for start in range(0, len(todo), BATCH_FILES):
        part = todo[start : start + BATCH_FILES]
        await api.post(
            f"/workspaces/{WORKSPACE}/operations",
            partial(replies.results, len(part)),
            requests.operations(part, RUN),
        )


async def _listed(api: Api, folder: str) -> AsyncIterator[tuple[int, str, Entry]]:
    """The files that the server knows below a folder: number, path, entry."""
    since, more = 0, True
    while more:
        page = await api.get(
            f"/workspaces/{WORKSPACE}/changes",
            replies.changes,
            since=since,
            under=folder,
            limit=replies.ROWS,
        )
        for number, (path, entry) in enumerate(page.changes, since):
            if entry is not None and entry.kind == FILE:
                yield number, path, entry
        since, more = page.next, page.more


def _transfer(number: int) -> str:
    return f"{number:032x}"


def _batches(offers: Sequence[Offer]) -> list[Sequence[Offer]]:
    """The offers in batches. All files have the same size."""
    size = max(1, offers[0].size)
    many = max(1, min(BATCH_FILES, BATCH_BYTES // size))
    return [offers[start : start + many] for start in range(0, len(offers), many)]


# -- while it runs ---------------------------------------------------------------------------------


async def _move(api: Api, folder: Folder, batches: Sequence[Sequence[Offer]]) -> None:
    """Moves everything over one flow.

    Raises:
        ProblemError: the lane ended early, or a file failed.
    """
    mode = Mode.UPLOAD if folder.direction is Direction.UP else Mode.DOWNLOAD
    opened = await open_flow(api, mode, (WORKSPACE, folder.name), None, RUN)
    try:
        await asyncio.to_thread(_carry, opened, mode, batches, folder.workload.bytes)
    finally:
        await end_flow(api, opened.flow)


def _carry(opened: GrantedFlow, mode: Mode, batches: Sequence[Sequence[Offer]], size: int) -> None:
    sock, link = opened.connect(time.monotonic)
    failed: list[Receipt] = []

    def on_receipts(_: int, receipts: list[Receipt]) -> None:
        failed.extend(one for one in receipts if one.code != replies.DONE)

    sink = NoDisk()
    machine: Sender | Receiver
    if mode is Mode.UPLOAD:
        machine = sender = Sender(
            link, NoFiles(), time.monotonic, client=True, on_receipts=on_receipts
        )
        hand_over = sender.offer
    else:
        machine = receiver = Receiver(
            link, sink, time.monotonic, client=True, on_receipts=on_receipts
        )
        hand_over = receiver.ask
    for number, offers in enumerate(batches):
        hand_over(number, offers)
    machine.finish()
    lane = LaneThread(machine, sock, "lane", lambda _: None)
    lane.start()
    lane.join()
    if machine.problem is not None:
        raise ProblemError(machine.problem)
    if failed:
        raise ProblemError(Problem.received(failed[0].code, failed[0].message))
    if mode is Mode.DOWNLOAD and sink.received != size:
        short = f"{sink.received:,} bytes came instead of {size:,}"
        raise ProblemError(Problem(Code.INTERNAL, short))
