"""What a daemon and a server answer about themselves."""

from cargo_sync.api.arguments import Args
from cargo_sync.api.messages import VERSION, JsonObject
from cargo_sync.control.identity import Me
from cargo_sync.control.nouns.process import ProcessHandlers

ME = Me("0.1.0", "epoch", 1000, "host", 42, "server", 10.0, "server")


class Process:
    def __init__(self) -> None:
        self.stopped = 0
        self.handlers = ProcessHandlers(
            ME,
            ("status", "hello"),
            status=lambda: {"state": "synced"},
            reload=self._reload,
            stop=self._stop,
            steady=lambda: 12.34567,
        )

    async def _reload(self) -> JsonObject:
        return {"errors": ["bad"]}

    def _stop(self) -> None:
        self.stopped += 1


async def test_it_says_who_it_is_and_how_long_it_has_been_up() -> None:
    handlers = Process().handlers
    assert await handlers.hello(Args()) == {
        "versions": {"api": VERSION, "cargo": "0.1.0"},
        "epoch": "epoch",
        "uid": 1000,
        "host": "host",
        "pid": 42,
        "instance": "server",
        "kind": "server",
        "supports": ["hello", "status"],
    }
    assert await handlers.status(Args()) == {"state": "synced", "uptime_s": 2.346}


async def test_it_reloads_and_ends() -> None:
    process = Process()
    assert await process.handlers.reload(Args()) == {"errors": ["bad"]}
    assert process.stopped == 0
    assert await process.handlers.shutdown(Args()) == {}
    assert process.stopped == 1
