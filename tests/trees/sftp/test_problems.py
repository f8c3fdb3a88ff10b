"""What a server says when something fails, as people see it."""

import asyncssh
import pytest

from cargo_sync.model.problems import ProblemError
from cargo_sync.trees.sftp.problems import translated
from cargo_sync.wire.sftp.packets import SftpError, Status
from tests.remotes.remotes import Remotes
from tests.trees.sftp.test_disks import file, free, opened

WORDS = "no \x1b[2J\nroom\x07" + "!" * 1_000


@pytest.mark.parametrize(
    "error", [SftpError(Status.FAILURE, WORDS), asyncssh.DisconnectError(2, WORDS)]
)
def test_words_of_a_server_are_one_short_line(error: Exception) -> None:
    with pytest.raises(ProblemError) as caught, translated("example.org", "a"):
        raise error
    message = caught.value.problem.message
    assert "no  [2J room" in message
    assert message.isprintable() and len(message) < 300


async def test_a_folder_may_have_a_name_that_is_not_utf8(remotes: Remotes) -> None:
    server = remotes.get("openssh")
    async with opened(server, "/odd") as above:
        names = above._names
        await names.call("", lambda sftp: sftp.mkdir(names.root + b"/\xff"))
        await names.call("", lambda sftp: sftp.symlink(b"\xff", names.root + b"/link"))
        async with opened(server, "/odd/link") as folder:
            assert (await folder.open(make=False)).endswith("/odd/\\xff")
            made = await folder.put(file("a", b"1"), memoryview(b"1"), None, free)
            await folder.remove("a", made)
