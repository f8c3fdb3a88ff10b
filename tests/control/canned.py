"""A daemon in a thread that answers from a table, for tests of synchronous clients."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cargo_sync.api.addresses import Addresses
from cargo_sync.api.messages import ControlError
from cargo_sync.control.endpoint import Endpoint
from cargo_sync.control.once import MemoryDeduplicate
from cargo_sync.control.publisher import Publisher
from cargo_sync.control.router import Handler, Router

NOW = 1_700_000_000.0
Answer = dict[str, Any] | ControlError | Callable[[dict[str, Any]], dict[str, Any]]


class Canned:
    """`asked` lists the requests that came; `tell` runs something with the publisher, in its thread."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.addresses = Addresses("", "")
        self._answers = answers
        self._publisher: Publisher | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None

    def tell(self, telling: Callable[[Publisher], None]) -> None:
        """Run `telling`; what it publishes before anybody subscribes is replayed to who does."""
        assert self._loop is not None
        assert self._publisher is not None
        asyncio.run_coroutine_threadsafe(self._tell(telling), self._loop).result(5)

    def publish(self, topic: str, type: str, fields: dict[str, Any]) -> None:
        """Publish from within an answer, which runs in the daemon's thread already."""
        assert self._publisher is not None
        self._publisher.publish(topic, type, fields)

    async def _tell(self, telling: Callable[[Publisher], None]) -> None:
        assert self._publisher is not None
        telling(self._publisher)

    def end(self) -> None:
        if self._loop is not None and self._task is not None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._task.cancel)

    async def serve(self, runtime: str, instance: str, ready: threading.Event) -> None:
        with Endpoint(runtime, instance, epoch="e1", now=lambda: NOW) as endpoint:
            self.addresses = endpoint.addresses
            self._publisher, self._loop = endpoint.publisher, asyncio.get_running_loop()
            handlers = {cmd: self._handler(cmd) for cmd in self._answers}
            self._task = asyncio.current_task()
            ready.set()
            with contextlib.suppress(asyncio.CancelledError):
                await endpoint.serve(Router(handlers, MemoryDeduplicate(lambda: NOW)))

    def _handler(self, cmd: str) -> Handler:
        async def handle(args: dict[str, Any]) -> dict[str, Any]:
            self.asked.append((cmd, args))
            answer = self._answers[cmd]
            if isinstance(answer, ControlError):
                raise answer
            return answer(args) if callable(answer) else answer

        return handle


@contextlib.contextmanager
def canned(runtime: str, answers: Mapping[str, Answer], instance: str = "daemon") -> Iterator[Canned]:
    daemon = Canned(answers)
    ready = threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(daemon.serve(runtime, instance, ready)))
    thread.start()
    try:
        assert ready.wait(5)
        yield daemon
    finally:
        daemon.end()
        thread.join(5)
