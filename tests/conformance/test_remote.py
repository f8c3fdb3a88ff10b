"""The Remote contract, for each protocol, on its servers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from hashlib import md5

import pytest
from blake3 import blake3

from cargo_sync.model import paths
from cargo_sync.model.abilities import Publishing, Resuming, Trashing
from cargo_sync.model.entries import BY_UMASK, FILE, FOLDER, LINK, Entry
from cargo_sync.model.known_hashes import HashKind, KnownHash
from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.trees.contract import Missed
from cargo_sync.trees.remote.contract import (
    NewFile,
    PartsFolder,
    PassingContent,
    RemoteFolder,
    RemoteUpload,
)
from cargo_sync.trees.remote.feed import TellsChanges
from tests.conformance.remotes import FACTORIES, MORE, WITHOUT_ODD_NAMES, in_thread
from tests.remotes.remotes import Remotes
from tests.remotes.servers import ALL

TIME = 1_600_000_000_123_456_789
MOST = 4 * 2**20
TRASH = ".cargo_sync/trash/20260102T030405Z-run"
GONE = {Code.CHANGED, Code.VANISHED}
TAKEN = {Code.CHANGED, Code.OCCUPIED}


@pytest.fixture(params=[*FACTORIES, *(MORE if ALL else ())])
async def remote(request: pytest.FixtureRequest, remotes: Remotes) -> AsyncIterator[RemoteFolder]:
    async with (FACTORIES | MORE)[request.param](remotes) as made:
        await made.open(make=True)
        await made.find_out()
        yield made
        await made.close()


class Paced:
    """Counts what goes on the wire."""

    def __init__(self) -> None:
        self.count = 0

    async def __call__(self, count: int) -> None:
        self.count += count


def file(path: str, content: bytes, mode: int = 0o640) -> NewFile:
    transfer = blake3(path.encode()).hexdigest()[:32]
    return NewFile(path, len(content), TIME, mode, transfer, blake3(content).hexdigest())


def plain(remote: RemoteFolder, entry: Entry) -> Entry:
    """An entry as it is the same whoever tells it: the time only if the server keeps times."""
    return entry._replace(mtime_ns=0) if remote.abilities.time_step is None else entry


async def put(remote: RemoteFolder, path: str, content: bytes, old: Entry | None = None) -> Entry:
    made = await remote.put(file(path, content), memoryview(content), old, Paced())
    return plain(remote, made)


async def at(remote: RemoteFolder, path: str) -> Entry | None:
    found = await remote.entry(path)
    return found and plain(remote, found)


async def content_of(remote: RemoteFolder, path: str, entry: Entry, start: int = 0) -> bytes:
    content = await remote.read(path, entry, start)
    try:
        found = list[bytes]()
        async for piece in content:
            found.append(bytes(piece))
            if isinstance(content, PassingContent):  # by turns, as a transfer does
                await content.pass_on(MOST, lambda some: found.append(bytes(some)), in_thread)
        return b"".join(found)
    finally:
        await content.close()


async def there(remote: RemoteFolder) -> dict[str, Entry]:
    """Everything that listings say, by path."""
    found: dict[str, Entry] = {}
    folders: list[str] = []
    async for group in remote.walk():
        for one in group:
            assert not isinstance(one, Missed), one
            folders.append(one.path)
            names = [entry.name for entry in one.entries]
            assert len(set(names)) == len(names)
            found |= {
                paths.join(one.path, entry.name): plain(remote, entry) for entry in one.entries
            }
    listed = ["", *(path for path, entry in found.items() if entry.kind == FOLDER)]
    assert sorted(folders) == sorted(listed), "each folder comes once"
    return found


async def part_of(
    remote: RemoteFolder, path: str, entry: Entry, span: tuple[int, int]
) -> bytes | None:
    """These bytes alone; None if the server gives no parts."""
    assert isinstance(remote, PartsFolder)
    content = await remote.read_part(path, entry, *span)
    if content is None:
        return None
    try:
        return b"".join([bytes(piece) async for piece in content])
    finally:
        await content.close()


async def test_a_part_is_that_part_of_the_file_that_was_listed(remote: RemoteFolder) -> None:
    if not isinstance(remote, PartsFolder):
        pytest.skip("it reads files from a byte on")
    content = bytes(range(256)) * 300
    entry = await put(remote, "x", content)
    for start, end in ((0, 70_000), (1, 2), (70_000, len(content))):
        found = await part_of(remote, "x", entry, (start, end))
        assert found in (content[start:end], None)
    await put(remote, "x", content[1:], entry)
    await refused(GONE, part_of(remote, "x", entry, (0, 10)))


async def refused(codes: set[Code], call: object) -> None:
    with pytest.raises(ProblemError) as caught:
        await call  # type: ignore[misc]
    assert caught.value.problem.code in codes, caught.value.problem


async def test_what_is_put_is_there_as_listings_say(
    remote: RemoteFolder, request: pytest.FixtureRequest
) -> None:
    odd = "a b/100% #1?&+=;.txt"
    contents = {
        path: path.encode() * 3
        for path in ("plain", "a b/c d", "a b/é ü", "a b/100% #1&+=.txt", odd, "deep/er/x", "-rf")
    } | {"empty": b""}
    for folder in ("a b", "deep/er"):
        made = await remote.make(folder, BY_UMASK)
        assert (made.name, made.kind, made.size, made.version) == (
            paths.name(folder), FOLDER, 0, 1,
        )  # fmt: skip
    if request.node.callspec.params["remote"] in WITHOUT_ODD_NAMES:
        await refused({Code.BAD_NAME}, put(remote, odd, contents.pop(odd)))
    entries = {path: await put(remote, path, content) for path, content in contents.items()}
    found = await there(remote)
    assert {path for path, entry in found.items() if entry.kind == FILE} == contents.keys()
    for path, content in contents.items():
        entry = found[path]
        assert entry == entries[path] == await at(remote, path)
        assert entry.version not in (0, 1) and entry.hash == "" and entry.size == len(content)
        assert await content_of(remote, path, entry) == content
    assert await there(remote) == found, "twice the same"
    assert await at(remote, "none") is None
    assert await at(remote, "plain/none") is None
    assert (await at(remote, "deep")) == found["deep"]


async def test_it_may_be_opened_again_and_is_the_same(remote: RemoteFolder) -> None:
    entry = await put(remote, "x", b"1")
    assert await remote.open(make=False) == await remote.open(make=True)
    assert await there(remote) == {"x": entry}


async def test_times_and_modes_are_kept_as_far_as_they_are_said_to_be(remote: RemoteFolder) -> None:
    entry = await put(remote, "x", b"1")
    can = remote.abilities
    if can.time_step is not None:
        assert can.same_time(entry.mtime_ns, TIME)
    assert entry.mode == (0o640 if can.modes else BY_UMASK)
    assert bool(entry.ident) is can.idents
    assert can.exchange is False
    assert can.feed <= isinstance(remote, TellsChanges)


async def test_nothing_is_overwritten_but_what_was_seen(remote: RemoteFolder) -> None:
    first = await put(remote, "x", b"one")
    await refused(TAKEN, put(remote, "x", b"other"))
    second = await put(remote, "x", b"two!", first)
    assert second.version != first.version
    await refused(GONE, put(remote, "x", b"three", first))
    await refused(GONE, put(remote, "none", b"three", first))
    assert await content_of(remote, "x", second) == b"two!"
    assert set(await there(remote)) == {"x"}


async def test_a_file_needs_the_folder_that_it_is_in(remote: RemoteFolder) -> None:
    if not remote.abilities.folders:
        pytest.skip("folders are there by what is in them")
    missing = {Code.VANISHED, Code.NOT_A_FOLDER}
    await refused(missing, put(remote, "none/x", b"1"))
    upload = await sent(remote, file("none/x", b"1"), b"1", 1)
    await refused(missing, upload.publish(file("none/x", b"1"), None))
    await remote.make("none", BY_UMASK)
    entry = await upload.publish(file("none/x", b"1"), None)
    assert (await there(remote))["none/x"] == plain(remote, entry)


async def test_reading_begins_anywhere_and_is_of_what_was_seen(remote: RemoteFolder) -> None:
    content = bytes(range(256)) * 1024
    entry = await put(remote, "x", content)
    assert await content_of(remote, "x", entry, 100_000) == content[100_000:]
    assert await content_of(remote, "x", entry, len(content) - 1) == content[-1:]
    await put(remote, "x", b"other", entry)
    await refused(GONE, content_of(remote, "x", entry))
    await refused(GONE, content_of(remote, "none", entry))


async def test_folders_are_made_with_those_above_and_again(remote: RemoteFolder) -> None:
    for _ in range(2):
        made = await remote.make("a/b/c", 0o750)
        assert made == await at(remote, "a/b/c")
    if remote.abilities.modes:
        assert made.mode == 0o750
    listing = await remote.list("a/b")
    assert list(listing.entries) == [made] and not listing.problems
    assert set(await there(remote)) == {"a", "a/b", "a/b/c"}
    await put(remote, "file", b"1")
    await refused({Code.NOT_A_FOLDER}, remote.make("file", BY_UMASK))
    await refused({Code.NOT_A_FOLDER}, remote.make("file/x", BY_UMASK))
    await refused({Code.NOT_A_FOLDER, Code.VANISHED}, remote.list("file"))


async def test_what_is_removed_is_what_was_seen(remote: RemoteFolder) -> None:
    await remote.make("f", BY_UMASK)
    entry, stays = await put(remote, "f/x", b"1"), await put(remote, "y", b"2")
    folder = (await there(remote))["f"]
    await refused({Code.NOT_EMPTY}, remote.remove("f", folder))
    now = await put(remote, "y", b"3!", stays)
    await refused(GONE, remote.remove("y", stays))
    await remote.remove("f/x", entry)
    await refused(GONE, remote.remove("f/x", entry))
    await remote.remove("f", folder)
    assert await there(remote) == {"y": now}


async def sent(remote: RemoteFolder, one: NewFile, content: bytes, most: int) -> RemoteUpload:
    """An upload of which the first pieces were sent."""
    upload = await remote.upload(one, None)
    pieces = range(0, len(content), upload.piece)
    for start in pieces[:most]:
        await upload.send(start, memoryview(content)[start : start + upload.piece], Paced())
    return upload


async def test_an_upload_is_seen_when_it_is_published_and_goes_on_after_a_restart(
    remote: RemoteFolder,
) -> None:
    one = file("big", b"")
    probe = await remote.upload(one, None)
    content = bytes(range(251)) * ((2 * probe.piece) // 251 + 100)
    await probe.abort()
    one = file("big", content)
    upload = await sent(remote, one, content, 2)
    assert await there(remote) == {}
    kept, done = upload.kept(), list(upload.done)
    assert done == [(0, 2 * upload.piece)]
    await upload.leave()
    upload = await remote.upload(one, kept)
    if remote.abilities.resuming is Resuming.NONE:
        assert list(upload.done) == []
    else:
        assert list(upload.done) == done
        view = memoryview(content)
        for start in range(0, done[0][1], upload.piece):
            assert await upload.holds(start, view[start : start + upload.piece])
    at = upload.done[-1][1] if upload.done else 0
    paced = Paced()
    for start in range(at, len(content), upload.piece):
        await upload.send(start, memoryview(content)[start : start + upload.piece], paced)
    assert paced.count >= len(content) - at
    entry = plain(remote, await upload.publish(one, None))
    await upload.leave()
    assert await there(remote) == {"big": entry}
    assert await content_of(remote, "big", entry) == content


async def test_a_server_that_is_asked_gets_nothing_again_though_nothing_was_kept(
    remote: RemoteFolder,
) -> None:
    upload = await remote.upload(file("big", b""), None)
    piece = upload.piece
    await upload.abort()
    if remote.abilities.resuming is Resuming.NONE or not upload.asks:
        return  # what is kept counts there, after each piece
    content = bytes(range(251)) * (2 * piece // 251 + 100)
    one = file("big", content)
    upload = await remote.upload(one, None)
    kept = upload.kept()
    view, paced = memoryview(content), Paced()
    for start in (0, piece):
        await upload.send(start, view[start : start + piece], paced)
    await upload.leave()
    upload, paced = await remote.upload(one, kept), Paced()
    at = upload.done[-1][1] if upload.done else 0
    for start in range(0, at, piece):
        assert await upload.holds(start, view[start : start + piece])
    for start in range(at, len(content), piece):
        await upload.send(start, view[start : start + piece], paced)
    assert paced.count == len(content) - 2 * piece
    await upload.abort()


async def test_an_upload_that_is_given_up_leaves_nothing(remote: RemoteFolder) -> None:
    content = b"x" * 1000
    upload = await sent(remote, file("big", content), content, 1)
    kept = upload.kept()
    await upload.leave()
    await remote.give_up(kept)
    await remote.give_up(kept)
    upload = await remote.upload(file("big", content), kept)
    assert list(upload.done) == [], "it begins anew"
    await upload.abort()
    assert await there(remote) == {}


async def test_an_upload_replaces_what_was_seen_and_nothing_else(remote: RemoteFolder) -> None:
    content = b"x" * 1000
    old = await put(remote, "x", b"old")
    upload = await sent(remote, file("x", content), content, 1)
    await refused(TAKEN, upload.publish(file("x", content), None))
    entry = plain(remote, await upload.publish(file("x", content), old))
    assert await there(remote) == {"x": entry}
    assert await content_of(remote, "x", entry) == content


async def test_a_file_moves_to_a_free_place(remote: RemoteFolder) -> None:
    one, other = await put(remote, "a", b"1"), await put(remote, "b", b"22")
    await refused(TAKEN, remote.move("a", "b", one))
    await refused(GONE, remote.move("a", "c", other))
    await refused(GONE, remote.move("none", "c", one))
    await remote.make("f", BY_UMASK)
    moved = plain(remote, await remote.move("a", "f/c", one))
    found = await there(remote)
    assert found == {"b": other, "f": found["f"], "f/c": moved}
    assert await content_of(remote, "f/c", moved) == b"1"
    can = remote.abilities
    if can.time_step is not None:
        assert moved.mtime_ns == one.mtime_ns and moved.mode == one.mode


async def test_a_folder_moves_with_all_that_is_in_it(remote: RemoteFolder) -> None:
    can = remote.abilities
    if can.trashing is not Trashing.RENAME and can.publishing is not Publishing.RENAME:
        pytest.skip("it moves files only")
    await remote.make("f/g", BY_UMASK)
    await put(remote, "f/g/x", b"1")
    await remote.make(f"{TRASH}/h", BY_UMASK)
    folder = (await there(remote))["f"]
    await remote.move("f", f"{TRASH}/h/f", folder)
    assert await there(remote) == {}
    inside = await remote.list(f"{TRASH}/h/f/g")
    assert [entry.name for entry in inside.entries] == ["x"]
    await remote.move(f"{TRASH}/h/f", "f", folder)
    assert set(await there(remote)) == {"f", "f/g", "f/g/x"}


async def test_the_trash_is_reached_and_never_listed(remote: RemoteFolder) -> None:
    entry = await put(remote, "x", b"1")
    await remote.make(f"{TRASH}/d", BY_UMASK)
    place = f"{TRASH}/d/x"
    if remote.abilities.trashing is Trashing.COPY:
        kept = plain(remote, await remote.copy("x", place, entry))
        await refused(TAKEN, remote.copy("x", place, entry))
        assert set(await there(remote)) == {"x"}
    else:
        kept = plain(remote, await remote.move("x", place, entry))
        assert await there(remote) == {}
    assert kept == await at(remote, place)
    assert await content_of(remote, place, kept) == b"1"
    await remote.remove(place, kept)


async def test_metadata_is_set_as_far_as_it_is_kept(remote: RemoteFolder) -> None:
    entry = await put(remote, "x", b"one")
    now = plain(remote, await remote.set_metadata("x", entry, TIME + 10**12, 0o600))
    assert now == await at(remote, "x") == (await there(remote))["x"]
    can = remote.abilities
    if can.time_step is not None:
        assert can.same_time(now.mtime_ns, TIME + 10**12)
    if can.modes:
        assert now.mode == 0o600
    assert await content_of(remote, "x", now) == b"one"


async def test_links_are_kept_if_they_are_said_to_be(remote: RemoteFolder) -> None:
    if not remote.abilities.links:
        pytest.skip("it keeps no links")
    entry = await remote.link("l", "target/of it")
    assert (entry.kind, entry.target) == (LINK, "target/of it")
    assert await there(remote) == {"l": entry}
    await refused(TAKEN, remote.link("l", "other"))
    await remote.remove("l", entry)


async def test_a_hash_that_is_known_is_of_what_was_seen(remote: RemoteFolder) -> None:
    old = await put(remote, "x", b"one")
    new = await put(remote, "x", b"two!", old)
    first, second, third = await remote.hashes([("x", old), ("x", new), ("none", new)])
    assert first is third is None
    if remote.abilities.hashes:
        assert second == KnownHash(HashKind.BLAKE3, blake3(b"two!").hexdigest())
    elif HashKind.MD5 in remote.abilities.digests:
        assert second is not None
        assert second[:2] == (HashKind.MD5, md5(b"two!", usedforsecurity=False).hexdigest())


async def test_calls_run_at_the_same_time(remote: RemoteFolder) -> None:
    names = [f"{number}" for number in range(12)]
    entries = await asyncio.gather(*(put(remote, name, name.encode()) for name in names))
    assert await there(remote) == dict(zip(names, entries, strict=True))
    contents = await asyncio.gather(
        *(content_of(remote, name, entry) for name, entry in zip(names, entries, strict=True))
    )
    assert contents == [name.encode() for name in names]


async def test_a_folder_below_the_top_is_made_and_stays(remote: RemoteFolder) -> None:
    for _ in range(2):
        root = await remote.open(make=True)
        await remote.find_out()
        assert await remote.open(make=False) == root
        assert await there(remote) == {}


async def test_what_a_check_has_removed_of_ours_is_made_again(remote: RemoteFolder) -> None:
    await put(remote, "x", b"1")
    for ours in (".cargo_sync/staging", ".cargo_sync"):
        with suppress(ProblemError):  # it may have more of ours
            if (found := await remote.entry(ours)) is not None:
                await remote.remove(ours, found)
    await remote.open(make=False)
    await remote.find_out()
    entry = await put(remote, "y", b"2")
    assert (await there(remote))["y"] == entry
