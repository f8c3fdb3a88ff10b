"""The published program's file servers: they register, and get extra copies of texts."""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

from cargo_sync.backup_protocol import text
from cargo_sync.backup_protocol.file_server import (
    LONGEST_PIECE,
    REGISTERED,
    UNREGISTERED,
    CopyResult,
    RegistrationRequest,
    extra_copy,
)
from cargo_sync.backup_protocol.messages import BackupRefusal
from cargo_sync.model.world import World
from cargo_sync.process.doors import Arrival
from cargo_sync.process.metrics import Family
from cargo_sync.process.tasks import contained
from cargo_sync.server.backup.extra_copies import MISSED, Ask, ExtraCopies, Pause, ask, pause
from cargo_sync.state.file_servers import FileServerRows

MOST: Final = 16
"""File servers on the list, at most."""
DEADLINE: Final = 10.0
"""Seconds for a registration."""

_log = logging.getLogger(__name__)


class FileServers:
    """The file servers on the list, from `start` to `close`.

    Args:
        allow: networks from which they may register, beside this machine.
        rows: the list.
        world: clock, chance and threads.
        pause, asked: how it waits, and reaches a file server.
    """

    def __init__(
        self,
        allow: Iterable[str],
        rows: FileServerRows,
        world: World,
        pause: Pause = pause,
        asked: Ask = ask,
    ) -> None:
        self._allow = [ip_network(one) for one in allow]
        self._rows = rows
        self._world = world
        self._pause = pause
        self._ask = asked
        self._counts: Counter[str] = Counter()
        self._there: dict[str, tuple[ExtraCopies, asyncio.Task[None]]] = {}

    async def start(self) -> None:
        """Takes up the list."""
        for address in await self._world.offload(self._rows.all):
            if self._may(address):
                self._begin(address)

    async def close(self) -> None:
        """Ends all copies; those that waited are not made."""
        tasks = [task for _, task in self._there.values()]
        self._there.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def copy(self, id: str, name: str, content: bytes) -> None:
        """Queues an extra copy of a text in UTF-8 for each file server; returns at once."""
        if not self._there:
            return
        made = extra_copy(id, content)
        for copies, _ in self._there.values():
            copies.add(made, name)

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, arrival: Arrival
    ) -> None:
        """Answers one connection at the registration port.

        Raises:
            OSError, TimeoutError: the file server is gone.
        """
        try:
            async with asyncio.timeout(DEADLINE):
                enrols = await _requested(reader)
                if enrols is None:
                    return
                arrival.enter()
                answer = await self._registered(_plain(arrival.ip), enrols)
        except BackupRefusal as refused:
            answer = refused.sentence
        if writer.is_closing():
            raise ConnectionResetError("the file server is gone")
        async with asyncio.timeout(DEADLINE):
            writer.write(text.sentence(answer))
            await writer.drain()

    def families(self) -> Iterable[Family]:
        """Their metrics."""
        yield Family.one(
            "cargo_server_file_servers", "gauge", "File servers on the list.", len(self._there)
        )
        yield Family(
            "cargo_server_extra_copies_total",
            "counter",
            "Files for which a file server was to have an extra copy, by what came of it.",
            [({"result": result}, self._counts[result]) for result in (*CopyResult, MISSED)],
        )

    async def _registered(self, address: str, enrols: bool) -> str:
        """Does what a file server asked for; returns the answer."""
        if not self._may(address):
            _log.warning("a file server at %s may not register: see file_servers.allow", address)
            raise BackupRefusal("Este endereço não pode cadastrar um servidor")
        if not enrols:
            await self._leave(address)
            _log.info("file server %s left the list", address)
            return UNREGISTERED
        if address not in self._there:
            if len(self._there) >= MOST:
                raise BackupRefusal(f"Já há {MOST} servidores cadastrados")
            self._begin(address)
            await self._world.offload(self._rows.add, address, self._world.wall())
            _log.info("file server %s is on the list", address)
        return REGISTERED

    def _begin(self, address: str) -> None:
        copies = ExtraCopies(address, self._counts, self._world.chance, self._pause, self._ask)
        task = asyncio.create_task(contained(self._served(copies), f"file server {address}"))
        self._there[address] = copies, task

    async def _served(self, copies: ExtraCopies) -> None:
        await copies.run()
        self._there.pop(copies.address, None)
        await self._world.offload(self._rows.remove, copies.address)
        _log.warning(
            "file server %s does not answer and is off the list: register it again (cadastrar) "
            "when it runs",
            copies.address,
        )

    async def _leave(self, address: str) -> None:
        await self._world.offload(self._rows.remove, address)
        copies, task = self._there.pop(address, (None, None))
        if copies is not None and task is not None:
            self._counts[MISSED] += len(copies)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _may(self, address: str) -> bool:
        """Whether a file server at this address may be on the list."""
        there = ip_address(address)
        return there.is_loopback or any(there in network for network in self._allow)


async def _requested(reader: asyncio.StreamReader) -> bool | None:
    request = RegistrationRequest()
    while piece := await reader.read(LONGEST_PIECE):
        if (enrols := request.feed(piece)) is not None:
            return enrols
    return None


def _plain(address: str) -> str:
    """An IPv4 address as such, also where a socket for IPv6 writes it in its own form."""
    there = ip_address(address.partition("%")[0])
    mapped = there.ipv4_mapped if isinstance(there, IPv6Address) else None
    return str(mapped or there)
