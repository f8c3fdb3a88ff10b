"""New files on an SSH server, and copies there: what comes meanwhile is seen."""

from asyncio import Future
from dataclasses import replace

import pytest
from orjson import dumps

from cargo_sync.model.problems import Code, ProblemError
from cargo_sync.trees.remote.staging import beside
from cargo_sync.trees.sftp import folder as folder_module
from cargo_sync.trees.sftp.channel import SftpChannel
from tests.remotes.remotes import Remotes
from tests.trees.sftp.test_disks import file, free, opened


async def test_what_changes_while_a_file_is_written_is_not_replaced(remotes: Remotes) -> None:
    other = b"somebody else's"
    async with opened(remotes.get("openssh"), "/publishing") as folder:
        for size in (10, 2 * 2**20):
            seen = await folder.put(file("a", b"1"), memoryview(b"1"), None, free)

            async def changing(_: int) -> None:
                now = await folder.entry("a")
                if now is not None and now.size != len(other):
                    await folder.put(file("a", other), memoryview(other), now, free)

            content = bytes(size)
            new = replace(file("a", content), transfer="b" * 32)
            with pytest.raises(ProblemError) as caught:
                await folder.put(new, memoryview(content), seen, changing)
            assert caught.value.problem.code is Code.CHANGED
            now = await folder.entry("a")
            assert now is not None and now.size == len(other)
            await folder.remove("a", now)


@pytest.mark.parametrize("size", [0, 999, 1_000, 2_500])
async def test_a_copy_is_made_in_pieces_of_which_each_is_answered(
    size: int, remotes: Remotes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_module, "COPIED", 1_000)
    asked, copy = list[int](), SftpChannel.copy

    def counted(
        channel: SftpChannel, source: bytes, target: bytes, offset: int, length: int
    ) -> Future[None]:
        asked.append(length)
        return copy(channel, source, target, offset, length)

    monkeypatch.setattr(SftpChannel, "copy", counted)
    content = bytes(number % 251 for number in range(size))
    async with opened(remotes.get("openssh"), "/copies") as folder:
        entry = await folder.put(file("a", content), memoryview(content), None, free)
        made = await folder.copy("a", "b", entry)
        assert sum(asked) == size and max(asked, default=0) <= 1_000
        read = await folder.read("b", made)
        assert b"".join([piece async for piece in read]) == content
        await read.close()
        await folder.remove("b", made)
        # It is shorter when it is copied than it was when it was looked at.
        with pytest.raises(ProblemError) as caught:
            await folder.copy("a", "b", entry._replace(size=size + 1))
        assert caught.value.problem.code is Code.CORRUPT
        assert await folder.entry("b") is None
        await folder.remove("a", entry)


async def test_a_link_where_a_file_is_staged_beside_its_place_is_not_followed(
    remotes: Remotes,
) -> None:
    content = memoryview(b"of the job")
    async with opened(remotes.get("openssh"), "/links") as folder:
        folder._publishing._disks.note("a", elsewhere=True)
        victim = await folder.put(file("victim", b"1"), memoryview(b"1"), None, free)
        for large in (False, True):
            wanted = file("a", bytes(content))
            place = beside("a", wanted.transfer)
            await folder.link(place, "victim")
            if large:
                # It was ours before, and somebody has replaced it.
                upload = await folder.upload(wanted, dumps([place, 1]).decode())
                assert not upload.done
                await upload.send(0, content, free)
                made = await upload.publish(wanted, None)
            else:
                made = await folder.put(wanted, content, None, free)
            assert await folder.entry("victim") == victim
            assert await folder.entry("a") == made
            await folder.remove("a", made)
        await folder.remove("victim", victim)
