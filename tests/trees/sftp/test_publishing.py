"""New files on an SSH server: what comes there while they are written stays."""

from dataclasses import replace

import pytest

from cargo_sync.model.problems import Code, ProblemError
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
