"""Looks at a server that tells of its changes: only what it names is listed."""

import pytest

from cargo_sync.model.jobs import DAY
from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.testing.remote import MemoryRemote
from cargo_sync.testing.remote_server import MemoryServer
from cargo_sync.trees.contract import Delta, Missed
from cargo_sync.trees.remote import feed
from cargo_sync.trees.remote.looking import RemoteLook
from tests.conformance.remotes import TELLING
from tests.offloads import inline


class Looks:
    """A look after the other, each from where the one before ended."""

    def __init__(self) -> None:
        self.server, self.now, self.cursor = MemoryServer(), 1_000.0, 0
        for path in ("a/x", "b/c/d/x", "e/x"):
            self.server.write(path, b"1")
        self.start()

    def start(self) -> None:
        remote = MemoryRemote(self.server, TELLING)
        self.look = RemoteLook(remote, inline, lambda: self.now)

    async def seen(self) -> list[str]:
        """The folders that a look tells of, those with a "!" that were missed."""
        told, cursor = list[str](), 0
        async for group in self.look.observe(self.cursor):
            if isinstance(group, Delta):
                assert not group.changes
                cursor = group.cursor
            else:
                told += [f"{one.path}!" if isinstance(one, Missed) else one.path for one in group]
        self.cursor = cursor
        assert len(set(told)) == len(told)
        return sorted(told)


ALL = ["", "a", "b", "b/c", "b/c/d", "e"]


async def test_only_what_changed_is_listed() -> None:
    looks = Looks()
    server = looks.server
    assert await looks.seen() == ALL
    before = len(server.calls)
    assert await looks.seen() == []
    assert server.calls[before:] == [("changes", "")]
    server.write("a/x", b"2")
    server.write("b/c/new/deep/x", b"1")
    server.make(".cargo_sync")
    assert await looks.seen() == ["a", "b/c", "b/c/new", "b/c/new/deep"]
    server.drop("b/c")
    assert await looks.seen() == ["b"], "what is gone is seen in the folder above it"
    server.drop("e")
    server.write("e", b"a file")
    assert await looks.seen() == [""]
    assert await looks.seen() == []


async def test_all_is_listed_after_a_start_each_day_and_when_the_server_went_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks = Looks()
    server = looks.server
    assert await looks.seen() == ALL
    looks.start()
    assert await looks.seen() == ALL and await looks.seen() == []
    looks.now += DAY
    assert await looks.seen() == ALL and await looks.seen() == []
    del server.log[-1:]
    assert await looks.seen() == ALL and await looks.seen() == []
    monkeypatch.setattr(feed, "MOST", 1)
    server.write("a/x", b"2")
    server.write("e/x", b"2")
    assert await looks.seen() == ALL and await looks.seen() == []
    looks.cursor = 0  # what was known of it is not true any more
    assert await looks.seen() == ALL and await looks.seen() == []


async def test_what_could_not_be_listed_is_looked_at_again_until_it_can_be() -> None:
    looks, broken = Looks(), {"b/c"}
    server = looks.server

    def fault(call: str, path: str) -> None:
        if call == "list" and path in broken:
            raise ProblemError(Problem(Code.CUT if path == "e" else Code.UNREADABLE, "no", path))

    server.fault = fault
    assert await looks.seen() == ["", "a", "b", "b/c!", "e"]
    assert await looks.seen() == ["b/c!"]
    broken.clear()
    assert await looks.seen() == ["b/c", "b/c/d"]
    assert await looks.seen() == []
    looks.now += DAY
    broken.add("e")
    with pytest.raises(ProblemError):
        await looks.seen()
    broken.clear()
    assert await looks.seen() == ALL, "a look at everything that was cut is done again"
