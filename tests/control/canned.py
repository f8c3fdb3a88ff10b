"""A daemon or server in a thread that answers from a table, for tests of synchronous clients."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

from cargo_sync.api import daemon_commands, server_commands
from cargo_sync.api.addresses import Addresses, keys_dir
from cargo_sync.api.keys import ClientKey
from cargo_sync.api.line import new_pair
from cargo_sync.api.messages import ControlError
from cargo_sync.control.audit import MemoryAudit
from cargo_sync.control.endpoint import Endpoint
from cargo_sync.control.keyring import Keyring
from cargo_sync.control.nouns.feed import FeedHandlers
from cargo_sync.control.nouns.key import KeyHandlers
from cargo_sync.control.once import MemoryDeduplicate
from cargo_sync.control.publisher import Publisher
from cargo_sync.control.router import Router
from cargo_sync.control.routes import Noun, routed
from tests.control.raw import RawHandler, raw_routes
from tests.offloads import inline

NOW = 1_700_000_000.0
PATIENCE = 60.0
"""Seconds after which nothing will come any more, however busy the machine is."""
Answer = (
    dict[str, Any]
    | ControlError
    | Callable[[dict[str, Any]], dict[str, Any] | Awaitable[dict[str, Any]]]
)


class Canned:
    """A daemon in a thread. `asked` lists its requests; `tell` calls a function in its thread."""

    def __init__(self, answers: Mapping[str, Answer], **options: Any) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.addresses = Addresses("", "")
        self.ports: list[Addresses] = []
        self.audit = MemoryAudit()
        self.keyring: Keyring | None = None
        self._options = options
        self._answers = answers
        self._publisher: Publisher | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None

    def tell(self, telling: Callable[[Publisher], None]) -> None:
        """Runs `telling` in the daemon's thread; new subscribers get a replay of its messages."""
        assert self._loop is not None
        assert self._publisher is not None
        asyncio.run_coroutine_threadsafe(self._tell(telling), self._loop).result(PATIENCE)

    def tell_subscribers(self, topic: str, telling: Callable[[Publisher], None]) -> None:
        """The same, when a subscription to a topic has arrived: so that is heard as it comes."""
        arrived, end = threading.Event(), time.monotonic() + PATIENCE

        def look(publisher: Publisher) -> None:
            if publisher.has_subscribers(topic):
                telling(publisher)
                arrived.set()

        while not arrived.is_set():
            assert time.monotonic() < end, f"nobody subscribed to {topic}"
            self.tell(look)

    def publish(self, topic: str, type: str, fields: dict[str, Any]) -> None:
        """Publishes from within a handler, which runs in the daemon's thread already."""
        assert self._publisher is not None
        self._publisher.publish(topic, type, fields)

    async def _tell(self, telling: Callable[[Publisher], None]) -> None:
        assert self._publisher is not None
        telling(self._publisher)

    def end(self) -> None:
        if self._loop is not None and self._task is not None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._task.cancel)

    def made_key(self, name: str, role: str) -> ClientKey:
        """Makes a key that the first port accepts."""
        assert self.keyring is not None
        public, secret = new_pair()
        self.keyring.add(name, public, role)
        return ClientKey(
            self.ports[0].commands, self.keyring.own.public, public, secret, role, name
        )

    async def serve(self, runtime: str, instance: str, ready: threading.Event) -> None:
        keys = keys_dir({"XDG_CONFIG_HOME": runtime}, instance)
        with Endpoint(
            runtime, instance, epoch="e1", now=lambda: NOW, keys=keys, **self._options
        ) as endpoint:
            self.addresses = endpoint.addresses
            self.ports = [port.addresses for port in endpoint.ports]
            self.keyring = endpoint.keyring
            self._publisher, self._loop = endpoint.publisher, asyncio.get_running_loop()
            known = server_commands if instance == "server" else daemon_commands
            handlers = {cmd: self._handler(cmd) for cmd in self._answers}
            nouns: list[Noun] = [FeedHandlers(endpoint.publisher)]
            if endpoint.ports:
                nouns.append(KeyHandlers(endpoint, inline))
            routes = {**routed(nouns), **raw_routes(handlers, known.COMMANDS)}
            router = Router(routes, MemoryDeduplicate(lambda: NOW), audit=self.audit)
            self._task = asyncio.current_task()
            ready.set()
            with contextlib.suppress(asyncio.CancelledError):
                await endpoint.serve(router)

    def _handler(self, cmd: str) -> RawHandler:
        async def handle(args: dict[str, Any]) -> dict[str, Any]:
            self.asked.append((cmd, args))
            answer = self._answers[cmd]
            if isinstance(answer, ControlError):
                raise answer
            if not callable(answer):
                return answer
            found = answer(args)
            return found if isinstance(found, dict) else await found

        return handle


@contextlib.contextmanager
def canned(
    runtime: str, answers: Mapping[str, Answer], instance: str = "daemon", **options: Any
) -> Iterator[Canned]:
    """`options` are the endpoint's: control, ipc."""
    daemon = Canned(answers, **options)
    ready = threading.Event()
    # No process waits at its end for one that hangs.
    thread = threading.Thread(
        target=lambda: asyncio.run(daemon.serve(runtime, instance, ready)), daemon=True
    )
    thread.start()
    try:
        assert ready.wait(PATIENCE)
        yield daemon
    finally:
        daemon.end()
        thread.join(PATIENCE)
        assert not thread.is_alive()
