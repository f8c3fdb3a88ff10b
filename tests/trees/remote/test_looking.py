"""Listings of a remote, as a survey takes them."""

from dataclasses import replace

from cargo_sync.model import entries
from cargo_sync.model.entries import FILE, Entry
from cargo_sync.model.large_folders import cuts
from cargo_sync.model.problems import Code, Problem
from cargo_sync.testing.remote import MemoryRemote
from cargo_sync.testing.remote_server import MemoryServer
from cargo_sync.trees.contract import Delta, Missed, Whole
from cargo_sync.trees.remote.contract import RemoteListing
from cargo_sync.trees.remote.looking import RemoteLook, parts_of
from tests.conformance.remotes import SHARE
from tests.offloads import inline


def test_a_large_folder_comes_in_parts_that_are_cut_as_everywhere() -> None:
    names = sorted(f"{number:05}" for number in range(5_000))
    problem = Problem(Code.BAD_NAME, "a name")
    some = [Entry(name, FILE, 1, version=2) for name in reversed(names)]
    parts = parts_of(RemoteListing("d", some, [problem]))
    assert [part.first for part in parts[1:]] == [names[at] for at in cuts(names)[1:]]
    assert [part.end for part in parts] == [*(part.first for part in parts[1:]), ""]
    assert [part.problems for part in parts] == [(problem,), *[()] * (len(parts) - 1)]
    decoded = [entry for part in parts for entry in entries.decode(part.listing)]
    assert [entry.name for entry in decoded] == names
    assert sum(part.entries for part in parts) == 5_000 and len(parts) > 2


def test_a_small_folder_is_one_part() -> None:
    [part] = parts_of(RemoteListing("", [Entry("b", FILE), Entry("a", FILE)]))
    assert part == Whole("", entries.encode((Entry("a", FILE), Entry("b", FILE))), 2)
    assert parts_of(RemoteListing("e", [])) == [Whole("e", b"[]", 0)]


async def test_an_empty_listing_is_believed_at_the_second_look_in_a_row() -> None:
    server = MemoryServer()
    server.write("f/x", b"1")
    server.write("g/x", b"1")
    look = RemoteLook(MemoryRemote(server, replace(SHARE, empties=False)), inline, lambda: 0.0)

    async def seen() -> dict[str, int]:
        """What each folder has; -1 for those of which nothing is known."""
        found = list[Whole | Missed]()
        async for group in look.observe(0):
            assert not isinstance(group, Delta)
            found += group
        return {one.path: -1 if isinstance(one, Missed) else one.entries for one in found}

    assert await seen() == {"": 2, "f": 1, "g": 1}
    server.silent.add("f")
    assert await seen() == {"": 2, "f": -1, "g": 1}
    server.silent.clear()
    assert await seen() == {"": 2, "f": 1, "g": 1}, "it was a mistake"
    server.drop("f/x")
    server.make("new")
    assert await seen() == {"": 3, "f": -1, "g": 1, "new": 0}
    assert await seen() == {"": 3, "f": 0, "g": 1, "new": 0}
    assert await seen() == {"": 3, "f": 0, "g": 1, "new": 0}
    server.silent.add("")
    assert await seen() == {"": -1}
    anew = RemoteLook(MemoryRemote(server, replace(SHARE, empties=False)), inline, lambda: 0.0)
    look = anew
    assert await seen() == {"": -1}, "nobody knows what it had"


async def test_an_empty_listing_is_believed_at_once_where_nothing_was_agreed_on() -> None:
    """A first upload does not wait for a second look."""
    server = MemoryServer()
    for folder in ("f", "g"):
        server.make(folder)
    remote = MemoryRemote(server, replace(SHARE, empties=False))
    look = RemoteLook(remote, inline, lambda: 0.0, lambda path: path == "g")
    found = list[Whole | Missed]()
    async for group in look.observe(0):
        assert not isinstance(group, Delta)
        found += group
    assert {one.path: isinstance(one, Whole) for one in found} == {"": True, "f": True, "g": False}
